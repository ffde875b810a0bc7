using System.Text.Json;
using System.Text.Json.Serialization;
using MessageStore.IO;

namespace MessageStore.Backups;

/// <summary>The result of the newest drill of a backup, in a small file beside it (docs/format-backup.md).</summary>
internal sealed class DrillBook(IStorage storage, TimeProvider clock)
{
    private const int LargestFile = 1 << 20;

    private static readonly JsonSerializerOptions Json = new() { WriteIndented = true, Converters = { new JsonStringEnumConverter() } };

    public static string PathOf(string backupPath) => backupPath + ".drill.json";

    public void Keep(BackupDrill drill)
    {
        try
        {
            var kept = new KeptDrill(drill.Result, clock.GetUtcNow(), drill.Reason, drill.Messages, drill.Differences, drill.RestoreDuration, drill.Duration);
            AtomicFile.Write(storage, PathOf(drill.Path), JsonSerializer.SerializeToUtf8Bytes(kept, Json));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // The backup may lie on a medium that is read-only by intent; the caller has the result all the same.
        }
    }

    /// <summary>The newest drill of a backup in words; empty where there was none.</summary>
    public static string Describe(IStorage storage, string backupPath) => Read(storage, backupPath) is { } kept ? $"{kept.Result} {kept.Time:u}" : "";

    /// <summary>The newest drill of a backup; <see langword="null"/> where there was none, or its note cannot be read.</summary>
    public static KeptDrill? Read(IStorage storage, string backupPath)
    {
        try
        {
            string path = PathOf(backupPath);
            return storage.FileExists(path) ? JsonSerializer.Deserialize<KeptDrill>(AtomicFile.Read(storage, path, LargestFile), Json) : null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or JsonException or InvalidDataException)
        {
            return null;
        }
    }
}

/// <summary>A drill as its note has it.</summary>
internal sealed record KeptDrill(DrillResult Result, DateTimeOffset Time, string Reason, long Messages, long Differences, TimeSpan RestoreDuration, TimeSpan Duration);
