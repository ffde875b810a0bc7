namespace MessageStore;

public enum BackupKind
{
    Full,
    /// <summary>What is new since its base, with logs and patches.</summary>
    Incremental,
    /// <summary>The log since its base: no images.</summary>
    Logs,
}

/// <summary>Who goes first while a backup runs.</summary>
public enum BackupPriority
{
    /// <summary>The backup slows down as soon as users wait longer than they would without it.</summary>
    Users,
    /// <summary>The backup goes as fast as the disks allow.</summary>
    Backup,
}

/// <summary>What a backup session is to do.</summary>
public sealed record BackupOptions
{
    /// <summary>Storage group names; empty for all.</summary>
    public IReadOnlyList<string> StorageGroups { get; init; } = [];
    /// <summary>
    /// Folders that each get the file, file names ending in <c>.msbackup</c>, or pipes that are there already; empty for the database's backup path. A set that went into pipes alone does
    /// not count as the newest backup.
    /// </summary>
    public IReadOnlyList<string> Destinations { get; init; } = [];
    public BackupKind Kind { get; init; } = BackupKind.Full;
    public BackupPriority Priority { get; init; } = BackupPriority.Users;
    public BackupCompression Compression { get; init; }
    /// <summary>What the file is encrypted with, and the set that it stands on was; <see langword="null"/>: it is not.</summary>
    public BackupKeySource? Key { get; init; }
}

/// <summary>One of the places that got a backup.</summary>
public sealed record BackupCopy
{
    public required string Path { get; init; }
    public bool IsComplete { get; init; }
    /// <summary>Whether it went into a pipe or a device, so that nobody can look whether it is still there.</summary>
    public bool IsStream { get; init; }
    /// <summary>Identifier of the error that kept it from being complete; empty where it is.</summary>
    public string ErrorId { get; init; } = "";
    public string Reason { get; init; } = "";
}

/// <summary>The result of a backup session.</summary>
public sealed record BackupRun
{
    public required Guid Id { get; init; }
    /// <summary>The complete backup file; of several the first.</summary>
    public required string Path { get; init; }
    public string BackupPath => Path;
    /// <summary>One for each destination. At least one is complete.</summary>
    public IReadOnlyList<BackupCopy> Copies { get; init; } = [];
    public required string Database { get; init; }
    public BackupKind Kind { get; init; }
    /// <summary>The set that this one stands on; empty for a full one.</summary>
    public string BasePath { get; init; } = "";
    /// <summary>Names of all files that it stands on, the full one first.</summary>
    public IReadOnlyList<string> Chain { get; init; } = [];
    public required DateTimeOffset Started { get; init; }
    public IReadOnlyList<string> StorageGroups { get; init; } = [];
    public long Messages { get; init; }
    /// <summary>Length of the backup file.</summary>
    public long Bytes { get; init; }
    /// <summary>What the file would have without compression and encryption.</summary>
    public long ContentBytes { get; init; }
    /// <summary>Transactions that users committed while images were copied and that the patch files recorded.</summary>
    public long PatchTransactions { get; init; }
    public TimeSpan Duration { get; init; }
    /// <summary>How often users were found to wait longer because of the session, so that it slowed down.</summary>
    public int Yields { get; init; }
    /// <summary>How long it stood still for them in all.</summary>
    public TimeSpan YieldDuration { get; init; }
    /// <summary>Why it is of this kind, where nobody asked for it; otherwise empty.</summary>
    public string Reason { get; init; } = "";
}

/// <summary>Which transactions a backup holds of a storage group.</summary>
public sealed record BackupLsnRange
{
    public required string StorageGroup { get; init; }
    /// <summary>Its images show the state after this transaction; a set of logs continues it.</summary>
    public ulong FirstLsn { get; init; }
    public DateTimeOffset FirstTime { get; init; }
    /// <summary>The newest transaction in it.</summary>
    public ulong LastLsn { get; init; }
    public DateTimeOffset LastTime { get; init; }
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
    /// <summary>Id of the set that this one stands on; <see langword="null"/> for a full one.</summary>
    public Guid? BaseId { get; init; }
    /// <summary>Id of the full set at the bottom of the chain.</summary>
    public Guid ChainId { get; init; }
    /// <summary>How many sets lie below it.</summary>
    public int Depth { get; init; }
    public DateTimeOffset Started { get; init; }
    public TimeSpan Age { get; init; }
    public IReadOnlyList<string> StorageGroups { get; init; } = [];
    public long Messages { get; init; }
    public long Bytes { get; init; }
    public long PatchTransactions { get; init; }
    /// <summary>Which transactions it holds of each group.</summary>
    public IReadOnlyList<BackupLsnRange> LsnRanges { get; init; } = [];
    /// <summary>Whether all sets that it stands on are there too.</summary>
    public bool IsChainWhole { get; init; }
    /// <summary>Whether header and trailer are there and agree. Only the drill says that a backup is good.</summary>
    public bool IsComplete { get; init; }
    /// <summary>The result of the newest drill of this file, with its time; empty where there was none.</summary>
    public string LastDrill { get; init; } = "";
    public string Reason { get; init; } = "";
}
