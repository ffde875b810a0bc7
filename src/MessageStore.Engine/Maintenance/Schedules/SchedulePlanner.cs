using System.Globalization;

namespace MessageStore.Maintenance;

/// <summary>What a schedule is judged by.</summary>
/// <param name="Now">The time.</param>
/// <param name="Zone">Whose hours the schedule means.</param>
/// <param name="Registered">When the schedule was registered: earlier hours were not missed.</param>
/// <param name="BackupAge">Age of the newest complete backup of every group; <see langword="null"/> where there is none.</param>
/// <param name="LastTask">What ran last, to its end or not.</param>
internal sealed record ScheduleView(DateTimeOffset Now, TimeZoneInfo Zone, DateTimeOffset Registered, TaskPast Archive, TaskPast Backup, TimeSpan? BackupAge, MaintenanceTask? LastTask);

/// <summary>What is to be done.</summary>
/// <param name="Task">The task to begin now; <see langword="null"/> for none.</param>
/// <param name="Reason">Why this one, now.</param>
/// <param name="Until">When an archive run must have ended, because the backup's limit comes near; never for <see langword="null"/>.</param>
/// <param name="Wake">When to look again at the latest.</param>
/// <param name="Archive">When the archive runs next at the earliest, and why not now.</param>
/// <param name="Backup">The same of the backup.</param>
internal sealed record ScheduleDecision(MaintenanceTask? Task, string Reason, DateTimeOffset? Until, DateTimeOffset Wake, TaskOutlook Archive, TaskOutlook Backup);

/// <param name="IsDue">Whether its hour has come.</param>
/// <param name="Next">When it runs next at the earliest; <see langword="null"/> where it never does.</param>
/// <param name="Reason">Why not now, or why now.</param>
internal readonly record struct TaskOutlook(bool IsDue, DateTimeOffset? Next, string Reason);

/// <summary>
/// Decides what a server does next: a function of the schedule and the past, so that it can be tested without waiting and asked at any time. The table of cases is in docs/server.md.
/// </summary>
internal static class SchedulePlanner
{
    /// <summary>What is always kept free before the limit of the backup's age.</summary>
    private static readonly TimeSpan Margin = TimeSpan.FromMinutes(1);

    /// <summary>The oldest that the newest backup may become.</summary>
    public static TimeSpan? LimitOf(MaintenanceSchedule schedule) => schedule.BackupEvery is { } every ? schedule.MaximumBackupAge ?? 2 * every : null;

    public static ScheduleDecision Decide(MaintenanceSchedule schedule, ScheduleView view)
    {
        DateTimeOffset now = view.Now, registered = view.Registered < now ? view.Registered : now;
        DateTimeOffset? backedUp = view.BackupAge is { } age && (view.Backup.LastRan is not { } ran || now - age > ran) ? now - age : view.Backup.LastRan;
        DaySlots? archives = schedule.ArchiveAt is { } at ? DaySlots.Daily(view.Zone, at) : schedule.ArchiveEvery is { } often ? DaySlots.Every(view.Zone, often) : null;
        DaySlots? backups = schedule.BackupEvery is { } every ? DaySlots.Every(view.Zone, every) : null;

        DateTimeOffset deadline = Deadline(schedule, view, out bool isLate);
        DateTimeOffset? backupRetry = view.Backup.RetryAt(isLate ? TaskPast.LongestRetryLate : null), archiveRetry = view.Archive.RetryAt();
        TaskOutlook archive = Look(archives, view.Archive.LastRan, registered, view.Archive, archiveRetry, now);
        TaskOutlook backup = Look(backups, backedUp, registered, view.Backup, backupRetry, now);
        bool canBackUp = backups is not null && !(backupRetry > now), canArchive = archive.IsDue && !(archiveRetry > now);
        if (isLate && backup.Next > now) backup = backup with { Next = canBackUp ? now : backupRetry };
        else if (deadline < backup.Next) backup = backup with { Next = deadline };

        if (isLate && canBackUp) return BackUp(Age(schedule, view));
        if (canArchive)
        {
            // An archive run that would not be done before the limit comes near waits, unless a new backup would hardly leave it more time.
            bool hasRoom = now + view.Archive.Duration <= deadline || deadline - now >= (LimitOf(schedule)!.Value - Reserve(schedule, view)) / 2;
            if (canBackUp && !hasRoom) return BackUp($"an archive run takes about {Show(view.Archive.Duration)}, and {Age(schedule, view)}");
            if (!canBackUp || !backup.IsDue || view.LastTask != MaintenanceTask.Archive)
            {
                DateTimeOffset? until = backups is null || deadline == DateTimeOffset.MaxValue ? null : backupRetry > deadline ? backupRetry : deadline;
                if (backup.IsDue && canBackUp) backup = backup with { Reason = "due; archive and backup take turns, and it is the archive's" };
                return new ScheduleDecision(MaintenanceTask.Archive, archive.Reason, until, now, archive, backup);
            }
        }
        if (backup.IsDue && canBackUp) return BackUp(backup.Reason);
        return new ScheduleDecision(null, "", null, Earliest(archive.Next, backup.Next, now), archive, backup);

        ScheduleDecision BackUp(string reason) => new(MaintenanceTask.Backup, reason, null, now,
            archive.IsDue ? archive with { Reason = $"due, but the backup goes first: {reason}" } : archive, backup with { Next = now, Reason = reason });
    }

    /// <summary>When a backup must begin to be done before the newest is too old, and whether that time has come.</summary>
    private static DateTimeOffset Deadline(MaintenanceSchedule schedule, ScheduleView view, out bool isLate)
    {
        isLate = false;
        if (LimitOf(schedule) is not { } limit) return DateTimeOffset.MaxValue;
        DateTimeOffset deadline = view.BackupAge is { } age ? view.Now - age + limit - Reserve(schedule, view) : DateTimeOffset.MinValue;
        // Where backups end well and the age does not become less (a group is not open, say), they do not follow one another without a pause.
        if (view.Backup.LastRan is { } last && last + limit / 2 > deadline) deadline = last + limit / 2;
        isLate = deadline <= view.Now;
        return deadline;
    }

    /// <summary>How long before the limit a backup begins: twice what the last took, and no more than half of the limit.</summary>
    private static TimeSpan Reserve(MaintenanceSchedule schedule, ScheduleView view)
    {
        TimeSpan half = LimitOf(schedule)!.Value / 2, wanted = 2 * view.Backup.Duration + Margin;
        return wanted < half ? wanted : half;
    }

    private static TaskOutlook Look(DaySlots? slots, DateTimeOffset? last, DateTimeOffset registered, TaskPast past, DateTimeOffset? retry, DateTimeOffset now)
    {
        if (slots is not { } hours) return new TaskOutlook(false, null, "not scheduled");
        DateTimeOffset latest = hours.Latest(now);
        if (latest <= registered || latest <= last)
        {
            DateTimeOffset next = hours.Next(now);
            return new TaskOutlook(false, next, $"not due: {(last is { } before ? $"the last one began {before:u}" : $"registered {registered:u}")}, the next is due {next:u}");
        }
        if (retry > now) return new TaskOutlook(true, retry, $"due since {latest:u}, but it failed {(past.Failures == 1 ? "once" : $"{past.Failures} times")}; it is tried again {retry:u}. {past.Reason}");
        return new TaskOutlook(true, now, past.Failures > 0 ? $"due since {latest:u}; tried again after it failed" : $"due since {latest:u}");
    }

    private static string Age(MaintenanceSchedule schedule, ScheduleView view) => view.BackupAge is { } age
        ? $"the newest backup is {Show(age)} old and may become {Show(LimitOf(schedule)!.Value)}"
        : "there is no complete backup of every storage group";

    private static string Show(TimeSpan time) => TimeSpan.FromSeconds(Math.Ceiling(time.TotalSeconds)).ToString("g", CultureInfo.InvariantCulture);

    private static DateTimeOffset Earliest(DateTimeOffset? one, DateTimeOffset? other, DateTimeOffset now)
    {
        DateTimeOffset first = one < other || other is null ? one ?? DateTimeOffset.MaxValue : other.Value;
        return first > now ? first : DateTimeOffset.MaxValue; // due, but not to be tried yet by another reason: whoever looks has an interval of their own
    }
}
