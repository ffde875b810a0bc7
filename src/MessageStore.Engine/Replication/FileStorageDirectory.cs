using System.Text.Json;
using System.Text.Json.Serialization;
using MessageStore.IO;

namespace MessageStore.Replication;

/// <summary>
/// Storage server records in one JSON file that is replaced as a whole: for nodes on one machine, or on a share that all of them see. Changes take a lock beside it, so
/// that two nodes never lose each other's record.
/// </summary>
/// <param name="storage">Where the file lies.</param>
/// <param name="path">The file; one that is missing holds no records.</param>
/// <param name="time">Counts the wait for the lock.</param>
internal sealed class FileStorageDirectory(IStorage storage, string path, TimeProvider time) : IStorageDirectory
{
    private const int LargestFile = 4 << 20;
    private const int CurrentFormat = 1;

    private static readonly TimeSpan LockPatience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan LockInterval = TimeSpan.FromMilliseconds(10);

    private static readonly JsonSerializerOptions Json = new()
    {
        WriteIndented = true,
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Converters = { new JsonStringEnumConverter() },
    };

    public ValueTask<IReadOnlyList<StorageServerRecord>> ListAsync(CancellationToken cancellationToken = default) => ValueTask.FromResult(Read());

    public ValueTask RegisterAsync(StorageServerRecord record, CancellationToken cancellationToken = default) => PutAsync(record, cancellationToken);

    public ValueTask RefreshAsync(StorageServerRecord record, CancellationToken cancellationToken = default) => PutAsync(record, cancellationToken);

    public async ValueTask<bool> WithdrawAsync(string name, CancellationToken cancellationToken = default)
    {
        using IDisposable held = await LockAsync(cancellationToken).ConfigureAwait(false);
        IReadOnlyList<StorageServerRecord> records = Read();
        List<StorageServerRecord> left = [.. records.Where(r => r.Name != name)];
        if (left.Count == records.Count) return false;
        Write(left);
        return true;
    }

    private async ValueTask PutAsync(StorageServerRecord record, CancellationToken cancellationToken)
    {
        StorageServerRecords.Check(record);
        using IDisposable held = await LockAsync(cancellationToken).ConfigureAwait(false);
        Write([.. Read().Where(r => r.Name != record.Name).Append(record).OrderBy(r => r.Name, StringComparer.Ordinal)]);
    }

    private IReadOnlyList<StorageServerRecord> Read()
    {
        try
        {
            byte[] bytes = AtomicFile.Read(storage, path, LargestFile);
            DirectoryFile file = JsonSerializer.Deserialize<DirectoryFile>(bytes, Json) ?? throw new JsonException("The file is empty.");
            if (file.Format is < 1 or > CurrentFormat) throw new JsonException($"It is of format {file.Format}; this version reads format {CurrentFormat}.");
            foreach (StorageServerRecord record in file.Nodes)
                if (StorageServerRecords.Problem(record) is { } problem) throw new JsonException($"In the record of '{record.Name}', {problem}");
            return file.Nodes;
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            return [];
        }
        catch (Exception error) when (error is JsonException or InvalidDataException or IOException or UnauthorizedAccessException)
        {
            throw Unavailable($"{path} cannot be read: {error.Message}", error);
        }
    }

    private void Write(List<StorageServerRecord> records)
    {
        try
        {
            DurableFolder.Create(storage, Path.GetDirectoryName(path)!);
            AtomicFile.Write(storage, path, JsonSerializer.SerializeToUtf8Bytes(new DirectoryFile { Nodes = records }, Json));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw Unavailable($"{path} cannot be written: {error.Message}", error);
        }
    }

    private async ValueTask<IDisposable> LockAsync(CancellationToken cancellationToken)
    {
        long start = time.GetTimestamp();
        while (true)
        {
            try
            {
                DurableFolder.Create(storage, Path.GetDirectoryName(path)!);
                if (storage.TryLock(path + ".lock") is { } held) return held;
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                throw Unavailable($"{path} cannot be locked: {error.Message}", error);
            }
            if (time.GetElapsedTime(start) > LockPatience) throw Unavailable($"{path} has been locked by somebody else for {LockPatience.TotalSeconds:0} s.", null);
            await Task.Delay(LockInterval, time, cancellationToken).ConfigureAwait(false);
        }
    }

    private MessageStoreException Unavailable(string message, Exception? inner) => new(ErrorIds.DirectoryUnavailable, ErrorKind.Device, message, path, inner);

    private sealed record DirectoryFile
    {
        public int Format { get; init; } = CurrentFormat;

        public required IReadOnlyList<StorageServerRecord> Nodes { get; init; }
    }
}
