namespace MessageStore.Maintenance;

/// <summary>What is known of a task's runs, from the history: whoever made them.</summary>
/// <param name="LastRan">When the last run began that came to its end; <see langword="null"/> for never.</param>
/// <param name="Duration">How long that took.</param>
/// <param name="Failures">Failed runs since.</param>
/// <param name="LastFailure">When the last of them ended.</param>
/// <param name="Reason">Why that one failed.</param>
internal sealed record TaskPast(DateTimeOffset? LastRan = null, TimeSpan Duration = default, int Failures = 0, DateTimeOffset LastFailure = default, string Reason = "")
{
    private static readonly TimeSpan FirstRetry = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan LongestRetry = TimeSpan.FromHours(1);

    /// <summary>The longest wait of a backup that is late: the limit of its age is worth a try.</summary>
    public static readonly TimeSpan LongestRetryLate = TimeSpan.FromMinutes(5);

    /// <summary>When it may be tried again after it failed: after a minute, then twice as long each time, up to an hour.</summary>
    public DateTimeOffset? RetryAt(TimeSpan? longest = null)
    {
        if (Failures == 0) return null;
        const int Doublings = 6;
        TimeSpan wait = FirstRetry * (1 << Math.Min(Failures - 1, Doublings)), most = longest ?? LongestRetry;
        return LastFailure + (wait < most ? wait : most);
    }

    /// <summary>Reads the past of a task.</summary>
    /// <param name="newestFirst">The history. What claims to come from the future does not count: somebody set the clock back.</param>
    public static TaskPast Of(MaintenanceTask task, IEnumerable<MaintenanceRecord> newestFirst, DateTimeOffset now)
    {
        var past = new TaskPast();
        foreach (MaintenanceRecord record in newestFirst)
        {
            if (record.Task != task || record.Time > now) continue;
            if (record.Decision == MaintenanceDecision.Ran) return past with { LastRan = record.Time, Duration = record.Duration };
            if (record.Decision != MaintenanceDecision.Failed) continue;
            past = past.Failures > 0 ? past with { Failures = past.Failures + 1 } : past with { Failures = 1, LastFailure = record.Time + record.Duration, Reason = record.Reason };
        }
        return past;
    }
}
