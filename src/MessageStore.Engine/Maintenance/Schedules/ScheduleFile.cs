using System.Text.Json;
using System.Text.Json.Serialization;
using MessageStore.IO;
using MessageStore.Storage;

namespace MessageStore.Maintenance;

/// <summary><c>schedule.json</c> in the database folder: what the server that owns the database is to do and when (docs/format-database.md). Replaced atomically.</summary>
internal sealed record ScheduleFile
{
    public const string FileName = "schedule.json";
    public const int CurrentFormat = 1;

    private const int LargestFile = 1 << 20;

    private static readonly JsonSerializerOptions Json = new()
    {
        WriteIndented = true,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Converters = { new JsonStringEnumConverter() },
    };

    public int Format { get; init; } = CurrentFormat;
    /// <summary>When it was registered: hours before that were not missed.</summary>
    public required DateTimeOffset Registered { get; init; }
    public required MaintenanceSchedule Schedule { get; init; }

    public static string PathIn(string databasePath) => Path.Combine(databasePath, FileName);

    public byte[] Encode() => JsonSerializer.SerializeToUtf8Bytes(this, Json);

    /// <exception cref="MessageStoreException">DiskFull, AccessDenied, DeviceFailed: the old one stays.</exception>
    public void Save(IStorage storage, string databasePath)
    {
        try
        {
            AtomicFile.Write(storage, PathIn(databasePath), Encode());
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw StorageErrors.Wrap(error, "writing the schedule", PathIn(databasePath));
        }
    }

    /// <returns><see langword="null"/> where there is no schedule.</returns>
    /// <exception cref="MessageStoreException">SchedulerFailed: the file is no schedule; AccessDenied, DeviceFailed.</exception>
    public static ScheduleFile? Load(IStorage storage, string databasePath)
    {
        string path = PathIn(databasePath);
        try
        {
            if (!storage.FileExists(path)) return null;
            ScheduleFile file = JsonSerializer.Deserialize<ScheduleFile>(AtomicFile.Read(storage, path, LargestFile), Json) ?? throw new JsonException("It is empty.");
            if (file.Format > CurrentFormat) throw new JsonException($"It has format {file.Format}, and this version reads up to {CurrentFormat}.");
            // The folder may have moved since; and whoever wrote the file by hand is told what is wrong with it.
            MaintenanceSchedule schedule = file.Schedule with { Database = databasePath, Scheduler = MaintenanceScheduler.Server };
            ScheduleRules.Check(schedule);
            return file with { Schedule = schedule };
        }
        catch (FileNotFoundException)
        {
            return null; // taken away while we looked
        }
        catch (Exception error) when (error is JsonException or InvalidDataException || error is MessageStoreException { ErrorId: ErrorIds.InvalidParameter })
        {
            throw new MessageStoreException(ErrorIds.SchedulerFailed, ErrorKind.Damaged, $"{path} is no schedule: {error.Message} Register the schedule again.", path, error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw StorageErrors.Wrap(error, "reading the schedule", path);
        }
    }
}
