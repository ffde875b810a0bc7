namespace MessageStore;

/// <summary>What the server that owns a database is to do next, and why not now.</summary>
public sealed record MaintenancePlan
{
    /// <summary>When this was found out.</summary>
    public required DateTimeOffset Time { get; init; }
    /// <summary>The schedule that the database has; <see langword="null"/> where it has none for a server. Its tasks say when they run next and why not now.</summary>
    public MaintenanceScheduleInfo? Schedule { get; init; }
    /// <summary>What would be begun now; <see langword="null"/> where nothing is due.</summary>
    public MaintenanceTask? Due { get; init; }
    /// <summary>The oldest that the newest backup may become; <see langword="null"/> where the schedule has no backups.</summary>
    public TimeSpan? MaximumBackupAge { get; init; }
}
