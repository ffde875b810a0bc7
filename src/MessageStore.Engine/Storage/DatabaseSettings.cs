using System.Text.Json;
using System.Text.Json.Serialization;
using MessageStore.IO;

namespace MessageStore.Storage;

/// <summary>A storage group in <c>database.json</c>.</summary>
/// <param name="Folder">Its folder under store path and log path.</param>
internal sealed record GroupSettings(string Name, string Folder, uint Salt);

/// <summary>
/// <c>database.json</c>: the identity of a database, its groups and where its four places are. Paths inside the database folder are kept relative, so
/// that a database whose places all lie inside it can be moved as a whole (docs/format-database.md).
/// </summary>
internal sealed record DatabaseSettings
{
    public const string FileName = "database.json";
    public const int CurrentFormat = 1;

    /// <summary>The longest settings file that makes sense, in bytes.</summary>
    public const int LargestFile = 16 << 20;

    private static readonly JsonSerializerOptions Json = new()
    {
        WriteIndented = true,
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    };

    public int Format { get; init; } = CurrentFormat;
    public required Guid DatabaseId { get; init; }
    public required DateTimeOffset Created { get; init; }
    public required string StorePath { get; init; }
    public required string LogPath { get; init; }
    public required string BackupPath { get; init; }
    public required string ArchivePath { get; init; }
    public bool CircularLogging { get; init; }
    public required IReadOnlyList<GroupSettings> StorageGroups { get; init; }
    /// <summary>Storage nodes that archived mail goes to or lies on; <see langword="null"/> for none.</summary>
    public NodeSettings? Nodes { get; init; }
    /// <summary>Object storage that archived mail goes to or lies on; <see langword="null"/> for none.</summary>
    public ObjectSettings? Objects { get; init; }

    /// <summary>The server that has the archive keys; <see langword="null"/> where they are in the database folder.</summary>
    public KeyServerSettings? Keys { get; init; }

    /// <summary>A place of this database as a full path.</summary>
    public static string Resolve(string databasePath, string place) => Path.GetFullPath(place, databasePath);

    /// <summary>A place as it is kept: relative where it lies inside the database folder.</summary>
    public static string Relate(string databasePath, string place)
    {
        string relative = Path.GetRelativePath(databasePath, Path.GetFullPath(place, databasePath));
        return relative.StartsWith("..", StringComparison.Ordinal) || Path.IsPathRooted(relative) ? Path.GetFullPath(place, databasePath) : relative.Replace('\\', '/');
    }

    public byte[] Encode() => JsonSerializer.SerializeToUtf8Bytes(this, Json);

    public void Save(IStorage storage, string databasePath) =>
        AtomicFile.Write(storage, Path.Combine(databasePath, FileName), Encode());

    /// <exception cref="MessageStoreException">PathNotFound, NotADatabase, DatabaseDamaged, DatabaseFormatTooNew.</exception>
    public static DatabaseSettings Load(IStorage storage, string databasePath)
    {
        string path = Path.Combine(databasePath, FileName);
        try
        {
            if (!storage.FolderExists(databasePath))
                throw new MessageStoreException(ErrorIds.PathNotFound, ErrorKind.NotFound, $"There is no folder {databasePath}.", databasePath);
            if (storage.FileExists(Path.Combine(databasePath, DatabaseCreation.IntentFileName)) && !storage.FileExists(path))
                throw new MessageStoreException(ErrorIds.NotADatabase, ErrorKind.NotFound,
                    $"The database in {databasePath} was not created to the end. Create it again with New-MessageDatabase.", databasePath);
            if (!storage.FileExists(path))
                throw new MessageStoreException(ErrorIds.NotADatabase, ErrorKind.NotFound,
                    $"{databasePath} is not a message database: it holds no {FileName}. Create one with New-MessageDatabase.", databasePath);
            return Decode(AtomicFile.Read(storage, path, LargestFile), path);
        }
        catch (InvalidDataException error)
        {
            throw new MessageStoreException(ErrorIds.DatabaseDamaged, ErrorKind.Damaged,
                $"{path} cannot be read: {error.Message} Restore the database from its newest backup.", path, error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw StorageErrors.Wrap(error, "reading the database settings", path);
        }
    }

    /// <exception cref="MessageStoreException">DatabaseDamaged, DatabaseFormatTooNew.</exception>
    public static DatabaseSettings Decode(ReadOnlySpan<byte> bytes, string path)
    {
        try
        {
            var version = JsonSerializer.Deserialize<FormatOnly>(bytes, Json);
            if (version?.Format > CurrentFormat)
                throw new MessageStoreException(ErrorIds.DatabaseFormatTooNew, ErrorKind.NotSupported,
                    $"{path} has format {version.Format}; this version reads up to {CurrentFormat}. Use a newer MessageStore.", path);
            DatabaseSettings settings = JsonSerializer.Deserialize<DatabaseSettings>(bytes, Json) ?? throw new JsonException("The file is empty.");
            if (settings.StorageGroups is not { Count: > 0 }) throw new JsonException("It names no storage group.");
            if (settings.StorageGroups.Any(g => g is null || string.IsNullOrEmpty(g.Name) || string.IsNullOrEmpty(g.Folder)))
                throw new JsonException("A storage group has no name or no folder.");
            if (settings.StorePath is null || settings.LogPath is null || settings.BackupPath is null || settings.ArchivePath is null)
                throw new JsonException("A path is missing.");
            return settings;
        }
        catch (JsonException error)
        {
            throw new MessageStoreException(ErrorIds.DatabaseDamaged, ErrorKind.Damaged,
                $"{path} cannot be read: {error.Message} Restore the database from its newest backup.", path, error);
        }
    }

    private sealed record FormatOnly(int Format);
}
