using System.Text.Json;
using MessageStore.Archiving;
using MessageStore.IO;

namespace MessageStore.Replication;

/// <summary>
/// <c>unit.json</c> in a unit's folder says whose it is. A folder without it is a mount point whose disk is away, and never to be filled as if it were a new unit.
/// Layout: docs/format-volume.md.
/// </summary>
/// <param name="Format">Version of the unit's layout.</param>
/// <param name="UnitId">Identity of the unit; a disk that was exchanged has another.</param>
/// <param name="Node">Name of the node that it belongs to.</param>
/// <param name="Unit">Name of the unit within the node.</param>
/// <param name="Salt">Seeds the checksums of block headers.</param>
/// <param name="Database">The database that it serves; <see langword="null"/> for the first that stores something, or where format 1 did not say.</param>
internal sealed record UnitMarker(int Format, Guid UnitId, string Node, string Unit, uint Salt, Guid? Database = null)
{
    public const int CurrentFormat = 2;

    public const string FileName = "unit.json";

    private const int MaximumLength = 64 << 10;

    /// <summary>Makes an empty folder a unit.</summary>
    /// <exception cref="MessageStoreException">DestinationNotEmpty: there is something in it; DiskFull, ArchiveUnavailable.</exception>
    public static UnitMarker Create(IStorage storage, string folder, string node, string unit, TimeProvider time, Random random, Guid? database = null)
    {
        try
        {
            if (storage.ListFiles(folder).Count + storage.ListFolders(folder).Count > 0)
            {
                throw new MessageStoreException(ErrorIds.DestinationNotEmpty, ErrorKind.AlreadyExists,
                    $"{folder} is not empty, so it is not made a new storage unit. Name an empty folder, or leave out --create where it is a unit already.", folder);
            }
            DurableFolder.Create(storage, folder);
            var marker = new UnitMarker(CurrentFormat, Guid.CreateVersion7(time.GetUtcNow()), node, unit, (uint)random.NextInt64(1, 1L << 32), database);
            marker.Save(storage, folder);
            return marker;
        }
        catch (Exception error) when (ArchiveErrors.IsDevice(error))
        {
            throw ArchiveErrors.Wrap(error, "making it a storage unit", folder);
        }
    }

    /// <summary>Replaces the marker durably.</summary>
    /// <exception cref="IOException">The device failed.</exception>
    public void Save(IStorage storage, string folder) => AtomicFile.Write(storage, Path.Combine(folder, FileName), JsonSerializer.SerializeToUtf8Bytes(this));

    /// <summary>Reads the marker and makes sure that the folder is the unit that it is taken for.</summary>
    /// <param name="unit">The name it must have; <see langword="null"/> for any.</param>
    /// <exception cref="MessageStoreException">ArchiveUnavailable.</exception>
    public static UnitMarker Load(IStorage storage, string folder, string node, string? unit)
    {
        UnitMarker? marker;
        try
        {
            marker = JsonSerializer.Deserialize<UnitMarker>(AtomicFile.Read(storage, Path.Combine(folder, FileName), MaximumLength));
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            throw Unavailable($"it holds no {FileName}. Is its disk mounted? To make an empty folder a new unit, start the node with --create.", error);
        }
        catch (Exception error) when (error is JsonException or InvalidDataException)
        {
            throw Unavailable($"its {FileName} is damaged: {error.Message}", error);
        }
        catch (Exception error) when (ArchiveErrors.IsDevice(error))
        {
            throw ArchiveErrors.Wrap(error, $"reading its {FileName}", folder);
        }
        if (marker is null or { Format: < 1 or > CurrentFormat }) throw Unavailable($"its {FileName} is of format {marker?.Format}; this version reads up to {CurrentFormat}.");
        if (marker.Node != node || (unit is not null && marker.Unit != unit))
            throw Unavailable($"it is unit {marker.Node}/{marker.Unit} and was expected to be {node}/{unit ?? "(any)"}. Were disks exchanged?");
        return marker;

        MessageStoreException Unavailable(string detail, Exception? inner = null) =>
            new(ErrorIds.ArchiveUnavailable, ErrorKind.Device, $"The storage unit {folder} is not available: {detail}", folder, inner);
    }
}
