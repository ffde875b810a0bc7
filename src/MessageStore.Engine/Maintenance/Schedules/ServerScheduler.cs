using System.Globalization;
using System.Text;
using MessageStore.IO;

namespace MessageStore.Maintenance;

/// <summary>
/// The server that owns the database. Registering writes <c>schedule.json</c> into the database folder; the server looks there by itself, now or when it is started, so nothing is installed
/// anywhere else.
/// </summary>
internal sealed class ServerScheduler(IStorage storage, TimeProvider clock) : IScheduler
{
    private const string Command = "in the server that owns the database";

    public MaintenanceScheduler Kind => MaintenanceScheduler.Server;

    public string? WhyUnavailable() => null;

    public MaintenanceScheduleInfo Register(MaintenanceSchedule schedule)
    {
        Of(schedule).Save(storage, schedule.Database);
        return Describe(schedule);
    }

    public bool Unregister(string database, string? user)
    {
        string path = ScheduleFile.PathIn(database);
        if (!storage.FileExists(path)) return false;
        try
        {
            storage.DeleteFile(path);
            storage.FlushFolder(database);
            return true;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw StorageErrors.Wrap(error, "removing the schedule", path);
        }
    }

    /// <summary>Nothing on the machine knows of all databases: without one there is nothing to list.</summary>
    public IEnumerable<MaintenanceScheduleInfo> List(string? user, string? database) =>
        user is null && database is not null && ScheduleFile.Load(storage, database) is { } file ? [Describe(file.Schedule)] : [];

    public IEnumerable<MaintenanceScheduleFile> Files(MaintenanceSchedule schedule)
    {
        yield return new MaintenanceScheduleFile(ScheduleFile.FileName, Encoding.UTF8.GetString(Of(schedule).Encode()) + "\n", "utf-8");
    }

    /// <summary>The schedule as a listing shows it.</summary>
    internal static MaintenanceScheduleInfo Describe(MaintenanceSchedule schedule) => ScheduleRules.Describe(
        schedule with { Scheduler = MaintenanceScheduler.Server }, task => ScheduleRules.TaskName(ScheduleRules.NameOf(schedule.Database), task), task => When(schedule, task), Command);

    private static string When(MaintenanceSchedule schedule, MaintenanceTask task) => task == MaintenanceTask.Archive && schedule.ArchiveAt is { } at
        ? string.Create(CultureInfo.InvariantCulture, $"daily at {at:hh\\:mm}")
        : string.Create(CultureInfo.InvariantCulture, $"every {(task == MaintenanceTask.Archive ? schedule.ArchiveEvery : schedule.BackupEvery)} from midnight");

    private ScheduleFile Of(MaintenanceSchedule schedule) => new() { Registered = clock.GetUtcNow(), Schedule = schedule with { Scheduler = MaintenanceScheduler.Server } };
}
