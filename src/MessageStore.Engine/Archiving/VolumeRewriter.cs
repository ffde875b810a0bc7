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
/// Writes archive files anew without what is dead, or what is damaged. The records that stay go, byte for byte, into the next generation of the month beside the old file; that is flushed, read
/// back and given its name; then the keys point there; then the old file goes. A crash in between leaves every record where a key points at it, and the next run goes on (docs/archive.md).
/// </summary>
internal sealed partial class VolumeRewriter(IStorage storage, string root, string unit, IKeyManager keys)
{
    /// <summary>Writes a volume anew, or deletes it where nothing is left.</summary>
    /// <param name="fate">What is to become of a record without a key in this volume.</param>
    /// <param name="tombstones">What has expired: what is said of a record that is copied is said of the copy too.</param>
    /// <returns>Bytes freed, and whether anything was left to be copied; nothing freed where nothing is dead.</returns>
    /// <exception cref="MessageStoreException">ArchiveDamaged: the file is left as it is; ArchiveUnavailable, DiskFull.</exception>
    public (long Freed, bool Rewritten) Rewrite(string volume, Func<ArchivedRecordInfo, RecordFate> fate, TombstoneFile tombstones, CancellationToken cancellationToken)
    {
        try
        {
            using IStorageFile old = storage.Open(PathOf(volume), FileAccessKind.Read);
            long covered = keys.EndOf(FileArchiveTarget.TargetName, unit, volume);
            if (old.Length > covered)
                throw ArchiveErrors.Damaged(old.Path, covered, "what lies beyond was left by an interrupted run; the next run of the archive agent takes it over, then expired records can be removed.");
            FinishInterrupted(old, volume, cancellationToken);
            HashSet<long> staying = Staying(old, volume, fate, cancellationToken);
            HashSet<long> offsets = ToCopy(old, volume, staying, out HashSet<Guid> keyless, cancellationToken);
            long freed = ArchiveWalker.Walk(old, 0, Refuse).Where(i => !offsets.Contains(i.Offset)).Sum(i => i.Length);
            if (freed == 0) return (0, false);
            if (offsets.Count > 0) CopyTo(old, volume, offsets, keyless, tombstones, cancellationToken);
            Delete(volume);
            return (freed, offsets.Count > 0);
        }
        catch (Exception error) when (ArchiveErrors.IsDevice(error))
        {
            throw ArchiveErrors.Wrap(error, "removing what has expired", PathOf(volume));
        }
    }

    private HashSet<long> Staying(IStorageFile old, string volume, Func<ArchivedRecordInfo, RecordFate> fate, CancellationToken cancellationToken)
    {
        var staying = new HashSet<long>();
        foreach (ArchivedRecordInfo info in ArchiveWalker.Walk(old, 0, Refuse))
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (KeyAt(volume, info) is not null || fate(info) != RecordFate.Dead) staying.Add(info.Offset);
        }
        return staying;
    }

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

    private ArchiveKey? KeyAt(string volume, ArchivedRecordInfo info) =>
        keys.Find(info.Id).FirstOrDefault(k => IsIn(k, volume) && k.Offset == info.Offset);

    private bool IsIn(ArchiveKey key, string volume) => key.Target == FileArchiveTarget.TargetName && key.Unit == unit && key.Volume == volume;

    private string PathOf(string volume) => ArchivePaths.Resolve(root, volume);

    private static void Refuse(ArchiveDamage damage) =>
        throw ArchiveErrors.Damaged(damage.Path, damage.Offset, $"{damage.Length} bytes there hold no record, so the file was left as it is. Test-MessageDatabase -Repair takes them out.");
}
