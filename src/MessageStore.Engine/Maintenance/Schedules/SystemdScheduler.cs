using System.Text;
using MessageStore.IO;
using MessageStore.Storage;

namespace MessageStore.Maintenance;

/// <summary>
/// systemd timers, one timer and one service a task: in the system's own folder for root, in the user's for anybody else. They catch up on what was missed while the machine was
/// off (<c>Persistent=true</c>), and a service that still runs is not started a second time.
/// </summary>
internal sealed class SystemdScheduler(IStorage storage) : IScheduler
{
    private const string Program = "systemctl";
    private const int LargestUnit = 1 << 20;

    public MaintenanceScheduler Kind => MaintenanceScheduler.Systemd;

    private static bool IsSystem => Environment.IsPrivilegedProcess;

    public string? WhyUnavailable() =>
        SystemProgram.Find(Program) is null ? "there is no program systemctl on the PATH"
        : !storage.FolderExists("/run/systemd/system") ? "systemd does not run this machine"
        : null;

    public MaintenanceScheduleInfo Register(MaintenanceSchedule schedule)
    {
        Unregister(schedule.Database, schedule.User); // a task that the schedule no longer has
        string folder = Folder();
        try
        {
            storage.CreateFolder(folder);
            foreach (MaintenanceScheduleFile file in Files(schedule)) AtomicFile.Write(storage, Path.Combine(folder, file.Name), Encoding.UTF8.GetBytes(file.Content));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw StorageErrors.Wrap(error, "writing unit files", folder);
        }
        Control("daemon-reload");
        Control(["enable", "--now", .. Timers(schedule)]);
        return Describe(schedule);
    }

    public bool Unregister(string database, string? user)
    {
        string name = ScheduleRules.NameOf(database);
        string[] files = [.. storage.ListFiles(Folder()).Where(file => IsOf(name, Path.GetFileName(file)))];
        if (files.Length == 0) return false;
        string[] timers = [.. files.Select(file => Path.GetFileName(file)).Where(static file => file.EndsWith(".timer", StringComparison.Ordinal))];
        if (timers.Length > 0) Control(["disable", "--now", .. timers]);
        foreach (string file in files) storage.DeleteFile(file);
        Control("daemon-reload");
        return true;
    }

    public IEnumerable<MaintenanceScheduleInfo> List(string? user, string? database) =>
        storage.ListFiles(Folder())
            .Where(static file => Path.GetFileName(file).StartsWith(ScheduleRules.Prefix, StringComparison.Ordinal) && file.EndsWith(".service", StringComparison.Ordinal))
            .Select(Read).OfType<MaintenanceSchedule>().Where(schedule => (user is null || schedule.User == user) && (database is null || schedule.Database == database))
            .DistinctBy(static schedule => schedule.Database).Select(Describe);

    public IEnumerable<MaintenanceScheduleFile> Files(MaintenanceSchedule schedule)
    {
        string[] places = Places(schedule.Database);
        foreach (MaintenanceTask task in ScheduleRules.TasksOf(schedule))
        {
            string name = ScheduleRules.TaskName(ScheduleRules.NameOf(schedule.Database), task);
            yield return new MaintenanceScheduleFile(name + ".service", SystemdUnits.Service(schedule, task, places, IsSystem), "utf-8");
            yield return new MaintenanceScheduleFile(name + ".timer", SystemdUnits.Timer(schedule, task), "utf-8");
        }
    }

    /// <summary>The folders that the runs write to.</summary>
    private string[] Places(string database)
    {
        DatabaseSettings settings = DatabaseSettings.Load(storage, database);
        string[] places = [settings.StorePath, settings.LogPath, settings.BackupPath, settings.ArchivePath];
        return [database, .. places.Select(place => DatabaseSettings.Resolve(database, place))
            .Where(place => !place.StartsWith(database + Path.DirectorySeparatorChar, StringComparison.Ordinal)).Distinct()];
    }

    private MaintenanceSchedule? Read(string file)
    {
        string text = Encoding.UTF8.GetString(AtomicFile.Read(storage, file, LargestUnit));
        string first = text.Split('\n')[0];
        return first.StartsWith(SystemdUnits.Note, StringComparison.Ordinal) ? ScheduleNote.Read(first[SystemdUnits.Note.Length..]) : null;
    }

    private static IEnumerable<string> Timers(MaintenanceSchedule schedule) =>
        ScheduleRules.TasksOf(schedule).Select(task => ScheduleRules.TaskName(ScheduleRules.NameOf(schedule.Database), task) + ".timer");

    private static bool IsOf(string schedule, string file) =>
        ((MaintenanceTask[])[MaintenanceTask.Archive, MaintenanceTask.Backup]).Select(task => ScheduleRules.TaskName(schedule, task))
            .Any(name => file == name + ".service" || file == name + ".timer");

    private static MaintenanceScheduleInfo Describe(MaintenanceSchedule schedule) => ScheduleRules.Describe(
        schedule with { Scheduler = MaintenanceScheduler.Systemd },
        task => ScheduleRules.TaskName(ScheduleRules.NameOf(schedule.Database), task) + ".timer", task => SystemdUnits.When(schedule, task));

    private static void Control(params string[] arguments) => SystemProgram.Demand(Program, IsSystem ? arguments : ["--user", .. arguments]);

    private static string Folder() => IsSystem
        ? "/etc/systemd/system"
        : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.ApplicationData), "systemd", "user");
}
