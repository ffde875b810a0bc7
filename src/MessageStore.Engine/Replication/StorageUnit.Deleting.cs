using System.Buffers;
using MessageStore.Archiving;
using MessageStore.IO;
using MessageStore.Keys;

namespace MessageStore.Replication;

/// <summary>Deletion: whole volumes on their day, single records by fillers.</summary>
internal sealed partial class StorageUnit
{
    /// <summary>Records that are erased with one flush: whoever writes waits for as long.</summary>
    private const int ErasedAtATime = 256;

    /// <summary>Deletes the volumes whose deletion date has come.</summary>
    /// <param name="now">The time that counts.</param>
    /// <param name="held">Messages that must stay: a volume with one of them stays whole.</param>
    /// <returns>The number of records that are gone.</returns>
    /// <exception cref="MessageStoreException">ArchiveUnavailable.</exception>
    public long Expire(DateTimeOffset now, IReadOnlySet<Guid> held)
    {
        DateOnly today = DateOnly.FromDateTime(now.UtcDateTime);
        long gone = 0;
        lock (disk)
        {
            for (int number = 0; number < volumes.Count; number++)
            {
                UnitVolume volume = volumes[number];
                if (volume.IsGone || volume.IsRefused || volume.Name.Series.DeletionDay is not { } day || day > today) continue;
                gone += Delete(number, held);
            }
        }
        return gone;
    }

    /// <summary>
    /// Erases single records: what they held is overwritten, every other record stays where it is. Records that the unit does not hold are no error. One whose header
    /// cannot be read any more is only forgotten, so that the message can be stored anew.
    /// </summary>
    /// <returns>The number of records erased.</returns>
    /// <exception cref="MessageStoreException">ArchiveUnavailable.</exception>
    public long Erase(IReadOnlyCollection<ErasedRecord> records) =>
        records.GroupBy(r => r.Volume).SelectMany(inVolume => inVolume.Chunk(ErasedAtATime).Select(some => Erase(inVolume.Key, some))).Sum();

    /// <summary>Erases records of a volume with one flush.</summary>
    private long Erase(string volume, ErasedRecord[] records)
    {
        lock (disk)
        {
            int number = volumes.FindIndex(v => !v.IsGone && v.Name.ToString() == volume);
            if (number < 0) return 0;
            try
            {
                using IStorageFile? file = OpenOrForget(number, FileAccessKind.ReadWrite);
                if (file is null) return 0;
                var gone = new List<ErasedRecord>();
                bool isChanged = false;
                foreach (ErasedRecord record in records)
                {
                    if (!table.Contains(IdTag.Of(record.Id), number, record.Offset))
                    {
                        isChanged |= FillDamaged(file, volumes[number], record);
                        continue;
                    }
                    if (ArchiveRecordReader.TryReadInfo(file, record.Offset) is { } info)
                    {
                        if (info.Id != record.Id) continue; // another message with the same tag
                        Fill(file, info.Offset, info.Length);
                        isChanged = true;
                    }
                    gone.Add(record);
                }
                if (isChanged) file.Flush();
                return gone.Count(r => table.Remove(IdTag.Of(r.Id), number, r.Offset));
            }
            catch (DeletedFileException)
            {
                Forget(number);
                return 0;
            }
            catch (Exception error) when (ArchiveErrors.IsDevice(error))
            {
                throw ArchiveErrors.Wrap(error, $"erasing messages in {volume}", Folder);
            }
        }
    }

    private long Delete(int number, IReadOnlySet<Guid> held)
    {
        UnitVolume volume = volumes[number];
        string path = volume.Name.PathIn(Folder);
        try
        {
            List<(Guid Id, long Offset)> records;
            using (IStorageFile? file = OpenOrForget(number, FileAccessKind.Read))
            {
                if (file is null) return 0;
                records = [.. VolumeRecovery.Walk(file, marker.Salt, volume.Length).Select(r => (r.Id, r.Offset))];
            }
            if (records.Any(r => held.Contains(r.Id))) return 0;
            if (open.TryGetValue(volume.Name.Series, out VolumeFile? writing) && writing.Name == volume.Name) Close(volume.Name.Series);
            storage.DeleteFile(path);
            storage.FlushFolder(Path.GetDirectoryName(path)!);
            volume.IsGone = true;
            return records.Count(r => table.Remove(IdTag.Of(r.Id), number, r.Offset));
        }
        catch (Exception error) when (ArchiveErrors.IsDevice(error))
        {
            throw ArchiveErrors.Wrap(error, "deleting a volume that is due", path);
        }
    }

    /// <summary>
    /// Fills what is left of a record in a stretch that opening found damaged. Only now, when whoever names it has a whole copy elsewhere: until then the bytes are all that there is of it here.
    /// </summary>
    /// <returns>Whether there was anything to fill.</returns>
    private static bool FillDamaged(IStorageFile file, UnitVolume volume, ErasedRecord record)
    {
        if (record.Length < VolumeMember.ShortestRecord || !volume.Damaged.Any(d => d.Offset <= record.Offset && record.Offset + record.Length <= d.End)) return false;
        Fill(file, record.Offset, record.Length);
        return true;
    }

    /// <summary>Fills damaged stretches that are too short for a record, such as a block header: nothing of a message is in them, and readers of the whole volume would stop there.</summary>
    private void FillSmall(UnitVolume volume)
    {
        foreach (DamagedStretch stretch in volume.Damaged)
        {
            if (stretch.End - stretch.Offset is < VolumeMember.ShortestFiller or >= VolumeMember.ShortestRecord) continue;
            using IStorageFile file = storage.Open(volume.Name.PathIn(Folder), FileAccessKind.ReadWrite);
            Fill(file, stretch.Offset, stretch.End - stretch.Offset);
            file.Flush();
        }
    }

    /// <summary>Overwrites a stretch; the caller flushes.</summary>
    private static void Fill(IStorageFile file, long offset, long length)
    {
        byte[] fillers = ArrayPool<byte>.Shared.Rent((int)length);
        try
        {
            VolumeMember.WriteFillers(fillers.AsSpan(0, (int)length));
            file.Write(fillers.AsSpan(0, (int)length), offset);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(fillers);
        }
    }
}
