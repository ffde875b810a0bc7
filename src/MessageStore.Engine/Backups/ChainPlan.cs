namespace MessageStore.Backups;

/// <summary>
/// Which bytes of which segment come from which set of a chain (docs/format-backup.md, "A segment in a chain"): the set to be restored holds the end of each, its base
/// what comes before, and so on.
/// </summary>
internal sealed class ChainPlan
{
    private readonly Dictionary<(int Set, string Group, int Segment), (long From, long To)> wanted = [];

    /// <param name="contents">Of the sets, the full one first.</param>
    /// <param name="images">Place of the newest set with images.</param>
    /// <exception cref="MessageStoreException">From <paramref name="broken"/>: a set does not hold what the one above it builds upon.</exception>
    public ChainPlan(IReadOnlyList<ContentsMark> contents, int images, Func<int, string, MessageStoreException> broken)
    {
        foreach (GroupContents group in contents[images].Groups)
        {
            foreach (SegmentMark segment in group.Begin.Segments)
            {
                long to = segment.Length;
                SegmentMark? mark = segment;
                for (int set = images; ; set--)
                {
                    if (mark is null || mark.Length < to) throw broken(set, $"it does not hold the first {to} bytes of segment {segment.Number} of group {group.Begin.Name}");
                    if (mark.From < to) wanted[(set, group.Begin.Name, segment.Number)] = (mark.From, to);
                    to = Math.Min(to, mark.From);
                    if (to == 0) break;
                    if (set == 0) throw broken(set, $"it is a full one and lacks the first {to} bytes of segment {segment.Number} of group {group.Begin.Name}");
                    mark = contents[set - 1].Groups.FirstOrDefault(g => g.Begin.Name == group.Begin.Name)?.Begin.Segments.FirstOrDefault(s => s.Number == segment.Number);
                }
            }
        }
    }

    /// <summary>Which bytes of a segment are to be taken from a set; none where those above it hold all.</summary>
    public (long From, long To) Wanted(int set, string group, int segment) => wanted.GetValueOrDefault((set, group, segment));
}
