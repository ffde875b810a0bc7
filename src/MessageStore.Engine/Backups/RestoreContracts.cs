using MessageStore.Storage;

namespace MessageStore;

/// <summary>What a restore is to do.</summary>
public sealed record RestoreOptions
{
    /// <summary>A backup file, or a folder: then the newest complete backup in it is taken, or with a point in time the newest that reaches it.</summary>
    public required string BackupPath { get; init; }
    /// <summary>Where the database folder is to stand.</summary>
    public required string Destination { get; init; }
    /// <summary>The log path of the lost database, if it survived: replay goes on to the last committed transaction.</summary>
    public string? LogPath { get; init; }
    /// <summary>Stop before the first transaction later than this.</summary>
    public DateTimeOffset? PointInTime { get; init; }
    /// <summary>Stop behind this transaction. Transactions are counted in each storage group, so one group must be named.</summary>
    public ulong? Lsn { get; init; }
    /// <summary>Storage group names; empty for all in the backup.</summary>
    public IReadOnlyList<string> StorageGroups { get; init; } = [];
    /// <summary>Where the store of a database in a new place is to lie; <see langword="null"/> for a folder in <see cref="Destination"/>.</summary>
    public string? NewStorePath { get; init; }
    /// <summary>Where its logs are to lie; likewise.</summary>
    public string? NewLogPath { get; init; }
    /// <summary>Where its backups are to go; likewise.</summary>
    public string? NewBackupPath { get; init; }
    /// <summary>Where its archive is mounted; <see langword="null"/> for where it was.</summary>
    public string? NewArchivePath { get; init; }
    /// <summary>Replace what is at the destination.</summary>
    public bool Force { get; init; }
    /// <summary>What the backup is encrypted with; <see langword="null"/> where it is not.</summary>
    public BackupKeySource? Key { get; init; }
    /// <summary>Where backup or logs are damaged, bring what is whole instead of refusing, and list what is not.</summary>
    public bool SkipDamaged { get; init; }

    internal bool HasPoint => PointInTime is not null || Lsn is not null;

    internal ReplayLimit Limit => new(PointInTime?.UtcTicks ?? long.MaxValue, Lsn ?? ulong.MaxValue);
}

/// <summary>The result of a restore.</summary>
public sealed record RestoreRun
{
    public required string Path { get; init; }
    public required string BackupPath { get; init; }
    public long Messages { get; init; }
    public long ReplayedTransactions { get; init; }
    public long Bytes { get; init; }
    public TimeSpan Duration { get; init; }
    public IReadOnlyList<string> StorageGroups { get; init; } = [];
    /// <summary>What an administrator should know, such as archived messages whose key could not be found.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];
    /// <summary>Messages that were not whole and were left out. Only ever above 0 where <see cref="RestoreOptions.SkipDamaged"/> was asked for.</summary>
    public long Lost { get; init; }
    /// <summary>Those messages by mailbox, as far as the index still names them, the first 1,000.</summary>
    public IReadOnlyList<LostMessage> LostMessages { get; init; } = [];
    /// <summary>Where the files of the backup are not what was written, the first 1,000 stretches.</summary>
    public IReadOnlyList<BackupDamage> Damage { get; init; } = [];
}
