using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using MessageStore.IO;

namespace MessageStore.Maintenance;

/// <summary>The receipts of runs: one JSON file for each under <c>runs/</c> in the database folder.</summary>
internal sealed class RunRecords(IStorage storage, string databasePath)
{
    /// <summary>Longer receipts are not read: bytes.</summary>
    private const int LongestRead = 16 << 20;

    private static readonly JsonSerializerOptions Json = new() { WriteIndented = true, Converters = { new JsonStringEnumConverter() } };

    /// <exception cref="MessageStoreException">The run itself succeeded, but its receipt cannot be written.</exception>
    public void Save<T>(string kind, DateTimeOffset started, Guid id, T run)
    {
        string path = PathOf(kind, started, id), folder = Path.GetDirectoryName(path)!;
        try
        {
            storage.CreateFolder(folder);
            AtomicFile.Write(storage, path, JsonSerializer.SerializeToUtf8Bytes(run, Json));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw StorageErrors.Wrap(error, $"writing the receipt of the {kind}, which itself succeeded", folder);
        }
    }

    /// <summary>A receipt; <see langword="null"/> where there is none that can be read.</summary>
    /// <exception cref="MessageStoreException">The device failed.</exception>
    public T? Find<T>(string kind, DateTimeOffset started, Guid id)
        where T : class
    {
        string path = PathOf(kind, started, id);
        try
        {
            return storage.FileExists(path) ? JsonSerializer.Deserialize<T>(AtomicFile.Read(storage, path, LongestRead), Json) : null;
        }
        catch (JsonException)
        {
            return null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw StorageErrors.Wrap(error, $"reading the receipt of a {kind}", path);
        }
    }

    private string PathOf(string kind, DateTimeOffset started, Guid id) =>
        Path.Combine(databasePath, "runs", string.Create(CultureInfo.InvariantCulture, $"{started.UtcDateTime:yyyyMMdd-HHmmss}-{kind}-{id}.json"));
}
