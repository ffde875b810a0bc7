namespace MessageStore;

/// <summary>What a new database is to look like.</summary>
public sealed record MessageDatabaseOptions
{
    /// <summary>The database folder: missing or empty.</summary>
    public required string Path { get; init; }
    /// <summary>Names of the storage groups, at least one.</summary>
    public IReadOnlyList<string> StorageGroups { get; init; } = ["SG1"];
    /// <summary>SSD; <see langword="null"/> for <c>store</c> in the database folder.</summary>
    public string? StorePath { get; init; }
    /// <summary>Rotating disk; <see langword="null"/> for <c>logs</c> in the database folder.</summary>
    public string? LogPath { get; init; }
    /// <summary>Rotating disk or NAS; <see langword="null"/> for <c>backups</c> in the database folder.</summary>
    public string? BackupPath { get; init; }
    /// <summary>NAS; <see langword="null"/> for <c>archive</c> in the database folder.</summary>
    public string? ArchivePath { get; init; }
    /// <summary>Delete log files as soon as a checkpoint is past them, whether or not they were backed up.</summary>
    public bool CircularLogging { get; init; }
}
