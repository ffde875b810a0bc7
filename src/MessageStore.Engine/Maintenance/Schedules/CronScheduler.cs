using System.Globalization;

namespace MessageStore.Maintenance;

/// <summary>
/// The crontab of a user. Our lines lie between two marks, so that everything else in the table stays as it is, to the byte. cron does not make up for hours at which the machine
/// was off; the next hour's backup does.
/// </summary>
internal sealed class CronScheduler : IScheduler
{
    private const string Program = "crontab";

    public MaintenanceScheduler Kind => MaintenanceScheduler.Cron;

    public string? WhyUnavailable() => SystemProgram.Find(Program) is null ? "there is no program crontab on the PATH" : null;

    public MaintenanceScheduleInfo Register(MaintenanceSchedule schedule)
    {
        string name = ScheduleRules.NameOf(schedule.Database);
        Save(CronTable.Without(Load(schedule.User), name) + Block(schedule), schedule.User);
        return Describe(schedule);
    }

    public bool Unregister(string database, string? user)
    {
        string table = Load(user), rest = CronTable.Without(table, ScheduleRules.NameOf(database));
        if (rest == table) return false;
        Save(rest, user);
        return true;
    }

    public IEnumerable<MaintenanceScheduleInfo> List(string? user, string? database) => CronTable.Schedules(Load(user)).Where(schedule => database is null || schedule.Database == database).Select(Describe);

    public IEnumerable<MaintenanceScheduleFile> Files(MaintenanceSchedule schedule)
    {
        yield return new MaintenanceScheduleFile(ScheduleRules.NameOf(schedule.Database) + ".crontab", Block(schedule), "utf-8");
    }

    /// <summary>Minute, hour, day, month and weekday of a task.</summary>
    internal static string When(MaintenanceSchedule schedule, MaintenanceTask task)
    {
        if (task == MaintenanceTask.Archive) return string.Create(CultureInfo.InvariantCulture, $"{schedule.ArchiveAt!.Value.Minutes} {schedule.ArchiveAt.Value.Hours} * * *");
        TimeSpan every = schedule.BackupEvery!.Value;
        if (every == ScheduleRules.Day) return "0 0 * * *";
        if (every < TimeSpan.FromHours(1)) return every.Minutes == 1 ? "* * * * *" : $"*/{every.Minutes} * * * *";
        return every.Hours == 1 ? "0 * * * *" : $"0 */{every.Hours} * * *";
    }

    private static string Block(MaintenanceSchedule schedule) => CronTable.Block(ScheduleRules.NameOf(schedule.Database), schedule,
        ScheduleRules.TasksOf(schedule).Select(task => $"{When(schedule, task)} {Line(schedule, task)}"));

    /// <summary>For the shell that cron starts: everything between single quotes. Then for cron itself, to which a bare percent sign ends the line.</summary>
    private static string Line(MaintenanceSchedule schedule, MaintenanceTask task) => string.Join(' ',
        ScheduleCommand.Arguments(schedule, task).Prepend(schedule.PowerShellPath)
            .Select(static word => word.All(static c => char.IsAsciiLetterOrDigit(c) || "/-_.".Contains(c, StringComparison.Ordinal)) ? word : $"'{word.Replace("'", "'\\''", StringComparison.Ordinal)}'"))
        .Replace("%", "\\%", StringComparison.Ordinal);

    private static MaintenanceScheduleInfo Describe(MaintenanceSchedule schedule) => ScheduleRules.Describe(
        schedule with { Scheduler = MaintenanceScheduler.Cron }, task => ScheduleRules.TaskName(ScheduleRules.NameOf(schedule.Database), task), task => When(schedule, task));

    private static string Load(string? user)
    {
        ProgramAnswer answer = SystemProgram.Run(Program, [.. Of(user), "-l"]);
        if (answer.Code == 0) return answer.Output;
        // The one failure that is none, in the words of every crontab there is. Anything else must not be taken for an empty table: it would be overwritten.
        if (answer.Errors.Contains("no crontab for", StringComparison.OrdinalIgnoreCase)) return "";
        throw new MessageStoreException(ErrorIds.SchedulerFailed, ErrorKind.Device, $"crontab -l failed: {answer.Errors.Trim()}", user);
    }

    private static void Save(string table, string? user) => SystemProgram.Demand(Program, [.. Of(user), "-"], table);

    private static string[] Of(string? user) => user is null ? [] : ["-u", user];
}
