using System.Security.Cryptography;
using System.Text;

namespace MessageStore.Maintenance;

/// <summary>What a schedule may say. One rule for all schedulers: what cron cannot say exactly, nobody says.</summary>
internal static class ScheduleRules
{
    public static readonly TimeSpan Day = TimeSpan.FromDays(1);

    private const int MinutesOfHour = 60;
    private const int HoursOfDay = 24;

    /// <exception cref="MessageStoreException">InvalidParameter.</exception>
    public static void Check(MaintenanceSchedule schedule)
    {
        if (schedule.ArchiveAt is null && schedule.BackupEvery is null)
            throw Invalid("A schedule needs -ArchiveAt, -BackupEvery or both.", schedule.Database);
        if (schedule.ArchiveAt is { } at && (at < TimeSpan.Zero || at >= Day || at.Ticks % TimeSpan.TicksPerMinute != 0))
            throw Invalid($"-ArchiveAt is {at}; it must be a time of day in whole minutes, such as 01:00.", at);
        if (schedule.BackupEvery is { } every && !IsEven(every))
            throw Invalid($"-BackupEvery is {every}; it must be 1, 2, 3, 4, 5, 6, 10, 12, 15, 20 or 30 minutes, 1, 2, 3, 4, 6, 8 or 12 hours, or 1 day, so that backups come at the same hours every day.", every);
        foreach (string? text in (string?[])[schedule.Database, schedule.PowerShellPath, schedule.ModulePath, schedule.User, schedule.KeyFile])
        {
            if (text?.Any(char.IsControl) == true)
                throw Invalid("A schedule cannot hold a path or an account with a control character (such as a line break) in it.", schedule.Database);
        }
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

    /// <summary>The tasks that a schedule asks for, archive first.</summary>
    public static IEnumerable<MaintenanceTask> TasksOf(MaintenanceSchedule schedule)
    {
        if (schedule.ArchiveAt is not null) yield return MaintenanceTask.Archive;
        if (schedule.BackupEvery is not null) yield return MaintenanceTask.Backup;
    }

    public static MaintenanceScheduleInfo Describe(MaintenanceSchedule schedule, Func<MaintenanceTask, string> nameOf, Func<MaintenanceTask, string> when) => new()
    {
        Name = NameOf(schedule.Database),
        Database = schedule.Database,
        Scheduler = schedule.Scheduler,
        ArchiveAt = schedule.ArchiveAt,
        BackupEvery = schedule.BackupEvery,
        OlderThan = schedule.OlderThan,
        User = schedule.User,
        Tasks = [.. TasksOf(schedule).Select(task => new MaintenanceScheduleTask
        {
            Task = task, Name = nameOf(task), When = when(task), Command = ScheduleCommand.Display(schedule, task),
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
