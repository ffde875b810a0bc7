using System.Runtime.CompilerServices;
using MessageStore.Backups;
using MessageStore.IO;
using MessageStore.Maintenance;
using MessageStore.Remote;
using MessageStore.Storage;

namespace MessageStore;

/// <summary>Schedules of maintenance, at the operating system's own schedulers or in the server that owns the database. A database need not be open, nor be closed, for any of this.</summary>
public static class MaintenanceSchedules
{
    private static readonly IScheduler[] All = [new WindowsTaskScheduler(), new SystemdScheduler(DiskStorage.Instance), new CronScheduler(), new ServerScheduler(DiskStorage.Instance, TimeProvider.System)];

    /// <summary>Installs a schedule; an earlier one of the same database at the same scheduler is replaced.</summary>
    /// <exception cref="MessageStoreException">InvalidParameter, PathNotFound, NotADatabase, SchedulerUnavailable, SchedulerFailed.</exception>
    public static MaintenanceScheduleInfo Register(MaintenanceSchedule schedule)
    {
        IScheduler scheduler = Choose(schedule);
        return scheduler.Register(Checked(schedule, scheduler.Kind));
    }

    /// <summary>The files that <see cref="Register"/> would install. The scheduler need not be on this machine.</summary>
    /// <exception cref="MessageStoreException">InvalidParameter, PathNotFound, NotADatabase, SchedulerUnavailable.</exception>
    public static IReadOnlyList<MaintenanceScheduleFile> Export(MaintenanceSchedule schedule)
    {
        IScheduler scheduler = schedule.Scheduler == MaintenanceScheduler.Auto ? Choose(schedule) : Of(schedule.Scheduler);
        return [.. scheduler.Files(Checked(schedule, scheduler.Kind))];
    }

    /// <summary>Removes a database's schedule from a scheduler, or from all where it is <see cref="MaintenanceScheduler.Auto"/>. The database may be gone.</summary>
    /// <returns>Whether there was one.</returns>
    /// <exception cref="MessageStoreException">SchedulerUnavailable, SchedulerFailed.</exception>
    public static bool Unregister(string database, MaintenanceScheduler scheduler = MaintenanceScheduler.Auto, string? user = null) =>
        Usable(scheduler).Aggregate(false, (found, one) => one.Unregister(database, user) || found);

    /// <summary>Our schedules at a scheduler, or at all that this machine has; that of a server only where its database is named, and then with what it does next.</summary>
    /// <exception cref="MessageStoreException">SchedulerUnavailable, SchedulerFailed.</exception>
    public static async IAsyncEnumerable<MaintenanceScheduleInfo> ListAsync(
        string? database = null, MaintenanceScheduler scheduler = MaintenanceScheduler.Auto, string? user = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        foreach (MaintenanceScheduleInfo info in Usable(scheduler).SelectMany(one => one.List(user, database)))
        {
            cancellationToken.ThrowIfCancellationRequested();
            yield return info.Scheduler == MaintenanceScheduler.Server ? await AskAsync(info, cancellationToken).ConfigureAwait(false) : info;
        }
    }

    /// <summary>Adds what the server says of its schedule.</summary>
    private static async Task<MaintenanceScheduleInfo> AskAsync(MaintenanceScheduleInfo info, CancellationToken cancellationToken)
    {
        if (await RemoteMessageStore.FindAsync(info.Database, cancellationToken).ConfigureAwait(false) is not { } server)
            return info with { Tasks = [.. info.Tasks.Select(static task => task with { Reason = "no server owns the database; what falls due is made up for when one is started" })] };
        await using (server.ConfigureAwait(false)) return (await server.GetMaintenancePlanAsync(cancellationToken).ConfigureAwait(false)).Schedule ?? info;
    }

    private static MaintenanceSchedule Checked(MaintenanceSchedule schedule, MaintenanceScheduler scheduler)
    {
        MaintenanceSchedule chosen = schedule with { Scheduler = scheduler };
        ScheduleRules.Check(chosen);
        DatabaseSettings.Load(DiskStorage.Instance, schedule.Database);
        if (chosen.KeyFile is { } keyFile) BackupKey.Open(DiskStorage.Instance, new BackupKeySource { KeyFile = keyFile })!.Dispose();
        return chosen;
    }

    private static IScheduler Choose(MaintenanceSchedule schedule)
    {
        if (schedule.Scheduler == MaintenanceScheduler.Auto && RemoteMessageStore.SocketOf(schedule.Database) is not null) return Of(MaintenanceScheduler.Server);
        IScheduler? found = Usable(schedule.Scheduler).FirstOrDefault(one => one.Kind != MaintenanceScheduler.Server || schedule.Scheduler == MaintenanceScheduler.Server);
        return found ?? throw new MessageStoreException(ErrorIds.SchedulerUnavailable, ErrorKind.NotFound,
            $"This machine has no scheduler to register with: {string.Join("; ", All.Where(static one => one.WhyUnavailable() is not null).Select(static one => $"{one.Kind}: {one.WhyUnavailable()}"))}. Let the server do it (-Scheduler Server), install cron, or write the files with Export-MaintenanceSchedule.");
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
