namespace MessageStore;

/// <summary>Who calls maintenance at the hours of a schedule.</summary>
public enum MaintenanceScheduler
{
    /// <summary>The server where one owns the database; else Task Scheduler on Windows, and elsewhere systemd where it runs the machine, and cron where it does not.</summary>
    Auto,
    /// <summary>Windows Task Scheduler, through <c>schtasks</c>.</summary>
    TaskScheduler,
    /// <summary>systemd timers: of the system for root, of the user's own manager for anybody else.</summary>
    Systemd,
    /// <summary>The crontab of a user.</summary>
    Cron,
    /// <summary>The server that owns the database, from <c>schedule.json</c> in the database folder.</summary>
    Server,
}

/// <summary>When a database is to be archived and backed up, by whom, and with which criteria.</summary>
public sealed record MaintenanceSchedule
{
    /// <summary>Full path of the database. There is one schedule a database and scheduler.</summary>
    public required string Database { get; init; }
    public MaintenanceScheduler Scheduler { get; init; }
    /// <summary>Time of day, local, at which archiving begins, in whole minutes; <see langword="null"/>: no archiving.</summary>
    public TimeSpan? ArchiveAt { get; init; }
    /// <summary>From one archive run to the next, as <see cref="BackupEvery"/>; instead of <see cref="ArchiveAt"/>, and by a server only.</summary>
    public TimeSpan? ArchiveEvery { get; init; }
    /// <summary>
    /// From one backup to the next: whole minutes that divide an hour, whole hours that divide a day, or one day; <see langword="null"/>: no backups.
    /// </summary>
    public TimeSpan? BackupEvery { get; init; }
    /// <summary>
    /// The oldest that the newest backup may become; a server backs up before it does, whatever else is due, and interrupts an archive run for it.
    /// <see langword="null"/>: twice <see cref="BackupEvery"/>.
    /// </summary>
    public TimeSpan? MaximumBackupAge { get; init; }
    /// <summary>Criteria of archiving, as in <see cref="ArchiveOptions"/>.</summary>
    public TimeSpan? OlderThan { get; init; }
    public ReadState ReadState { get; init; }
    public TimeSpan? RetainFor { get; init; }
    /// <summary>As in <see cref="MaintenanceOptions"/>.</summary>
    public bool SkipExpiry { get; init; }
    public BackupCompression BackupCompression { get; init; }
    /// <summary>Full path of the file that backups are encrypted with; <see langword="null"/>: they are not.</summary>
    public string? KeyFile { get; init; }
    /// <summary>How long a task waits for a run of somebody else to end, so that archive and backup take turns and neither is lost.</summary>
    public TimeSpan Wait { get; init; } = TimeSpan.FromHours(1);
    /// <summary>The account that the tasks run under; <see langword="null"/>: who registers them.</summary>
    public string? User { get; init; }
    /// <summary>Full path of <c>pwsh</c>.</summary>
    public required string PowerShellPath { get; init; }
    /// <summary>Full path of <c>MessageStore.psd1</c>.</summary>
    public required string ModulePath { get; init; }
}

/// <summary>One task of a registered schedule.</summary>
public sealed record MaintenanceScheduleTask
{
    public required MaintenanceTask Task { get; init; }
    /// <summary>The name of the task, timer or line at its scheduler.</summary>
    public required string Name { get; init; }
    /// <summary>When it runs, in the scheduler's own words.</summary>
    public required string When { get; init; }
    /// <summary>What it runs, as one would type it.</summary>
    public required string Command { get; init; }
    /// <summary>When it runs next at the earliest, where its scheduler says so: the server does.</summary>
    public DateTimeOffset? NextRun { get; init; }
    /// <summary>Why not now, or why now; empty where its scheduler does not say.</summary>
    public string Reason { get; init; } = "";
}

/// <summary>A schedule as its scheduler has it.</summary>
public sealed record MaintenanceScheduleInfo
{
    /// <summary>Name of the schedule, made from the database's: tasks, timers and lines are found by it.</summary>
    public required string Name { get; init; }
    public required string Database { get; init; }
    public required MaintenanceScheduler Scheduler { get; init; }
    public TimeSpan? ArchiveAt { get; init; }
    public TimeSpan? ArchiveEvery { get; init; }
    public TimeSpan? BackupEvery { get; init; }
    public TimeSpan? MaximumBackupAge { get; init; }
    public TimeSpan? OlderThan { get; init; }
    public string? User { get; init; }
    /// <summary>Archive first, then backup.</summary>
    public required IReadOnlyList<MaintenanceScheduleTask> Tasks { get; init; }
}

/// <summary>A file that an administrator may install by hand instead.</summary>
/// <param name="Name">File name without a folder.</param>
/// <param name="Content">Its text.</param>
/// <param name="Encoding">Name of the encoding that its reader wants: <c>utf-8</c>, or <c>utf-16</c> for Task Scheduler.</param>
public sealed record MaintenanceScheduleFile(string Name, string Content, string Encoding);
