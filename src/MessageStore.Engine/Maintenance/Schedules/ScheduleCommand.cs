using System.Globalization;

namespace MessageStore.Maintenance;

/// <summary>
/// The command line of a task. It is one program and a fixed list of arguments, the last of which is a PowerShell command; each scheduler quotes them in its own
/// way. Inside the command all text stands between single quotes, in which PowerShell expands nothing.
/// </summary>
internal static class ScheduleCommand
{
    public static IReadOnlyList<string> Arguments(MaintenanceSchedule schedule, MaintenanceTask task) =>
        ["-NoProfile", "-NonInteractive", "-Command", Script(schedule, task)];

    /// <summary>The line as somebody would type it in a shell; for showing, never for running.</summary>
    public static string Display(MaintenanceSchedule schedule, MaintenanceTask task) => $"pwsh -NoProfile -NonInteractive -Command \"{Script(schedule, task)}\"";

    private static string Script(MaintenanceSchedule schedule, MaintenanceTask task)
    {
        List<string> words = ["Import-Module", Quote(schedule.ModulePath) + ";", "Invoke-MessageMaintenance", Quote(schedule.Database), "-Task", task.ToString()];
        if (task == MaintenanceTask.Archive)
        {
            Add("-OlderThan", schedule.OlderThan);
            if (schedule.ReadState != ReadState.Any) words.AddRange(["-ReadState", schedule.ReadState.ToString()]);
            Add("-RetainFor", schedule.RetainFor);
            if (schedule.SkipExpiry) words.Add("-SkipExpiry");
        }
        else
        {
            if (schedule.BackupCompression != BackupCompression.None) words.AddRange(["-BackupCompression", schedule.BackupCompression.ToString()]);
            if (schedule.KeyFile is { } keyFile) words.AddRange(["-KeyFile", Quote(keyFile)]);
        }
        if (schedule.Wait > TimeSpan.Zero) Add("-Wait", schedule.Wait);
        return string.Join(' ', words);

        void Add(string parameter, TimeSpan? span)
        {
            if (span is { } value) words.AddRange([parameter, value.ToString("c", CultureInfo.InvariantCulture)]);
        }
    }

    /// <summary>PowerShell ends a string at any of the quotes that a word processor makes, and takes each doubled for itself.</summary>
    private static string Quote(string text)
    {
        const string Quotes = "'\u2018\u2019\u201A\u201B";
        return $"'{string.Concat(text.Select(static c => Quotes.Contains(c, StringComparison.Ordinal) ? $"{c}{c}" : c.ToString()))}'";
    }
}
