using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using MessageStore.IO;

namespace MessageStore.Maintenance;

/// <summary>The receipts of runs: one JSON file for each under <c>runs/</c> in the database folder.</summary>
internal sealed class RunRecords(IStorage storage, string databasePath)
{
    private static readonly JsonSerializerOptions Json = new() { WriteIndented = true, Converters = { new JsonStringEnumConverter() } };

    /// <exception cref="MessageStoreException">The run itself succeeded, but its receipt cannot be written.</exception>
    public void Save<T>(string kind, DateTimeOffset started, Guid id, T run)
    {
        string folder = Path.Combine(databasePath, "runs");
        string name = string.Create(CultureInfo.InvariantCulture, $"{started.UtcDateTime:yyyyMMdd-HHmmss}-{kind}-{id}.json");
        try
        {
            storage.CreateFolder(folder);
            AtomicFile.Write(storage, Path.Combine(folder, name), JsonSerializer.SerializeToUtf8Bytes(run, Json));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw StorageErrors.Wrap(error, $"writing the receipt of the {kind}, which itself succeeded", folder);
        }
    }
}
