namespace MessageStore.Searching;

/// <summary>Sizes and habits of the search index.</summary>
internal sealed record SearchOptions
{
    /// <summary>What is not on disk yet is written out once it has this many postings, 8 bytes each, over all groups.</summary>
    public int DeltaPostings { get; init; } = 4 << 20;

    /// <summary>Or this many bytes in all, terms included.</summary>
    public long DeltaBytes { get; init; } = 96L << 20;

    /// <summary>At the end what is not on disk is written out only where it holds at least this many messages: reading a few again is cheaper than a file of its own.</summary>
    public int KeepAtClose { get; init; } = 256;

    /// <summary>While mail comes in and nobody waits for the index, the indexer rests this many times as long as it has worked.</summary>
    public int RestFactor { get; init; } = 5;

    /// <summary>How many runs of about one size are merged into one.</summary>
    public int MergeFactor { get; init; } = 8;

    /// <summary>Postings that a run of the smallest size class has at most.</summary>
    public int SmallestRun { get; init; } = 64 << 10;
}
