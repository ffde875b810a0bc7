using System.Globalization;
using System.Text;

namespace MessageStore.Maintenance;

/// <summary>The text of a task's two unit files (systemd.service(5), systemd.timer(5), systemd.time(7)).</summary>
internal static class SystemdUnits
{
    /// <summary>Begins the comment that holds the schedule.</summary>
    public const string Note = "# MessageStore: ";

    /// <summary>
    /// Hardened as far as the work allows: the disk is read-only but for the places of the database, no new privileges, no devices, no kernel. Not in a user's own
    /// manager, which may not set up most of it. <c>MemoryDenyWriteExecute</c> is left out: .NET compiles at run time.
    /// </summary>
    private static readonly string[] Hardening =
    [
        "ProtectSystem=strict", "PrivateTmp=true", "PrivateDevices=true", "ProtectKernelTunables=true", "ProtectKernelModules=true", "ProtectKernelLogs=true",
        "ProtectControlGroups=true", "ProtectClock=true", "ProtectHostname=true", "RestrictSUIDSGID=true", "RestrictRealtime=true", "RestrictNamespaces=true",
        "LockPersonality=true", "SystemCallArchitectures=native",
    ];

    public static string Service(MaintenanceSchedule schedule, MaintenanceTask task, IEnumerable<string> places, bool isSystem)
    {
        var text = new StringBuilder();
        text.Append(Note).Append(ScheduleNote.Write(schedule)).Append('\n');
        text.Append("[Unit]\nDescription=").Append(task == MaintenanceTask.Archive ? "Archive" : "Back up").Append(" the mail database ").Append(Percent(schedule.Database)).Append('\n');
        text.Append("RequiresMountsFor=").Append(PathWord(schedule.Database)).Append("\n\n");
        text.Append("[Service]\nType=oneshot\n");
        if (schedule.User is { } user) text.Append("User=").Append(Percent(user)).Append('\n');
        text.Append("ExecStart=").AppendJoin(' ', ScheduleCommand.Arguments(schedule, task).Prepend(schedule.PowerShellPath).Select(Word)).Append('\n');
        text.Append("NoNewPrivileges=true\nUMask=0077\nNice=5\n");
        if (isSystem)
        {
            // A place that is not mounted just now must not keep the unit from starting: the run says so itself, hence the dash.
            text.Append("ReadWritePaths=").AppendJoin(' ', places.Select(static place => PathWord("-" + place))).Append('\n');
            // PowerShell writes caches; the home of a service account may be missing or read-only.
            text.Append("CacheDirectory=messagestore\nEnvironment=XDG_CACHE_HOME=/var/cache/messagestore HOME=/var/cache/messagestore POWERSHELL_TELEMETRY_OPTOUT=1 POWERSHELL_UPDATECHECK=Off\n");
            foreach (string line in Hardening) text.Append(line).Append('\n');
        }
        return text.ToString();
    }

    public static string Timer(MaintenanceSchedule schedule, MaintenanceTask task)
    {
        var text = new StringBuilder();
        text.Append("[Unit]\nDescription=").Append(task == MaintenanceTask.Archive ? "Archiving" : "Backups").Append(" of the mail database ").Append(Percent(schedule.Database)).Append("\n\n");
        text.Append("[Timer]\nOnCalendar=").Append(When(schedule, task)).Append("\nPersistent=true\nAccuracySec=1min\n\n");
        return text.Append("[Install]\nWantedBy=timers.target\n").ToString();
    }

    public static string When(MaintenanceSchedule schedule, MaintenanceTask task)
    {
        if (task == MaintenanceTask.Archive) return string.Create(CultureInfo.InvariantCulture, $"*-*-* {schedule.ArchiveAt!.Value:hh\\:mm}:00");
        TimeSpan every = schedule.BackupEvery!.Value;
        if (every == ScheduleRules.Day) return "*-*-* 00:00:00";
        return every < TimeSpan.FromHours(1) ? $"*-*-* *:00/{every.Minutes}:00" : $"*-*-* 00/{every.Hours}:00:00";
    }

    /// <summary>systemd expands percent specifiers everywhere.</summary>
    private static string Percent(string text) => text.Replace("%", "%%", StringComparison.Ordinal);

    /// <summary>A word of a command line: in double quotes, with backslash, quote, dollar and percent taken for themselves.</summary>
    private static string Word(string text) =>
        $"\"{Percent(text).Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal).Replace("$", "$$", StringComparison.Ordinal)}\"";

    private static string PathWord(string path) =>
        $"\"{Percent(path).Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\"";
}
