namespace MessageStore.Backups;

/// <summary>The files of a storage group put together from the sets of a chain: what a restore would lay out, to be read where it lies.</summary>
/// <param name="Snapshot">The index snapshot of the newest set with images.</param>
/// <param name="Segments">By number.</param>
/// <param name="SegmentsFromEnd">The same, of chunks that bytes were put into or taken out of, placed by their end.</param>
/// <param name="Logs">Log and patch files in the order of their transactions.</param>
internal sealed record BackupGroupFiles(
    PiecedFile Snapshot, IReadOnlyDictionary<int, PiecedFile> Segments, IReadOnlyDictionary<int, PiecedFile> SegmentsFromEnd, IReadOnlyList<IO.IStorageFile> Logs)
{
    /// <summary>The newest transaction that the backup recorded as its end; 0 where that is not known.</summary>
    public ulong EndLsn { get; init; }
}
