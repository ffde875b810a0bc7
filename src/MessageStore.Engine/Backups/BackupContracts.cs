namespace MessageStore;

public enum BackupKind
{
    Full,
    /// <summary>What is new since its base, with logs and patches.</summary>
    Incremental,
    /// <summary>The log since its base: no images.</summary>
    Logs,
}

/// <summary>What a backup session is to do.</summary>
public sealed record BackupOptions
{
    /// <summary>Storage group names; empty for all.</summary>
    public IReadOnlyList<string> StorageGroups { get; init; } = [];
    /// <summary>Folder that gets the file, or a file name ending in <c>.msbackup</c>; <see langword="null"/> for the database's backup path.</summary>
    public string? Destination { get; init; }
    public BackupKind Kind { get; init; } = BackupKind.Full;
}

/// <summary>The result of a backup session.</summary>
public sealed record BackupRun
{
    public required Guid Id { get; init; }
    /// <summary>The complete backup file.</summary>
    public required string Path { get; init; }
    public string BackupPath => Path;
    public required string Database { get; init; }
    public BackupKind Kind { get; init; }
    public required DateTimeOffset Started { get; init; }
    public IReadOnlyList<string> StorageGroups { get; init; } = [];
    public long Messages { get; init; }
    /// <summary>Length of the backup file.</summary>
    public long Bytes { get; init; }
    /// <summary>Transactions that users committed while images were copied and that the patch files recorded.</summary>
    public long PatchTransactions { get; init; }
    public TimeSpan Duration { get; init; }
}

/// <summary>A backup file as a listing shows it, read from its trailer.</summary>
public sealed record BackupInfo
{
    public required string Path { get; init; }
    public string BackupPath => Path;
    public Guid Id { get; init; }
    public Guid DatabaseId { get; init; }
    public string Database { get; init; } = "";
    public BackupKind Kind { get; init; }
    public DateTimeOffset Started { get; init; }
    public TimeSpan Age { get; init; }
    public IReadOnlyList<string> StorageGroups { get; init; } = [];
    public long Messages { get; init; }
    public long Bytes { get; init; }
    public long PatchTransactions { get; init; }
    /// <summary>Whether header and trailer are there and agree. Only the drill says that a backup is good.</summary>
    public bool IsComplete { get; init; }
    /// <summary>The result of the newest drill of this file, with its time; empty where there was none.</summary>
    public string LastDrill { get; init; } = "";
    public string Reason { get; init; } = "";
}
