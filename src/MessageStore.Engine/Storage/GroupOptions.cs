namespace MessageStore.Storage;

/// <summary>Sizes and habits of a storage group.</summary>
internal sealed record GroupOptions
{
    /// <summary>A segment takes no new image once it would grow beyond this many bytes.</summary>
    public long SegmentLimit { get; init; } = 256L << 20;

    /// <summary>A log file takes no new transactions once it is longer than this many bytes.</summary>
    public long LogFileLimit { get; init; } = 64L << 20;

    /// <summary>Bytes of zeros that are written ahead at the end of a new log file.</summary>
    public int LogAheadBytes { get; init; } = LogWriter.UsualStep;

    /// <summary>
    /// A checkpoint is due after this many bytes of log, or twice the length of the last snapshot if that is more, so that its cost stays a constant
    /// share of the work however large the index grows.
    /// </summary>
    public long CheckpointLogBytes { get; init; } = 256L << 20;

    /// <summary>
    /// Closing takes a checkpoint where the next open would replay more than this many bytes. 0, because a log that is lost between two sessions must cost nothing
    /// (design §3): what only the log knows is what its device takes with it.
    /// </summary>
    public long CloseReplayBytes { get; init; }

    /// <summary>Compaction begins by itself when this share of the store is dead,</summary>
    public double CompactionDeadShare { get; init; } = 0.5;

    /// <summary>and at least this many bytes.</summary>
    public long CompactionDeadBytes { get; init; } = 256L << 20;

    /// <summary>How much log goes by between two looks at whether compaction is due: the look goes over all segments.</summary>
    public long CompactionLookBytes { get; init; } = 1L << 20;

    /// <summary>Logs that no backup lets go of are reported beyond this many bytes,</summary>
    public long LogWarningBytes { get; init; } = 4L << 30;

    /// <summary>or beyond twice the bytes of hot messages, but not below this many.</summary>
    public long LogWarningLeast { get; init; } = 1L << 30;

    public bool CircularLogging { get; init; }

    /// <summary>How long the log is at rest before a witness is put behind the last transactions (docs/fault-model.md); closing puts one there in any case.</summary>
    public TimeSpan WitnessAfter { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Whether a server opens the database: whoever comes meanwhile is told how far it is.</summary>
    public bool IsServer { get; init; }

    /// <summary>Told how far the opening has come, in words.</summary>
    public Action<string>? Opening { get; init; }

    public TimeProvider Clock { get; init; } = TimeProvider.System;
}
