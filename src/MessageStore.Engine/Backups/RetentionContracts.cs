namespace MessageStore;

/// <summary>Which backups are to go.</summary>
public sealed record BackupRetentionOptions
{
    /// <summary>The folder; <see langword="null"/> for the database's backup path.</summary>
    public string? Path { get; init; }
    /// <summary>Keep this many of the newest full and incremental sets, 1 or more; <see langword="null"/>: their number does not matter.</summary>
    public int? Keep { get; init; }
    /// <summary>Only sets older than this go; <see langword="null"/>: their age does not matter. With <see cref="Keep"/> both must hold.</summary>
    public TimeSpan? OlderThan { get; init; }
    /// <summary>Only these of the sets that are due; empty for all.</summary>
    public IReadOnlyList<Guid> Ids { get; init; } = [];
    /// <summary>Only say what would be done.</summary>
    public bool DryRun { get; init; }
}

public enum BackupRetentionDecision
{
    /// <summary>Due, but it stays; the reason says why.</summary>
    Kept,
    /// <summary>Due and free to go.</summary>
    Due,
    Removed,
}

/// <summary>What became of a backup that was due.</summary>
public sealed record BackupRetention
{
    public required string Path { get; init; }
    public string BackupPath => Path;
    public required Guid Id { get; init; }
    public BackupKind Kind { get; init; }
    public DateTimeOffset Started { get; init; }
    public TimeSpan Age { get; init; }
    public long Bytes { get; init; }
    public required BackupRetentionDecision Decision { get; init; }
    /// <summary>Why it goes, or why it stays: never empty.</summary>
    public required string Reason { get; init; }
}
