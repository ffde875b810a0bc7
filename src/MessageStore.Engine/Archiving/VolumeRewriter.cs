using System.Buffers;
using MessageStore.IO;
using MessageStore.Keys;

namespace MessageStore.Archiving;

/// <summary>What is to become of a record.</summary>
internal enum RecordFate
{
    /// <summary>A key points at it: it moves with its key.</summary>
    Live,
    /// <summary>No key points at it, and nothing says that it may go: it moves without a key.</summary>
    Kept,
    /// <summary>Expired, or another record has taken its place.</summary>
    Dead,
}

/// <summary>
/// Writes archive files anew without what is dead, or what is damaged. The records that stay go, byte for byte, into the next generation of the month beside the old file; that is flushed and read
/// back; then the keys point there; then the old file goes. A crash in between leaves every record where a key points at it, and the next run goes on (docs/archive.md).
/// </summary>
internal sealed partial class VolumeRewriter(IStorage storage, string root, string unit, IKeyManager keys)
{
    private const int CopyBlockSize = 1 << 20;
    private const int KeysAtATime = 4096;

    /// <summary>Writes a volume anew, or deletes it where nothing is left.</summary>
    /// <param name="fate">What is to become of a record without a key in this volume.</param>
    /// <returns>Bytes freed, and whether anything was left; nothing freed where nothing is dead.</returns>
    /// <exception cref="MessageStoreException">ArchiveDamaged: the file is left as it is; ArchiveUnavailable, DiskFull.</exception>
    public (long Freed, bool Rewritten) Rewrite(string volume, Func<ArchivedRecordInfo, RecordFate> fate, CancellationToken cancellationToken)
    {
        try
        {
            using IStorageFile old = storage.Open(PathOf(volume), FileAccessKind.Read);
            if (old.Length > keys.EndOf(FileArchiveTarget.TargetName, unit, volume))
                throw ArchiveErrors.Damaged(old.Path, keys.EndOf(FileArchiveTarget.TargetName, unit, volume),
                    "what lies beyond was left by an interrupted run; the next run of the archive agent takes it over, then expired records can be removed.");
            FinishOlder(old, volume, cancellationToken);
            RecordFate FateOf(ArchivedRecordInfo info) => KeyAt(volume, info) is not null ? RecordFate.Live : fate(info);
            (long dead, long rest) = Weigh(old, FateOf, cancellationToken);
            if (dead == 0) return (0, false);
            if (rest > 0) MoveOn(old, volume, FateOf, cancellationToken);
            Delete(volume);
            return (dead, rest > 0);
        }
        catch (Exception error) when (ArchiveErrors.IsDevice(error))
        {
            throw ArchiveErrors.Wrap(error, "removing what has expired", PathOf(volume));
        }
    }

    private static (long Dead, long Left) Weigh(IStorageFile old, Func<ArchivedRecordInfo, RecordFate> fate, CancellationToken cancellationToken)
    {
        long dead = 0, rest = 0;
        foreach (ArchivedRecordInfo info in ArchiveWalker.Walk(old, 0, Refuse))
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (fate(info) == RecordFate.Dead) dead += info.Length;
            else rest += info.Length;
        }
        return (dead, rest);
    }

    /// <summary>Copies what stays and points the keys at the copies.</summary>
    private void MoveOn(IStorageFile old, string volume, Func<ArchivedRecordInfo, RecordFate> fate, CancellationToken cancellationToken)
    {
        string next = NextGeneration(volume);
        bool vouched = false;
        try
        {
            using IStorageFile copy = storage.Open(PathOf(next), FileAccessKind.CreateNew);
            Copy(old, copy, ArchiveWalker.Walk(old, 0, Refuse).Where(i => fate(i) != RecordFate.Dead), cancellationToken);
            storage.FlushFolder(Path.GetDirectoryName(copy.Path)!);
            vouched = true;
            PointKeys(copy, next, volume);
        }
        catch when (!vouched)
        {
            TryDeleteFile(PathOf(next)); // no key has ever pointed there
            throw;
        }
    }

    /// <summary>Copies records one behind the other, byte for byte, makes them durable, reads them back and compares all their checksums.</summary>
    private static void Copy(IStorageFile old, IStorageFile copy, IEnumerable<ArchivedRecordInfo> records, CancellationToken cancellationToken)
    {
        byte[] block = ArrayPool<byte>.Shared.Rent(CopyBlockSize);
        long end = 0;
        try
        {
            foreach (ArchivedRecordInfo info in records)
            {
                cancellationToken.ThrowIfCancellationRequested();
                for (long at = 0; at < info.Length;)
                {
                    int count = old.ReadFully(block.AsSpan(0, (int)Math.Min(block.Length, info.Length - at)), info.Offset + at);
                    if (count == 0) throw ArchiveErrors.Damaged(old.Path, info.Offset + at, "the file ends within a record.");
                    copy.Write(block.AsSpan(0, count), end + at);
                    at += count;
                }
                end += info.Length;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(block);
        }
        copy.Flush();
        copy.DropCache(0, end); // or what is read back would be what we have in memory, and not what the device has
        foreach (ArchivedRecordInfo info in ArchiveWalker.Walk(copy, 0, Refuse))
        {
            cancellationToken.ThrowIfCancellationRequested();
            ArchiveRecordReader.Verify(copy, info);
        }
    }

    /// <summary>
    /// A newer generation to which no key, or not every key, points yet: a run came to copy and not to say so. Where no key ever did, the copy may have been cut off: then it goes, because
    /// everything in it is in the older one too.
    /// </summary>
    private void FinishOlder(IStorageFile old, string volume, CancellationToken cancellationToken)
    {
        foreach (string newer in NewerThan(volume))
        {
            cancellationToken.ThrowIfCancellationRequested();
            long known = keys.EndOf(FileArchiveTarget.TargetName, unit, newer);
            if (storage.FileLength(PathOf(newer)) <= known) continue;
            bool isSuperfluous;
            using (IStorageFile copy = storage.Open(PathOf(newer), FileAccessKind.ReadWrite))
            {
                if (known > 0 || IsWhole(copy))
                {
                    DoubtfulTail.MakeDurable(copy, known, copy.Length); // keys are about to vouch for it
                    storage.FlushFolder(Path.GetDirectoryName(copy.Path)!);
                    PointKeys(copy, newer, volume);
                    known = keys.EndOf(FileArchiveTarget.TargetName, unit, newer);
                }
                isSuperfluous = known == 0 && IsCopyOf(old, copy);
            }
            if (isSuperfluous) DeleteFile(newer);
        }
    }

    /// <summary>The newer generations of a volume's month that are there.</summary>
    private List<string> NewerThan(string volume) =>
    [
        .. ArchivePaths.VolumesIn(storage, root, ArchivePaths.MailboxFolderOf(volume))
            .Where(v => ArchivePaths.Generation(v, 1) == ArchivePaths.Generation(volume, 1) && ArchivePaths.GenerationOf(v) > ArchivePaths.GenerationOf(volume)),
    ];

    /// <summary>Whether there is no whole record in a file that does not lie whole in the older one too: that may have been damaged since.</summary>
    private static bool IsCopyOf(IStorageFile old, IStorageFile copy)
    {
        Dictionary<(Guid, long), long> there = [];
        foreach (ArchivedRecordInfo info in ArchiveWalker.Walk(old, 0)) there[(info.Id, info.Length)] = info.Offset;
        return ArchiveWalker.Walk(copy, 0).Where(i => IsWhole(copy, i)).All(i =>
            there.TryGetValue((i.Id, i.Length), out long offset) && ArchiveRecordReader.TryReadInfo(old, offset) is { } twin && IsWhole(old, twin));
    }

    private static bool IsWhole(IStorageFile copy)
    {
        bool isWhole = true;
        foreach (ArchivedRecordInfo info in ArchiveWalker.Walk(copy, 0, _ => isWhole = false))
            if (!isWhole || !IsWhole(copy, info)) return false;
        return isWhole;
    }

    private void PointKeys(IStorageFile copy, string newer, string older)
    {
        // A message that was archived again for another time has two records of the same length and digest: the one with the key's own deletion date comes first.
        PointKeys(copy, newer, older, isExact: true);
        PointKeys(copy, newer, older, isExact: false);
    }

    private void PointKeys(IStorageFile copy, string newer, string older, bool isExact)
    {
        ArchiveKey? Wanting(ArchivedRecordInfo info) => KeyOf(info, older) is { } key && (!isExact || key.DeletionDate == info.DeletionDate) ? key : null;
        foreach (ArchivedRecordInfo[] whole in ArchiveWalker.Walk(copy, 0).Where(i => Wanting(i) is not null && IsWhole(copy, i)).Chunk(KeysAtATime))
        {
            // Deleted by its user meanwhile? Then the key says so, and must go on saying it.
            lock (keys.Updating)
                keys.Put([.. whole.Select(i => (Key: Wanting(i), i.Offset)).Where(m => m.Key is not null).Select(m => m.Key! with { Volume = newer, Offset = m.Offset })]);
        }
    }

    /// <summary>The key in an older generation that this record is a copy for.</summary>
    private ArchiveKey? KeyOf(ArchivedRecordInfo info, string older) =>
        keys.Find(info.Id).FirstOrDefault(k => IsIn(k, older) && k.Length == info.Length && k.Sha256 == info.Sha256);

    private static bool IsWhole(IStorageFile file, ArchivedRecordInfo info)
    {
        try
        {
            ArchiveRecordReader.Verify(file, info);
            return true;
        }
        catch (MessageStoreException error) when (error.ErrorId == ErrorIds.ArchiveDamaged)
        {
            return false;
        }
    }

    private void DeleteFile(string volume)
    {
        storage.DeleteFile(PathOf(volume));
        storage.FlushFolder(Path.GetDirectoryName(PathOf(volume))!);
    }

    private void Delete(string volume)
    {
        DeleteFile(volume);
        string folder = Path.GetDirectoryName(PathOf(volume))!;
        if (storage.ListFiles(folder).Count > 0 || storage.ListFolders(folder).Count > 0) return;
        storage.DeleteFolder(folder);
        storage.FlushFolder(root);
    }

    private string NextGeneration(string volume)
    {
        int generation = ArchivePaths.GenerationOf(volume) + 1;
        while (storage.FileExists(PathOf(ArchivePaths.Generation(volume, generation)))
            || keys.EndOf(FileArchiveTarget.TargetName, unit, ArchivePaths.Generation(volume, generation)) > 0) generation++;
        return ArchivePaths.Generation(volume, generation);
    }

    private ArchiveKey? KeyAt(string volume, ArchivedRecordInfo info) =>
        keys.Find(info.Id).FirstOrDefault(k => IsIn(k, volume) && k.Offset == info.Offset);

    private bool IsIn(ArchiveKey key, string volume) => key.Target == FileArchiveTarget.TargetName && key.Unit == unit && key.Volume == volume;

    private string PathOf(string volume) => ArchivePaths.Resolve(root, volume);

    private static void Refuse(ArchiveDamage damage) =>
        throw ArchiveErrors.Damaged(damage.Path, damage.Offset, $"{damage.Length} bytes there hold no record, so the file was left as it is. Test-MessageDatabase -Repair takes them out.");

    private void TryDeleteFile(string path)
    {
        try
        {
            storage.DeleteFile(path);
        }
        catch (Exception error) when (ArchiveErrors.IsDevice(error))
        {
            // No key points there: the next run goes on from it.
        }
    }
}
