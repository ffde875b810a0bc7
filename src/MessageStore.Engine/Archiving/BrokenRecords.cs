namespace MessageStore.Archiving;

/// <summary>Where in a volume records were found damaged, wherever their keys point by now.</summary>
internal sealed class BrokenRecords
{
    private readonly long[] starts;
    private readonly long[] ends;

    /// <param name="keys">The keys as they were when the records were found damaged, all of one volume.</param>
    public BrokenRecords(IEnumerable<ArchiveKey> keys)
    {
        ArchiveKey[] byOffset = [.. keys.OrderBy(k => k.Offset)];
        starts = [.. byOffset.Select(k => k.Offset)];
        ends = [.. byOffset.Select(k => k.Offset + k.Length)];
    }

    /// <summary>Whether one of them begins at a place.</summary>
    public bool BeginAt(long offset) => Array.BinarySearch(starts, offset) >= 0;

    /// <summary>Whether a place lies within one of them, behind its beginning.</summary>
    public bool Contain(long offset)
    {
        int at = Array.BinarySearch(starts, offset);
        int before = (at >= 0 ? at : ~at) - 1;
        return before >= 0 && offset < ends[before];
    }
}
