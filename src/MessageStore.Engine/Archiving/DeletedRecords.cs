using MessageStore.Keys;

namespace MessageStore.Archiving;

/// <summary>
/// What becomes of the keys of messages that users delete. A record in an archive file outlives its message until the file is written anew, so its key stays and says since when the record
/// is dead. That is the only thing that tells it from the record of a message which the database has lost and somebody may still want. Keys to other kinds of places go.
/// </summary>
internal static class DeletedRecords
{
    private const int AtATime = 4096;

    /// <summary>
    /// Before messages are deleted: says so in their keys to archive files. Should the deletion not come, it does no harm: of a message that is there the mark says nothing.
    /// </summary>
    /// <exception cref="MessageStoreException">DiskFull, DeviceFailed, KeysClosedForWriting.</exception>
    public static void Mark(IKeyManager keys, IEnumerable<Guid> ids, DateTimeOffset now)
    {
        foreach (Guid[] some in ids.Chunk(AtATime)) Mark(keys, some, now, again: true);
    }

    /// <summary>After messages were deleted: marks what came into being meanwhile, and forgets their keys to other places.</summary>
    /// <exception cref="MessageStoreException">DiskFull, DeviceFailed, KeysClosedForWriting.</exception>
    public static void Forget(IKeyManager keys, IEnumerable<Guid> ids, DateTimeOffset now)
    {
        foreach (Guid[] some in ids.Chunk(AtATime))
        {
            Mark(keys, some, now, again: false);
            var gone = new List<Guid>();
            var elsewhere = new List<ArchiveKey>();
            foreach (Guid id in some)
            {
                IReadOnlyList<ArchiveKey> copies = keys.Find(id);
                if (copies.Count == 0 || copies.All(IsInFile)) continue;
                if (!copies.Any(IsInFile)) gone.Add(id);
                else elsewhere.AddRange(copies.Where(k => !IsInFile(k)));
            }
            keys.RemoveCopies(elsewhere);
            keys.Remove(gone);
        }
    }

    private static void Mark(IKeyManager keys, Guid[] ids, DateTimeOffset now, bool again)
    {
        // A file that is written anew meanwhile gives its records other keys.
        lock (keys.Updating)
            keys.Put([.. keys.Find(ids).Where(k => IsInFile(k) && (again || k.DeletedDate is null)).Select(k => k with { DeletedDate = now })]);
    }

    private static bool IsInFile(ArchiveKey key) => key.Target == FileArchiveTarget.TargetName;
}
