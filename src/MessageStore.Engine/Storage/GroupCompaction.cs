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

    /// <summary>
    /// Living images that are listed at once, 20 bytes each: segments are taken one after the other as far as theirs come to that many, and one that has more on its own is taken on its own. Each time
    /// costs a look over the index.
    /// </summary>
    public int ImagesInMemory { get; init; } = 1 << 19;

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

    /// <summary>The most images that were listed at once.</summary>
    public int MostImages { get; set; }

    public List<DamagedImage> Damaged { get; } = [];

    public List<string> Notes { get; } = [];
}

/// <summary>A segment that a compaction would rewrite.</summary>
internal readonly record struct MostlyDeadSegment(int Number, long Length, long LiveBytes);
