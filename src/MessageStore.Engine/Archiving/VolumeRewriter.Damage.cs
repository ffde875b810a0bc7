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
/// <remarks>
/// Where a crash leaves it, and what the next run does (docs/archive.md):
/// <list type="table">
/// <item><term>a copy under its working name</term><description>nothing points at it: it is deleted</description></item>
/// <item><term>a copy under its own name</term><description>it is whole, durable and covered: the keys that still point at the damaged file are pointed at it</description></item>
/// <item><term>the damaged file, with no whole record that is not in the copy</term><description>it is set aside</description></item>
/// </list>
/// </remarks>
internal sealed partial class VolumeRewriter
{
    /// <summary>Ending of a copy that is being made. It is no volume before it is whole.</summary>
    private const string WorkingSuffix = ".copying";

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

            DeleteUnfinished(Path.GetDirectoryName(old.Path)!);
            FinishOlder(old, volume, cancellationToken);
            PointAtTwins(volume, cancellationToken);
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

    private static IEnumerable<ArchivedRecordInfo> At(IStorageFile file, IReadOnlySet<long> offsets) => ArchiveWalker.Walk(file, 0).Where(i => offsets.Contains(i.Offset));

    /// <exception cref="MessageStoreException">ArchiveDamaged: there is a key in the volume of which that does not hold.</exception>
    private void DemandOfKeys(IStorageFile old, VolumeDamage damage, string volume, Func<ArchiveKey, bool> holds)
    {
        if (KeysIn(volume).FirstOrDefault(k => !holds(k)) is { } key)
            throw ArchiveErrors.Damaged(old.Path, damage.Offset, $"message {key.Id} needs the file, and nobody has looked for another copy of it. Test all storage groups with -Repair.");
    }

    private IEnumerable<ArchiveKey> KeysIn(string volume) => keys.List(new KeyQuery { Target = FileArchiveTarget.TargetName, Unit = unit }).Where(k => k.Volume == volume);

    /// <summary>Copies of interrupted runs that never got their names.</summary>
    private void DeleteUnfinished(string folder)
    {
        foreach (string path in storage.ListFiles(folder).Where(p => p.EndsWith(ArchivePaths.Suffix + WorkingSuffix, StringComparison.Ordinal))) storage.DeleteFile(path);
    }

    /// <summary>Points the keys at copies that an interrupted run made.</summary>
    private void PointAtTwins(string volume, CancellationToken cancellationToken)
    {
        bool isDurable = false;
        foreach (string newer in NewerThan(volume))
        {
            cancellationToken.ThrowIfCancellationRequested();
            using IStorageFile copy = storage.Open(PathOf(newer), FileAccessKind.Read);
            if (copy.Length > keys.EndOf(FileArchiveTarget.TargetName, unit, newer)) continue;
            if (!isDurable) storage.FlushFolder(Path.GetDirectoryName(copy.Path)!); // that run may have failed just there
            isDurable = true;
            PointKeys(copy, newer, volume);
        }
    }

    /// <summary>Which whole records are to be copied: those that a key points at, and those that lie in no newer generation.</summary>
    private HashSet<long> ToCopy(IStorageFile old, string volume, IReadOnlySet<long> whole, out HashSet<Guid> keyless, CancellationToken cancellationToken)
    {
        var offsets = new HashSet<long>();
        var alone = new Dictionary<(Guid Id, long Length, string Sha256), List<long>>();
        foreach (ArchivedRecordInfo info in At(old, whole))
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (KeyAt(volume, info) is not { } key)
            {
                if (!alone.TryGetValue(NameOf(info), out List<long>? same)) alone.Add(NameOf(info), same = []);
                same.Add(info.Offset);
            }
            else if (KeyOf(info, volume) is not null) offsets.Add(info.Offset);
            else throw ArchiveErrors.Damaged(old.Path, info.Offset, $"the key of message {key.Id} says otherwise than its record. Make the keys anew with Test-MessageArchive -Rebuild.");
        }
        foreach (string newer in NewerThan(volume).TakeWhile(_ => alone.Count > 0))
        {
            using IStorageFile copy = storage.Open(PathOf(newer), FileAccessKind.Read);
            foreach (ArchivedRecordInfo info in ArchiveWalker.Walk(copy, 0).Where(i => alone.ContainsKey(NameOf(i))))
            {
                cancellationToken.ThrowIfCancellationRequested();
                if (IsWhole(copy, info)) alone.Remove(NameOf(info));
            }
        }
        offsets.UnionWith(alone.Values.SelectMany(o => o));
        keyless = [.. alone.Keys.Select(n => n.Id)];
        return offsets;

        static (Guid, long, string) NameOf(ArchivedRecordInfo info) => (info.Id, info.Length, info.Sha256);
    }

    /// <summary>Copies records into the next generation and points their keys there. It has its name only once it is whole and durable, and keys cover it.</summary>
    /// <returns>The volume.</returns>
    private string CopyTo(IStorageFile old, string volume, IReadOnlySet<long> offsets, HashSet<Guid> keyless, TombstoneFile tombstones, CancellationToken cancellationToken)
    {
        string next = NextGeneration(volume), working = PathOf(next) + WorkingSuffix;
        try
        {
            using (IStorageFile copy = storage.Open(working, FileAccessKind.CreateNew))
            {
                Copy(old, copy, At(old, offsets), cancellationToken);
                keys.Cover([new CoveredVolume(FileArchiveTarget.TargetName, unit, next, copy.Length)]);
            }
            tombstones.Add([.. OfCopies(tombstones, volume, next, keyless)]);
            storage.RenameFile(working, PathOf(next));
        }
        catch
        {
            TryDeleteFile(working);
            throw;
        }
        storage.FlushFolder(Path.GetDirectoryName(working)!);
        using IStorageFile named = storage.Open(PathOf(next), FileAccessKind.Read);
        PointKeys(named, next, volume);
        return next;
    }

    /// <summary>What has expired, or was given up, and could not be taken out of the file because it was damaged, is to go from the copy.</summary>
    private static List<Tombstones> OfCopies(TombstoneFile tombstones, string volume, string next, HashSet<Guid> keyless)
    {
        if (keyless.Count == 0) return [];
        string month = ArchivePaths.Generation(volume, 1);
        var again = new List<Tombstones>();
        foreach (IGrouping<TombstoneFrameType, Tombstones> type in tombstones.Read().Where(t => t.Volume.Length > 0 && ArchivePaths.Generation(t.Volume, 1) == month).GroupBy(t => t.Type))
        {
            Guid[] ids = [.. type.SelectMany(t => t.Ids).Where(keyless.Contains).Distinct()];
            if (ids.Length > 0 || type.Key == TombstoneFrameType.Superfluous) again.Add(new Tombstones(type.Key, next, ids));
        }
        return again;
    }
}
