namespace MessageStore.Storage;

/// <summary>How a group's store is compacted.</summary>
internal sealed record CompactionOptions
{
    /// <summary>Segments with at least this share of dead bytes are rewritten.</summary>
    public double MinimumDeadShare { get; init; } = 0.5;

    /// <summary>End the current segment where it is mostly dead itself, so that it can be rewritten.</summary>
    public bool SealCurrent { get; init; }

    /// <summary>How long to rest after work of some length, so that users do not notice.</summary>
    public Func<TimeSpan, TimeSpan>? Pace { get; init; }

    /// <summary>How long to wait for a reader who has a segment that is to be rewritten.</summary>
    public TimeSpan ReaderPatience { get; init; } = TimeSpan.FromSeconds(2);
}

/// <summary>An image that could not be read where the index says it lies.</summary>
internal sealed record DamagedImage(IndexEntry Entry, string Path, long Offset, string Problem);

/// <summary>What a compaction came to.</summary>
internal sealed class GroupCompaction
{
    /// <summary>Segments that are no part of the store any more.</summary>
    public int Segments { get; set; }

    /// <summary>Their length in bytes.</summary>
    public long SegmentBytes { get; set; }

    /// <summary>Bytes of images that were copied out of them.</summary>
    public long BytesCopied { get; set; }

    public List<DamagedImage> Damaged { get; } = [];

    public List<string> Notes { get; } = [];
}

/// <summary>A segment that a compaction would rewrite.</summary>
internal readonly record struct MostlyDeadSegment(int Number, long Length, long LiveBytes);
