namespace MessageStore.Maintenance;

/// <summary>Windows Task Scheduler, through its own program <c>schtasks</c>. All our tasks lie in the folder <c>\MessageStore</c>.</summary>
internal sealed class WindowsTaskScheduler : IScheduler
{
    private const string Program = "schtasks";
    private const string Encoding = "utf-16";

    public MaintenanceScheduler Kind => MaintenanceScheduler.TaskScheduler;

    public string? WhyUnavailable() => SystemProgram.Find(Program) is null ? "there is no program schtasks on the PATH" : null;

    public MaintenanceScheduleInfo Register(MaintenanceSchedule schedule)
    {
        Unregister(schedule.Database, schedule.User); // a task that the schedule no longer has
        foreach (MaintenanceTask task in ScheduleRules.TasksOf(schedule))
        {
            // A file in a folder that only this account can read: the task names paths and an account.
            string folder = Directory.CreateTempSubdirectory(ScheduleRules.Prefix).FullName;
            try
            {
                string file = Path.Combine(folder, "task.xml");
                File.WriteAllText(file, Text(schedule, task), System.Text.Encoding.Unicode);
                SystemProgram.Demand(Program, ["/Create", "/TN", TaskXml.NameOf(schedule, task), "/XML", file, "/F"]);
            }
            finally
            {
                Directory.Delete(folder, recursive: true);
            }
        }
        return Describe(schedule);
    }

    public bool Unregister(string database, string? user)
    {
        string name = TaskXml.Folder + ScheduleRules.NameOf(database);
        string[] tasks = [.. Names().Where(task => task == ScheduleRules.TaskName(name, MaintenanceTask.Archive) || task == ScheduleRules.TaskName(name, MaintenanceTask.Backup))];
        foreach (string task in tasks) SystemProgram.Demand(Program, ["/Delete", "/TN", task, "/F"]);
        return tasks.Length > 0;
    }

    public IEnumerable<MaintenanceScheduleInfo> List(string? user, string? database) =>
        Names().Select(static task => TaskXml.Read(SystemProgram.Demand(Program, ["/Query", "/TN", task, "/XML"]).Output)).OfType<MaintenanceSchedule>()
            .Where(schedule => (user is null || schedule.User == user) && (database is null || schedule.Database == database)).DistinctBy(static schedule => schedule.Database).Select(Describe);

    public IEnumerable<MaintenanceScheduleFile> Files(MaintenanceSchedule schedule) => ScheduleRules.TasksOf(schedule).Select(task =>
        new MaintenanceScheduleFile(ScheduleRules.TaskName(ScheduleRules.NameOf(schedule.Database), task) + ".xml", Text(schedule, task), Encoding));

    private static string Text(MaintenanceSchedule schedule, MaintenanceTask task) => $"<?xml version=\"1.0\" encoding=\"UTF-16\"?>\r\n{TaskXml.Write(schedule, task)}\r\n";

    /// <summary>The first column is the name in every language; headings come again for each folder, and are no name of ours.</summary>
    private static IEnumerable<string> Names() => SystemProgram.Demand(Program, ["/Query", "/FO", "CSV", "/NH"]).Output.ReplaceLineEndings("\n").Split('\n')
        .Where(static line => line.StartsWith('"')).Select(static line => line[1..].Split('"')[0])
        .Where(static name => name.StartsWith(TaskXml.Folder + ScheduleRules.Prefix, StringComparison.OrdinalIgnoreCase)).Distinct();

    private static MaintenanceScheduleInfo Describe(MaintenanceSchedule schedule) => ScheduleRules.Describe(
        schedule with { Scheduler = MaintenanceScheduler.TaskScheduler }, task => TaskXml.NameOf(schedule, task), task => TaskXml.When(schedule, task));
}
