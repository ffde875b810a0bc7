using System.Globalization;
using System.Text;
using System.Xml;
using System.Xml.Linq;

namespace MessageStore.Maintenance;

/// <summary>
/// A task as Task Scheduler reads it ([MS-TSCH] 2.5, task format 1.3, Windows 7 and later). It runs whether or not anybody is logged on, catches up on a start that was missed, and is never started
/// beside itself.
/// </summary>
internal static class TaskXml
{
    /// <summary>The folder of all our tasks.</summary>
    public const string Folder = "\\MessageStore\\";

    private static readonly XNamespace Schema = "http://schemas.microsoft.com/windows/2004/02/mit/task";
    private static readonly string[] ServiceAccounts = ["SYSTEM", "LOCAL SERVICE", "NETWORK SERVICE"];

    /// <summary>Any day will do: a calendar trigger begins at the next such time.</summary>
    private const string FirstDay = "2026-01-01";

    public static XDocument Write(MaintenanceSchedule schedule, MaintenanceTask task) =>
        new(
            new XElement(Schema + "Task", new XAttribute("version", "1.3"),
                new XElement(Schema + "RegistrationInfo",
                    new XElement(Schema + "Source", "MessageStore"),
                    new XElement(Schema + "Author", "MessageStore"),
                    new XElement(Schema + "Description", $"{(task == MaintenanceTask.Archive ? "Archives" : "Backs up")} the mail database {schedule.Database}"),
                    new XElement(Schema + "URI", NameOf(schedule, task)),
                    new XElement(Schema + "Documentation", ScheduleNote.Write(schedule))),
                new XElement(Schema + "Triggers", Trigger(schedule, task)),
                new XElement(Schema + "Principals", Principal(schedule.User)),
                new XElement(Schema + "Settings",
                    new XElement(Schema + "MultipleInstancesPolicy", "IgnoreNew"),
                    new XElement(Schema + "DisallowStartIfOnBatteries", false),
                    new XElement(Schema + "StopIfGoingOnBatteries", false),
                    new XElement(Schema + "StartWhenAvailable", true),
                    new XElement(Schema + "RunOnlyIfNetworkAvailable", false),
                    new XElement(Schema + "Enabled", true),
                    new XElement(Schema + "ExecutionTimeLimit", "PT0S"), // a backup of a large database takes its time
                    new XElement(Schema + "Priority", 7)),
                new XElement(Schema + "Actions", new XAttribute("Context", "Author"),
                    new XElement(Schema + "Exec",
                        new XElement(Schema + "Command", schedule.PowerShellPath),
                        new XElement(Schema + "Arguments", string.Join(' ', ScheduleCommand.Arguments(schedule, task).Select(Quote)))))));

    /// <returns>The schedule that a task of ours was made from; <see langword="null"/> for a task that is not ours or cannot be read.</returns>
    public static MaintenanceSchedule? Read(string xml)
    {
        try
        {
            return XDocument.Parse(xml).Root?.Element(Schema + "RegistrationInfo")?.Element(Schema + "Documentation")?.Value is { Length: > 0 } note ? ScheduleNote.Read(note) : null;
        }
        catch (XmlException)
        {
            return null;
        }
    }

    public static string NameOf(MaintenanceSchedule schedule, MaintenanceTask task) => Folder + ScheduleRules.TaskName(ScheduleRules.NameOf(schedule.Database), task);

    public static string When(MaintenanceSchedule schedule, MaintenanceTask task) => task == MaintenanceTask.Archive
        ? string.Create(CultureInfo.InvariantCulture, $"daily at {schedule.ArchiveAt!.Value:hh\\:mm}")
        : schedule.BackupEvery == ScheduleRules.Day ? "daily at 00:00" : $"every {schedule.BackupEvery:hh\\:mm} from 00:00";

    private static XElement Trigger(MaintenanceSchedule schedule, MaintenanceTask task)
    {
        TimeSpan start = task == MaintenanceTask.Archive ? schedule.ArchiveAt!.Value : TimeSpan.Zero;
        // In the order of the published schema.
        var trigger = new XElement(Schema + "CalendarTrigger",
            new XElement(Schema + "Enabled", true),
            new XElement(Schema + "StartBoundary", string.Create(CultureInfo.InvariantCulture, $"{FirstDay}T{start:hh\\:mm}:00")));
        if (task == MaintenanceTask.Backup && schedule.BackupEvery < ScheduleRules.Day)
        {
            trigger.Add(new XElement(Schema + "Repetition",
                new XElement(Schema + "Interval", XmlConvert.ToString(schedule.BackupEvery!.Value)),
                new XElement(Schema + "Duration", "P1D"),
                new XElement(Schema + "StopAtDurationEnd", false)));
        }
        trigger.Add(new XElement(Schema + "ScheduleByDay", new XElement(Schema + "DaysInterval", 1)));
        return trigger;
    }

    /// <summary>
    /// A service account, or a managed one (its name ends in <c>$</c>), needs no password and reaches the network as the machine or itself. Anybody else runs by S4U, which keeps no password anywhere but
    /// reaches local disks only.
    /// </summary>
    private static XElement Principal(string? user)
    {
        string account = user ?? $"{Environment.UserDomainName}\\{Environment.UserName}";
        string bare = account[(account.LastIndexOf('\\') + 1)..];
        bool isService = ServiceAccounts.Contains(bare, StringComparer.OrdinalIgnoreCase);
        var principal = new XElement(Schema + "Principal", new XAttribute("id", "Author"), new XElement(Schema + "UserId", account));
        if (!isService) principal.Add(new XElement(Schema + "LogonType", bare.EndsWith('$') ? "Password" : "S4U"));
        principal.Add(new XElement(Schema + "RunLevel", "LeastPrivilege"));
        return principal;
    }

    /// <summary>One argument as the C runtime reads it: backslashes count only before a quote.</summary>
    internal static string Quote(string argument)
    {
        if (argument.Length > 0 && !argument.Any(static c => c is ' ' or '\t' or '"')) return argument;
        var text = new StringBuilder("\"");
        int backslashes = 0;
        foreach (char c in argument)
        {
            if (c == '\\') { backslashes++; continue; }
            text.Append('\\', c == '"' ? 2 * backslashes + 1 : backslashes).Append(c);
            backslashes = 0;
        }
        return text.Append('\\', 2 * backslashes).Append('"').ToString();
    }
}
