using System.Text.Json;
using MessageStore.IO;

namespace MessageStore.Replication;

/// <summary>What the last test or repair of all copies left to be known: <c>copies.json</c> in the database folder.</summary>
/// <param name="Tested">When it ended.</param>
/// <param name="Messages">Messages with copies on storage nodes.</param>
/// <param name="UnderReplicated">Those that have fewer copies than they should.</param>
internal sealed record ReplicaFigures(DateTimeOffset Tested, long Messages, long UnderReplicated)
{
    public const string FileName = "copies.json";

    private const int LargestFile = 64 << 10;

    public static ReplicaFigures Save(IStorage storage, string databasePath, ReplicaRepairRun run, DateTimeOffset now)
    {
        var figures = new ReplicaFigures(now, run.Messages, run.UnderReplicated);
        AtomicFile.Write(storage, Path.Combine(databasePath, FileName), JsonSerializer.SerializeToUtf8Bytes(figures));
        return figures;
    }

    /// <summary>What is known; <see langword="null"/> where nothing is, or the file is damaged: the next run knows again.</summary>
    public static ReplicaFigures? Load(IStorage storage, string databasePath)
    {
        string path = Path.Combine(databasePath, FileName);
        try
        {
            return storage.FileExists(path) ? JsonSerializer.Deserialize<ReplicaFigures>(AtomicFile.Read(storage, path, LargestFile)) : null;
        }
        catch (Exception error) when (error is JsonException or InvalidDataException or IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
