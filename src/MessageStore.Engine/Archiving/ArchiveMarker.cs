using System.Text.Json;
using MessageStore.IO;

namespace MessageStore.Archiving;

/// <summary>
/// <c>archive.json</c> in the archive folder says whose it is. An archive folder without it is a mount point whose device is away, or somebody else's folder, and
/// never to be filled as if it were a new archive.
/// </summary>
/// <param name="Format">Version of the archive's layout.</param>
/// <param name="DatabaseId">The database that the archive belongs to.</param>
internal sealed record ArchiveMarker(int Format, Guid DatabaseId)
{
    public const int CurrentFormat = 1;

    public const string FileName = "archive.json";

    private const int MaximumLength = 64 << 10;

    /// <summary>Makes a folder the archive of a database. No error where it is that already.</summary>
    /// <exception cref="MessageStoreException">ArchiveUnavailable: it is another database's, or the device failed; DiskFull.</exception>
    public static void Create(IStorage storage, string root, Guid databaseId)
    {
        try
        {
            string path = Path.Combine(root, FileName);
            if (storage.FileExists(path))
            {
                Check(storage, root, databaseId);
                return;
            }
            storage.CreateFolder(root);
            AtomicFile.Write(storage, path, JsonSerializer.SerializeToUtf8Bytes(new ArchiveMarker(CurrentFormat, databaseId)));
            if (Path.GetDirectoryName(root) is { } parent) storage.FlushFolder(parent);
        }
        catch (Exception error) when (ArchiveErrors.IsDevice(error))
        {
            throw ArchiveErrors.Wrap(error, "creating it", root);
        }
    }

    /// <summary>Takes back what a creation that was interrupted made: the marker of an archive that holds nothing yet. Does nothing where it is another's.</summary>
    public static void Remove(IStorage storage, string root, Guid databaseId)
    {
        try
        {
            if (!storage.FileExists(Path.Combine(root, FileName)) || storage.ListFolders(root).Count > 0) return;
            Check(storage, root, databaseId);
            storage.DeleteFile(Path.Combine(root, FileName));
            storage.FlushFolder(root);
        }
        catch (MessageStoreException error) when (error.ErrorId == ErrorIds.ArchiveUnavailable)
        {
            // Not what this creation made.
        }
    }

    /// <summary>Makes sure that the folder is there and is this database's.</summary>
    /// <exception cref="MessageStoreException">ArchiveUnavailable.</exception>
    public static void Check(IStorage storage, string root, Guid databaseId)
    {
        ArchiveMarker? marker;
        try
        {
            if (!storage.FolderExists(root)) throw ArchiveErrors.Unavailable(root, "the folder is missing. Is its device mounted?");
            marker = JsonSerializer.Deserialize<ArchiveMarker>(AtomicFile.Read(storage, Path.Combine(root, FileName), MaximumLength));
        }
        catch (FileNotFoundException error)
        {
            throw ArchiveErrors.Unavailable(root, $"the folder holds no {FileName}. Is its device mounted?", error);
        }
        catch (Exception error) when (error is JsonException or InvalidDataException)
        {
            throw ArchiveErrors.Unavailable(root, $"its {FileName} is damaged: {error.Message}", error);
        }
        catch (Exception error) when (ArchiveErrors.IsDevice(error))
        {
            throw ArchiveErrors.Wrap(error, $"reading its {FileName}", root);
        }
        if (marker is null or { Format: < 1 or > CurrentFormat })
            throw ArchiveErrors.Unavailable(root, $"its {FileName} is of format {marker?.Format}; this version reads format {CurrentFormat}.");
        if (marker.DatabaseId != databaseId) throw ArchiveErrors.Unavailable(root, $"it belongs to another database ({marker.DatabaseId}).");
    }
}
