using MessageStore.IO;
using MessageStore.Keys;

namespace MessageStore.Archiving;

/// <summary>What of an archive file is no whole record.</summary>
/// <param name="Mailbox">Whose file it is: the mailbox as records name it, or the name of its folder.</param>
/// <param name="Offset">Where the first stretch begins, in bytes.</param>
/// <param name="Length">Bytes of all stretches together.</param>
/// <param name="Stretches">How many there are.</param>
internal sealed record VolumeDamage(string Mailbox, long Offset, long Length, int Stretches);

/// <summary>What became of a file that was damaged.</summary>
/// <param name="Damage">What was taken out.</param>
/// <param name="Records">Whole records that it had.</param>
/// <param name="Next">The volume that has them now; empty where there was nothing left to be copied.</param>
/// <param name="Aside">The full path that the damaged file has now.</param>
/// <param name="Behind">Keys of messages whose record is lost: they go on naming the volume.</param>
internal sealed record MendedVolume(VolumeDamage Damage, int Records, string Next, string Aside, long Behind);

/// <summary>
/// Takes what is damaged out of archive files, so that everyone's tools read them to their end again. Other than what is dead, what is damaged is never deleted: the file is set aside.
/// </summary>
internal sealed partial class VolumeRewriter
{
    /// <summary>Looks for what is damaged in a file, up to where keys cover it: the rest is the archive agent's.</summary>
    /// <param name="isWhole">Whether a record is known to be whole, so that it need not be read; <see langword="null"/>: read it.</param>
    /// <param name="broken">Records of this volume that were found damaged: what seems to lie within one is its content.</param>
    /// <returns><see langword="null"/> where all is whole, or there is no such file.</returns>
    /// <exception cref="MessageStoreException">ArchiveUnavailable.</exception>
    public VolumeDamage? Survey(string volume, Func<ArchivedRecordInfo, bool?> isWhole, BrokenRecords broken, CancellationToken cancellationToken)
    {
        try
        {
            if (!storage.FileExists(PathOf(volume))) return null;
            // Before the file is opened: what is appended meanwhile lies beyond.
            long covered = keys.EndOf(FileArchiveTarget.TargetName, unit, volume);
            using IStorageFile file = storage.Open(PathOf(volume), FileAccessKind.Read);
            return Survey(file, volume, covered, isWhole, broken, null, cancellationToken);
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            return null; // expired meanwhile
        }
        catch (Exception error) when (ArchiveErrors.IsDevice(error))
        {
            throw ArchiveErrors.Wrap(error, "looking for damage", PathOf(volume));
        }
    }

    /// <summary>
    /// Copies the whole records of a damaged file into the next generation of its month, points their keys there and sets the file aside. What is whole and has no key is copied too: it may be
    /// all that is left of a message.
    /// </summary>
    /// <param name="broken">Records of this volume that were found damaged, wherever their keys point now.</param>
    /// <param name="mayStay">Whether a key whose record is lost may stay behind. It goes on naming the volume: where the file is brought back from another copy, it holds again.</param>
    /// <param name="tombstones">What has expired: what is said of a record that is copied is said of the copy too.</param>
    /// <param name="now">Names what is set aside.</param>
    /// <returns><see langword="null"/> where nothing is damaged.</returns>
    /// <exception cref="MessageStoreException">ArchiveDamaged: the file is left as it is, and the message says why; ArchiveUnavailable, DiskFull.</exception>
    public MendedVolume? TakeOutDamage(
        string volume, BrokenRecords broken, Func<ArchiveKey, bool> mayStay, TombstoneFile tombstones, DateTimeOffset now, CancellationToken cancellationToken)
    {
        try
        {
            if (!storage.FileExists(PathOf(volume))) return null;
            using IStorageFile old = storage.Open(PathOf(volume), FileAccessKind.Read);
            long covered = keys.EndOf(FileArchiveTarget.TargetName, unit, volume);
            var whole = new HashSet<long>();
            if (Survey(old, volume, covered, _ => null, broken, i => whole.Add(i.Offset), cancellationToken) is not { } damage) return null;
            if (old.Length > covered)
                throw ArchiveErrors.Damaged(old.Path, damage.Offset, $"what lies beyond {covered} was left by an interrupted run; the next run of the archive agent takes it over, then the file can be mended.");
            DemandOfKeys(old, damage, volume, k => whole.Contains(k.Offset) || mayStay(k));
            if (whole.Count == 0 && KeysIn(volume).Any()) throw ArchiveErrors.Damaged(old.Path, damage.Offset, "there is no whole record in the file, so it stays where it is.");

            FinishInterrupted(old, volume, cancellationToken);
            HashSet<long> offsets = ToCopy(old, volume, whole, out HashSet<Guid> keyless, cancellationToken);
            string next = offsets.Count > 0 ? CopyTo(old, volume, offsets, keyless, tombstones, cancellationToken) : "";

            // Nothing that is whole may be left here with a key, whatever came in between.
            DemandOfKeys(old, damage, volume, k => !whole.Contains(k.Offset) && mayStay(k));
            string aside = ArchivePaths.AsideOf(storage, old.Path, now);
            storage.RenameFile(old.Path, aside);
            storage.FlushFolder(Path.GetDirectoryName(aside)!);
            return new MendedVolume(damage, whole.Count, next, aside, KeysIn(volume).LongCount());
        }
        catch (Exception error) when (ArchiveErrors.IsDevice(error))
        {
            throw ArchiveErrors.Wrap(error, "taking out what is damaged", PathOf(volume));
        }
    }

    private static VolumeDamage? Survey(
        IStorageFile file, string volume, long covered, Func<ArchivedRecordInfo, bool?> isWhole, BrokenRecords broken, Action<ArchivedRecordInfo>? found, CancellationToken cancellationToken)
    {
        VolumeDamage? damage = null;
        string mailbox = ArchivePaths.MailboxFolderOf(volume);
        void Note(long offset, long length)
        {
            if (offset >= covered) return;
            damage = damage is null ? new VolumeDamage(mailbox, offset, length, 1) : damage with { Length = damage.Length + length, Stretches = damage.Stretches + 1 };
        }
        foreach (ArchivedRecordInfo info in ArchiveWalker.Walk(file, 0, d => Note(d.Offset, d.Length)))
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (info.Offset >= covered) break;
            bool isOurs = IsOurs(info, volume, broken);
            if (isOurs) mailbox = info.Mailbox;
            if (isOurs && (isWhole(info) ?? IsWhole(file, info))) found?.Invoke(info);
            else Note(info.Offset, info.Length);
        }
        return damage is null ? null : damage with { Mailbox = mailbox };
    }

    /// <summary>A damaged record may lend its content to the search for the next: a message can carry an archive file.</summary>
    private static bool IsOurs(ArchivedRecordInfo info, string volume, BrokenRecords broken) => ArchivePaths.FolderOf(info.Mailbox) == ArchivePaths.MailboxFolderOf(volume) && !broken.Contain(info.Offset);

    /// <exception cref="MessageStoreException">ArchiveDamaged: there is a key in the volume of which that does not hold.</exception>
    private void DemandOfKeys(IStorageFile old, VolumeDamage damage, string volume, Func<ArchiveKey, bool> holds)
    {
        if (KeysIn(volume).FirstOrDefault(k => !holds(k)) is { } key)
            throw ArchiveErrors.Damaged(old.Path, damage.Offset, $"message {key.Id} needs the file, and nobody has looked for another copy of it. Test all storage groups with -Repair.");
    }

    private IEnumerable<ArchiveKey> KeysIn(string volume) => keys.List(new KeyQuery { Target = FileArchiveTarget.TargetName, Unit = unit }).Where(k => k.Volume == volume);
}
