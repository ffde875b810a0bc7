using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using MessageStore.IO;

namespace MessageStore.Maintenance;

/// <summary>The scheduler's decisions with their reasons: <c>maintenance.jsonl</c> in the database folder, a line each, oldest first.</summary>
internal sealed class MaintenanceHistory(IStorage storage, string databasePath)
{
    private const int LongestRead = 64 << 20;

    private static readonly JsonSerializerOptions Json = new() { Converters = { new JsonStringEnumConverter() } };

    private readonly string path = Path.Combine(databasePath, "maintenance.jsonl");

    public void Add(MaintenanceRecord record)
    {
        byte[] line = [.. JsonSerializer.SerializeToUtf8Bytes(record with { Result = null }, Json), (byte)'\n'];
        try
        {
            using IStorageFile file = storage.Open(path, storage.FileExists(path) ? FileAccessKind.ReadWrite : FileAccessKind.CreateNew);
            file.Write(line, file.Length);
            file.Flush();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw StorageErrors.Wrap(error, "recording a maintenance decision", path);
        }
    }

    /// <summary>All decisions, newest first. A line that a crash cut short is passed over.</summary>
    public List<MaintenanceRecord> NewestFirst()
    {
        var records = new List<MaintenanceRecord>();
        if (!storage.FileExists(path)) return records;
        foreach (string line in Encoding.UTF8.GetString(AtomicFile.Read(storage, path, LongestRead)).Split('\n'))
        {
            if (line.Length == 0) continue;
            try
            {
                if (JsonSerializer.Deserialize<MaintenanceRecord>(line, Json) is { } record) records.Add(record);
            }
            catch (JsonException)
            {
                continue;
            }
        }
        records.Reverse();
        return records;
    }

    /// <summary>When a task last ran; <see langword="null"/> where it never did.</summary>
    public DateTimeOffset? LastRun(MaintenanceTask task) =>
        NewestFirst().Find(r => r.Task == task && r.Decision == MaintenanceDecision.Ran)?.Time;
}
