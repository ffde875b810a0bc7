using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using MessageStore.IO;

namespace MessageStore.Maintenance;

/// <summary>The scheduler's decisions with their reasons: <c>maintenance.jsonl</c> in the database folder, a line each, oldest first.</summary>
internal sealed class MaintenanceHistory(IStorage storage, string databasePath)
{
    private const int LongestRead = 64 << 20;

    /// <summary>What a scheduler reads of the end: more than a week of backups every minute.</summary>
    private const int RecentBytes = 4 << 20;

    private static readonly JsonSerializerOptions Json = new() { Converters = { new JsonStringEnumConverter() } };

    private readonly string path = Path.Combine(databasePath, "maintenance.jsonl");

    public void Add(MaintenanceRecord record)
    {
        byte[] line = [.. JsonSerializer.SerializeToUtf8Bytes(record with { Result = null, Expiry = null }, Json), (byte)'\n'];
        try
        {
            using IStorageFile file = storage.Open(path, storage.FileExists(path) ? FileAccessKind.ReadWrite : FileAccessKind.CreateNew);
            long end = file.Length;
            // A line that a crash cut short must not swallow the one behind it.
            Span<byte> last = stackalloc byte[1];
            if (end > 0 && file.Read(last, end - 1) == 1 && last[0] != (byte)'\n') line = [(byte)'\n', .. line];
            file.Write(line, end);
            file.Flush();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw StorageErrors.Wrap(error, "recording a maintenance decision", path);
        }
    }

    /// <summary>Bytes of it so far: it has changed where they have.</summary>
    public long Length => storage.FileExists(path) ? storage.FileLength(path) : 0;

    /// <summary>All decisions, newest first. A line that a crash cut short is passed over.</summary>
    public List<MaintenanceRecord> NewestFirst() => storage.FileExists(path) ? Read(AtomicFile.Read(storage, path, LongestRead)) : [];

    /// <summary>The newest decisions, newest first: as many as a scheduler needs, however long the history has become.</summary>
    /// <exception cref="MessageStoreException">The device failed.</exception>
    public List<MaintenanceRecord> Recent()
    {
        try
        {
            if (!storage.FileExists(path)) return [];
            using IStorageFile file = storage.Open(path, FileAccessKind.Read);
            byte[] end = new byte[Math.Min(file.Length, RecentBytes)];
            int read = file.ReadFully(end, file.Length - end.Length);
            return Read(end.AsSpan(0, read)); // the first line may be a rest, and is passed over
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw StorageErrors.Wrap(error, "reading the maintenance history", path);
        }
    }

    private static List<MaintenanceRecord> Read(ReadOnlySpan<byte> bytes)
    {
        var records = new List<MaintenanceRecord>();
        foreach (string line in Encoding.UTF8.GetString(bytes).Split('\n'))
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
