using System.Text;

namespace MessageStore.Maintenance;

/// <summary>
/// The text of a crontab. A schedule is a block:
/// <code>
/// # BEGIN messagestore-mail-1a2b3c4d (written by Register-MaintenanceSchedule; Unregister-MaintenanceSchedule removes it)
/// # MessageStore: {"Database":"/srv/mail", …}
/// 0 1 * * * /usr/bin/pwsh …
/// # END messagestore-mail-1a2b3c4d
/// </code>
/// </summary>
internal static class CronTable
{
    private const string Begin = "# BEGIN ";
    private const string End = "# END ";
    private const string Note = "# MessageStore: ";

    public static string Block(string name, MaintenanceSchedule schedule, IEnumerable<string> lines)
    {
        var text = new StringBuilder();
        text.Append(Begin).Append(name).Append(" (written by Register-MaintenanceSchedule; Unregister-MaintenanceSchedule removes it)\n");
        text.Append(Note).Append(ScheduleNote.Write(schedule)).Append('\n');
        foreach (string line in lines) text.Append(line).Append('\n');
        return text.Append(End).Append(name).Append('\n').ToString();
    }

    /// <summary>The table without one block; everything else stays as it is. A block whose end somebody deleted is left alone: we do not know how far it goes.</summary>
    public static string Without(string table, string name)
    {
        string[] lines = table.Split('\n');
        var rest = new List<string>(lines.Length);
        for (int i = 0; i < lines.Length; i++)
        {
            int end = IsBegin(lines[i], name) ? Array.FindIndex(lines, i, line => line.TrimEnd() == End + name) : -1;
            if (end < 0) rest.Add(lines[i]);
            else i = end;
        }
        string text = string.Join('\n', rest);
        return text.Length > 0 && !text.EndsWith('\n') ? text + "\n" : text;
    }

    public static IEnumerable<MaintenanceSchedule> Schedules(string table)
    {
        string[] lines = table.Split('\n');
        for (int i = 0; i + 1 < lines.Length; i++)
        {
            if (!lines[i].StartsWith(Begin + ScheduleRules.Prefix, StringComparison.Ordinal) || !lines[i + 1].StartsWith(Note, StringComparison.Ordinal)) continue;
            if (ScheduleNote.Read(lines[i + 1][Note.Length..]) is { } schedule) yield return schedule;
        }
    }

    private static bool IsBegin(string line, string name) =>
        line.StartsWith(Begin + name, StringComparison.Ordinal) && (line.Length == Begin.Length + name.Length || line[Begin.Length + name.Length] is ' ' or '\r');
}
