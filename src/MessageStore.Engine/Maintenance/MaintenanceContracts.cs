namespace MessageStore;

public enum MaintenanceTask
{
    Archive,
    Backup,
}

public enum MaintenanceDecision
{
    Ran,
    Skipped,
    Failed,
    /// <summary>Ended between two batches, to go on another time: what it had done is done.</summary>
    Interrupted,
}

/// <summary>What an alternating maintenance call is to do.</summary>
public sealed record MaintenanceOptions
{
    /// <summary>The half to run; <see langword="null"/> for both in turn.</summary>
    public MaintenanceTask? Task { get; init; }
    /// <summary>Criteria of the archive half; <see langword="null"/> leaves archiving out, with that as the recorded reason.</summary>
    public ArchiveOptions? Archive { get; init; }
    /// <summary>Leaves what has expired where it is. Otherwise the archive half removes it behind the archiving, as <see cref="ExpiryOptions"/> has it by default.</summary>
    public bool SkipExpiry { get; init; }
    public BackupOptions Backup { get; init; } = new();
    /// <summary>Archive only when the last one began at least this long ago.</summary>
    public TimeSpan ArchiveInterval { get; init; }
    /// <summary>Back up only when the last one began at least this long ago.</summary>
    public TimeSpan BackupInterval { get; init; }
    /// <summary>How many pairs of archive and backup to run, 1 or more.</summary>
    public int Cycles { get; init; } = 1;
    /// <summary>How long to wait for a run of somebody else to end; zero fails at once.</summary>
    public TimeSpan Wait { get; init; }
}

/// <summary>One decision of the scheduler, with its reason.</summary>
public sealed record MaintenanceRecord
{
    public required DateTimeOffset Time { get; init; }
    public required MaintenanceTask Task { get; init; }
    public required MaintenanceDecision Decision { get; init; }
    /// <summary>Why: never empty.</summary>
    public required string Reason { get; init; }
    public Guid? RunId { get; init; }
    public TimeSpan Duration { get; init; }
    /// <summary>The archive or backup result where the task ran.</summary>
    public object? Result { get; init; }
    /// <summary>What became of messages whose deletion date has passed, where the archive half looked; in the history the reason says it.</summary>
    public ExpiryRun? Expiry { get; init; }
}
