namespace MessageStore;

/// <summary>How a database is to be compacted.</summary>
public sealed record OptimizeOptions
{
    /// <summary>Names of the storage groups; all where it is empty.</summary>
    public IReadOnlyList<string> StorageGroups { get; init; } = [];
    /// <summary>Segments with at least this share of dead bytes are rewritten, 0 to 1.</summary>
    public double MinimumDeadShare { get; init; } = 0.5;
    /// <summary>Change nothing; say what would be freed.</summary>
    public bool DryRun { get; init; }
}

/// <summary>What the compaction of a storage group came to.</summary>
public sealed record StorageGroupOptimization
{
    public required string StorageGroup { get; init; }
    /// <summary>Segments that were rewritten, or would be.</summary>
    public int SegmentsRewritten { get; init; }
    /// <summary>Bytes that the store takes less on its disk than before.</summary>
    public long BytesFreed { get; init; }
    /// <summary>Bytes of messages that were copied for that.</summary>
    public long BytesCopied { get; init; }
    /// <summary>Damaged messages that were met. They stay where they are, and so does their segment.</summary>
    public long Damaged { get; init; }
    public TimeSpan Duration { get; init; }
    public bool DryRun { get; init; }
    /// <summary>What was left as it is, and why.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];
    /// <summary>Why the group could not be compacted; empty where it could.</summary>
    public string Reason { get; init; } = "";
}
