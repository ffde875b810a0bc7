namespace MessageStore.Backups;

/// <summary>The files of a storage group as they lie in one backup file.</summary>
internal sealed class SurveyedGroup(GroupBeginMark begin, string path)
{
    private readonly SortedDictionary<int, PiecedFile> segments = [];
    private readonly SortedDictionary<int, PiecedFile> segmentsFromEnd = [];
    private readonly SortedDictionary<int, PiecedFile> logs = [];

    public string Name => begin.Name;

    public GroupBeginMark Begin => begin;

    /// <summary>What the group comes to; <see langword="null"/> where that was damaged.</summary>
    public GroupEndMark? End { get; set; }

    /// <summary>The log and patch files; empty where their list was damaged.</summary>
    public IReadOnlyList<LogMark> LogMarks { get; set; } = [];

    public PiecedFile Snapshot { get; } = new(path, begin.SnapshotBytes);

    public IReadOnlyDictionary<int, PiecedFile> Segments => segments;

    /// <summary>Only the chunks that bytes were put into or taken out of, placed by their end.</summary>
    public IReadOnlyDictionary<int, PiecedFile> SegmentsFromEnd => segmentsFromEnd;

    /// <summary>The log and patch files by their place in the list, which is the order of their transactions.</summary>
    public IReadOnlyDictionary<int, PiecedFile> Logs => logs;

    /// <summary>The file that a chunk belongs to; <see langword="null"/> for one that is not kept.</summary>
    public PiecedFile? FileOf(BackupFrameType type, int number, bool fromEnd) => type switch
    {
        BackupFrameType.Segment => FileIn(fromEnd ? segmentsFromEnd : segments, number),
        _ when fromEnd => null,
        BackupFrameType.Snapshot => Snapshot,
        BackupFrameType.Log or BackupFrameType.Patch => FileIn(logs, number),
        _ => null,
    };

    private PiecedFile FileIn(SortedDictionary<int, PiecedFile> files, int number)
    {
        if (!files.TryGetValue(number, out PiecedFile? file)) files[number] = file = new PiecedFile(path);
        return file;
    }
}
