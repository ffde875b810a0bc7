namespace MessageStore;

/// <summary>How backups are to follow one another.</summary>
public sealed record ContinuousBackupOptions
{
    /// <summary>Groups, destinations and the like of every session; its kind does not matter.</summary>
    public BackupOptions Backup { get; init; } = new();
    /// <summary>From the beginning of one session to that of the next; zero: the next begins when the last has ended.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromHours(1);
    /// <summary>How often the log is shipped between sessions; zero for never.</summary>
    public TimeSpan LogShippingInterval { get; init; } = TimeSpan.FromMinutes(5);
    /// <summary>A newest backup older than this is an error.</summary>
    public TimeSpan MaximumAge { get; init; } = TimeSpan.FromHours(1);
    /// <summary>A new chain begins with a full set when the last is this old.</summary>
    public TimeSpan FullInterval { get; init; } = TimeSpan.FromDays(7);
}

/// <summary>Something happened while backups follow one another: a set was made, could not be made, or is overdue.</summary>
public sealed record ContinuousBackupEvent
{
    public required DateTimeOffset Time { get; init; }
    /// <summary>The set that was made; <see langword="null"/> where something went wrong.</summary>
    public BackupRun? Run { get; init; }
    /// <summary>Identifier of the error; empty where all is well.</summary>
    public string ErrorId { get; init; } = "";
    public ErrorKind ErrorKind { get; init; }
    /// <summary>Why this was done, or what went wrong: never empty.</summary>
    public required string Reason { get; init; }
    /// <summary>Age of the newest backup then; <see langword="null"/> where there is none.</summary>
    public TimeSpan? BackupAge { get; init; }
}
