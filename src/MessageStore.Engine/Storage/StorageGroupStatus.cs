namespace MessageStore;

/// <summary>What a storage group, or a whole database, can do right now.</summary>
public enum StorageState
{
    /// <summary>Reads and writes.</summary>
    Open,
    /// <summary>Reads only: the log failed. Reopen to recover.</summary>
    ReadOnly,
    /// <summary>Neither: the group could not be opened; see the reason.</summary>
    Failed,
}

/// <summary>A storage group in figures.</summary>
public sealed record StorageGroupStatus
{
    public required string Name { get; init; }
    public string StorageGroup => Name;
    public required StorageState State { get; init; }
    /// <summary>Why the group is not <see cref="StorageState.Open"/>; empty where it is.</summary>
    public string Reason { get; init; } = "";
    /// <summary>What an administrator should know although all works, such as logs that grow because nothing is backed up; empty for nothing.</summary>
    public string Warning { get; init; } = "";
    public int MailboxCount { get; init; }
    public long MessageCount { get; init; }
    public long HotMessageCount { get; init; }
    public long ArchivedMessageCount { get; init; }
    public long HotBytes { get; init; }
    public long ArchivedBytes { get; init; }
    /// <summary>Bytes in segments that no message needs any more.</summary>
    public long DeadBytes { get; init; }
    public long StoreBytes { get; init; }
    public long LogBytes { get; init; }
    /// <summary>Bytes in log files that nobody needs any more and that are kept to be written again; given back when the group is closed or its device is full.</summary>
    public long SpareLogBytes { get; init; }
    /// <summary>Sequence number of the newest durable transaction.</summary>
    public ulong Lsn { get; init; }
    public ulong CheckpointLsn { get; init; }
    /// <summary>Time since the newest complete backup of the group began; <see langword="null"/> where there is none.</summary>
    public TimeSpan? BackupAge { get; init; }
}

/// <summary>A database in figures.</summary>
public sealed record DatabaseStatus
{
    public required string Path { get; init; }
    public required StorageState State { get; init; }
    public Guid DatabaseId { get; init; }
    public required string StorePath { get; init; }
    public required string LogPath { get; init; }
    public required string BackupPath { get; init; }
    public required string ArchivePath { get; init; }
    public int MailboxCount { get; init; }
    public long MessageCount { get; init; }
    public long HotMessageCount { get; init; }
    public long ArchivedMessageCount { get; init; }
    public long HotBytes { get; init; }
    public long ArchivedBytes { get; init; }
    /// <summary>The largest backup age of all groups; <see langword="null"/> where a group has no backup yet.</summary>
    public TimeSpan? BackupAge { get; init; }
    /// <summary>Storage nodes that archived mail goes to or lies on; <see langword="null"/> for none.</summary>
    public NodeSettings? Nodes { get; init; }
    /// <summary>Object storage that archived mail goes to or lies on; <see langword="null"/> for none.</summary>
    public ObjectSettings? Objects { get; init; }
    /// <summary>Archived messages that have fewer copies on storage nodes than they should, as of <see cref="CopiesTested"/>; <see langword="null"/> where that was never tested.</summary>
    public long? UnderReplicatedCount { get; init; }
    /// <summary>When all copies were tested or repaired last.</summary>
    public DateTimeOffset? CopiesTested { get; init; }
    public IReadOnlyList<StorageGroupStatus> StorageGroups { get; init; } = [];
}
