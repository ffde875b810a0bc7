using MessageStore.IO;

namespace MessageStore.Replication;

/// <summary>
/// Volumes that somebody deletes under the running unit. Their records are forgotten as soon as it is noticed, so that the unit neither answers for them nor writes to a file without a name:
/// whoever sends one again stores it anew, and repair, which sees no such record, brings the others back.
/// </summary>
internal sealed partial class StorageUnit
{
    /// <summary>How often one block meets a volume that was deleted before the unit gives up.</summary>
    private const int LostLimit = 3;

    private static bool IsMissing(Exception error) => error is FileNotFoundException or DirectoryNotFoundException;

    /// <summary>Opens a volume's file. Called with the disk held.</summary>
    /// <returns><see langword="null"/> where there is none any more; then the volume is forgotten.</returns>
    /// <exception cref="MessageStoreException">ArchiveUnavailable: the whole unit is gone.</exception>
    private IStorageFile? OpenOrForget(int number, FileAccessKind access)
    {
        try
        {
            return storage.Open(volumes[number].Name.PathIn(Folder), access);
        }
        catch (Exception error) when (IsMissing(error))
        {
            Forget(number);
            return null;
        }
    }

    /// <summary>A reader did not find a volume: where the unit knows it, it was deleted.</summary>
    /// <exception cref="MessageStoreException">ArchiveUnavailable: the whole unit is gone.</exception>
    private void NoticeMissing(VolumeName name)
    {
        lock (disk)
        {
            // The unit itself may have deleted it meanwhile, because it was due.
            int number = volumes.FindIndex(v => !v.IsGone && v.Name == name);
            if (number >= 0) OpenOrForget(number, FileAccessKind.Read)?.Dispose();
        }
    }

    /// <summary>Forgets all records of a volume that is not there any more. Called with the disk held.</summary>
    /// <exception cref="MessageStoreException">ArchiveUnavailable: the whole unit is gone.</exception>
    private void Forget(int number)
    {
        UnitVolume volume = volumes[number];
        if (volume.IsGone) return;
        try
        {
            DemandMarker();
        }
        catch (MessageStoreException error)
        {
            // A disk that is away takes its volumes with it, and brings them back.
            TakeOut(error, []);
            throw;
        }
        if (open.TryGetValue(volume.Name.Series, out VolumeFile? file) && file.Name == volume.Name)
        {
            open.Remove(volume.Name.Series);
            openOrder.Remove(volume.Name.Series);
            file.Dispose();
        }
        int lost = table.RemoveVolume(number);
        volume.IsGone = true;
        notes.Add($"{volume.Name.PathIn(Folder)} was deleted while the unit was in use: {lost} records are gone. Repair-StorageNode brings them back from other copies.");
    }

    /// <summary>Makes sure that the folder still is the unit: what is written into the mount point of a disk that is away is hidden when it comes back.</summary>
    /// <exception cref="MessageStoreException">ArchiveUnavailable.</exception>
    private void DemandMarker()
    {
        if (UnitMarker.Load(storage, Folder, marker.Node, marker.Unit).UnitId != marker.UnitId)
            throw new MessageStoreException(ErrorIds.ArchiveUnavailable, ErrorKind.Device, $"The storage unit {Folder} is not available: another unit of the same name lies there now.", Folder);
    }
}
