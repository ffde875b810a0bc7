using MessageStore.Backups;
using MessageStore.IO;
using MessageStore.Maintenance;
using MessageStore.Storage;

namespace MessageStore;

/// <summary>Schedules of maintenance at the operating system's own schedulers. A database need not be open, nor be closed, for any of this.</summary>
public static class MaintenanceSchedules
{
    private static readonly IScheduler[] All = [new WindowsTaskScheduler(), new SystemdScheduler(DiskStorage.Instance), new CronScheduler()];

    /// <summary>Installs a schedule; an earlier one of the same database at the same scheduler is replaced.</summary>
    /// <exception cref="MessageStoreException">InvalidParameter, PathNotFound, NotADatabase, SchedulerUnavailable, SchedulerFailed.</exception>
    public static MaintenanceScheduleInfo Register(MaintenanceSchedule schedule)
    {
        IScheduler scheduler = Choose(schedule.Scheduler);
        return scheduler.Register(Checked(schedule, scheduler.Kind));
    }

    /// <summary>The files that <see cref="Register"/> would install. The scheduler need not be on this machine.</summary>
    /// <exception cref="MessageStoreException">InvalidParameter, PathNotFound, NotADatabase, SchedulerUnavailable.</exception>
    public static IReadOnlyList<MaintenanceScheduleFile> Export(MaintenanceSchedule schedule)
    {
        IScheduler scheduler = schedule.Scheduler == MaintenanceScheduler.Auto ? Choose(MaintenanceScheduler.Auto) : Of(schedule.Scheduler);
        return [.. scheduler.Files(Checked(schedule, scheduler.Kind))];
    }

    /// <summary>Removes a database's schedule from a scheduler, or from all where it is <see cref="MaintenanceScheduler.Auto"/>. The database may be gone.</summary>
    /// <returns>Whether there was one.</returns>
    /// <exception cref="MessageStoreException">SchedulerUnavailable, SchedulerFailed.</exception>
    public static bool Unregister(string database, MaintenanceScheduler scheduler = MaintenanceScheduler.Auto, string? user = null) =>
        Usable(scheduler).Aggregate(false, (found, one) => one.Unregister(database, user) || found);

    /// <summary>Our schedules at a scheduler, or at all that this machine has.</summary>
    /// <exception cref="MessageStoreException">SchedulerUnavailable, SchedulerFailed.</exception>
    public static IEnumerable<MaintenanceScheduleInfo> List(MaintenanceScheduler scheduler = MaintenanceScheduler.Auto, string? user = null) =>
        Usable(scheduler).SelectMany(one => one.List(user));

    private static MaintenanceSchedule Checked(MaintenanceSchedule schedule, MaintenanceScheduler scheduler)
    {
        ScheduleRules.Check(schedule);
        DatabaseSettings.Load(DiskStorage.Instance, schedule.Database);
        if (schedule.KeyFile is { } keyFile) BackupKey.Open(DiskStorage.Instance, new BackupKeySource { KeyFile = keyFile })!.Dispose();
        return schedule with { Scheduler = scheduler };
    }

    private static IScheduler Choose(MaintenanceScheduler wanted)
    {
        IScheduler? found = Usable(wanted).FirstOrDefault();
        return found ?? throw new MessageStoreException(ErrorIds.SchedulerUnavailable, ErrorKind.NotFound,
            $"This machine has no scheduler to register with: {string.Join("; ", All.Select(static one => $"{one.Kind}: {one.WhyUnavailable()}"))}. Install cron, or write the files with Export-MaintenanceSchedule.");
    }

    private static IEnumerable<IScheduler> Usable(MaintenanceScheduler wanted)
    {
        if (wanted == MaintenanceScheduler.Auto) return All.Where(static one => one.WhyUnavailable() is null);
        IScheduler one = Of(wanted);
        return one.WhyUnavailable() is { } reason
            ? throw new MessageStoreException(ErrorIds.SchedulerUnavailable, ErrorKind.NotFound, $"{wanted} cannot be used here: {reason}.", wanted)
            : [one];
    }

    private static IScheduler Of(MaintenanceScheduler kind) => All.Single(one => one.Kind == kind);
}
