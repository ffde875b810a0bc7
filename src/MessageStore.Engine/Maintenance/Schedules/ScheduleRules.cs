using System.Security.Cryptography;
using System.Text;

namespace MessageStore.Maintenance;

/// <summary>What a schedule may say. One rule for all schedulers: what cron cannot say exactly, nobody says.</summary>
internal static class ScheduleRules
{
    public static readonly TimeSpan Day = TimeSpan.FromDays(1);

    /// <summary>A limit below this would have a server do nothing but back up.</summary>
    private static readonly TimeSpan ShortestAge = TimeSpan.FromMinutes(5);

    private const int MinutesOfHour = 60;
    private const int HoursOfDay = 24;

    /// <exception cref="MessageStoreException">InvalidParameter.</exception>
    public static void Check(MaintenanceSchedule schedule)
    {
        if (!HasArchive(schedule) && schedule.BackupEvery is null)
            throw Invalid("A schedule needs -ArchiveAt, -BackupEvery or both.", schedule.Database);
        if (schedule.ArchiveAt is { } at && (at < TimeSpan.Zero || at >= Day || at.Ticks % TimeSpan.TicksPerMinute != 0))
            throw Invalid($"-ArchiveAt is {at}; it must be a time of day in whole minutes, such as 01:00.", at);
        if (schedule.BackupEvery is { } every && !IsEven(every))
            throw Invalid($"-BackupEvery is {every}; it must be 1, 2, 3, 4, 5, 6, 10, 12, 15, 20 or 30 minutes, 1, 2, 3, 4, 6, 8 or 12 hours, or 1 day, so that backups come at the same hours every day.", every);
        CheckServer(schedule);
        foreach (string? text in (string?[])[schedule.Database, schedule.PowerShellPath, schedule.ModulePath, schedule.User, schedule.KeyFile])
        {
            if (text?.Any(char.IsControl) == true)
                throw Invalid("A schedule cannot hold a path or an account with a control character (such as a line break) in it.", schedule.Database);
        }
    }

    /// <summary>What a server can do and the schedulers of the system cannot, and the other way round.</summary>
    private static void CheckServer(MaintenanceSchedule schedule)
    {
        if (schedule.Scheduler != MaintenanceScheduler.Server)
        {
            if (schedule.ArchiveEvery is not null || schedule.MaximumBackupAge is not null)
                throw Invalid($"-ArchiveEvery and -MaximumBackupAge need a server that owns the database (-Scheduler Server); {schedule.Scheduler} cannot look at the database.", schedule.Scheduler);
            return;
        }
        if (schedule.User is { } user) throw Invalid("-User has no meaning with -Scheduler Server: the server runs under the account that started it.", user);
        if (schedule.ArchiveEvery is { } every && (schedule.ArchiveAt is not null || !IsEven(every)))
            throw Invalid($"-ArchiveEvery is {every}; it goes without -ArchiveAt, and must divide the day as -BackupEvery does.", every);
        if (schedule.MaximumBackupAge is { } age && (schedule.BackupEvery is not { } backups || age < backups || age < ShortestAge))
            throw Invalid($"-MaximumBackupAge is {age}; it needs -BackupEvery, and must be at least that long and at least {ShortestAge}.", age);
    }

    /// <summary>
    /// The name that all tasks of a schedule begin with: <c>messagestore-</c>, the database's folder in plain letters, and a digest of its path that
    /// keeps two folders of the same name apart.
    /// </summary>
    public static string NameOf(string database)
    {
        string folder = string.Concat(Path.GetFileName(database).Select(static c => char.IsAsciiLetterOrDigit(c) ? char.ToLowerInvariant(c) : '-')).Trim('-');
        string digest = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(database)).AsSpan(0, 4));
        const int LongestFolder = 32;
        return $"{Prefix}{(folder.Length > LongestFolder ? folder[..LongestFolder] : folder)}-{digest}";
    }

    /// <summary>What the names of all schedules begin with.</summary>
    public const string Prefix = "messagestore-";

    public static string TaskName(string schedule, MaintenanceTask task) => $"{schedule}-{(task == MaintenanceTask.Archive ? "archive" : "backup")}";

    public static bool HasArchive(MaintenanceSchedule schedule) => schedule.ArchiveAt is not null || schedule.ArchiveEvery is not null;

    /// <summary>The tasks that a schedule asks for, archive first.</summary>
    public static IEnumerable<MaintenanceTask> TasksOf(MaintenanceSchedule schedule)
    {
        if (HasArchive(schedule)) yield return MaintenanceTask.Archive;
        if (schedule.BackupEvery is not null) yield return MaintenanceTask.Backup;
    }

    public static MaintenanceScheduleInfo Describe(MaintenanceSchedule schedule, Func<MaintenanceTask, string> nameOf, Func<MaintenanceTask, string> when, string? command = null) => new()
    {
        Name = NameOf(schedule.Database),
        Database = schedule.Database,
        Scheduler = schedule.Scheduler,
        ArchiveAt = schedule.ArchiveAt,
        ArchiveEvery = schedule.ArchiveEvery,
        BackupEvery = schedule.BackupEvery,
        MaximumBackupAge = schedule.MaximumBackupAge,
        OlderThan = schedule.OlderThan,
        User = schedule.User,
        Tasks = [.. TasksOf(schedule).Select(task => new MaintenanceScheduleTask
        {
            Task = task, Name = nameOf(task), When = when(task), Command = command ?? ScheduleCommand.Display(schedule, task),
        })],
    };

    private static bool IsEven(TimeSpan every)
    {
        if (every == Day) return true;
        if (every <= TimeSpan.Zero || every > Day || every.Ticks % TimeSpan.TicksPerMinute != 0) return false;
        long minutes = every.Ticks / TimeSpan.TicksPerMinute;
        return minutes < MinutesOfHour ? MinutesOfHour % minutes == 0 : minutes % MinutesOfHour == 0 && HoursOfDay % (minutes / MinutesOfHour) == 0;
    }

    private static MessageStoreException Invalid(string message, object target) => new(ErrorIds.InvalidParameter, ErrorKind.InvalidArgument, message, target);
}
