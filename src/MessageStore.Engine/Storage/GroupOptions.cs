namespace MessageStore.Storage;

/// <summary>Sizes and habits of a storage group.</summary>
internal sealed record GroupOptions
{
    /// <summary>A segment takes no new image once it would grow beyond this many bytes.</summary>
    public long SegmentLimit { get; init; } = 256L << 20;

    /// <summary>A log file takes no new transactions once it is longer than this many bytes.</summary>
    public long LogFileLimit { get; init; } = 64L << 20;

    /// <summary>
    /// A checkpoint is due after this many bytes of log, or twice the length of the last snapshot if that is more, so that its cost stays a constant
    /// share of the work however large the index grows.
    /// </summary>
    public long CheckpointLogBytes { get; init; } = 64L << 20;

    /// <summary>Replay up to this many bytes at the next open is cheaper than a checkpoint at close.</summary>
    public long CloseReplayBytes { get; init; } = 1L << 20;

    public bool CircularLogging { get; init; }

    /// <summary>Whether closing writes a last frame that vouches for all before it (docs/fault-model.md).</summary>
    public bool VouchAtClose { get; init; } = true;

    public TimeProvider Clock { get; init; } = TimeProvider.System;
}
