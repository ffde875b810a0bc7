using MessageStore.IO;

namespace MessageStore.Keys;

/// <summary>Compaction: the keys that count go into a new journal beside the old one; its name makes it the current one.</summary>
internal sealed partial class JournalKeyManager
{
    /// <summary>A journal below this length (4 MiB) is not worth a compaction.</summary>
    private const long SmallestWorthwhile = 4 << 20;

    /// <summary>Whether more than half of the journal no longer counts.</summary>
    public bool IsMostlyDead
    {
        get
        {
            lock (gate) return current.End >= SmallestWorthwhile && current.LiveBytes < current.End / 2;
        }
    }

    /// <summary>
    /// Writes a new journal that holds only what counts. Writers wait meanwhile, readers do not. Should it fail, the old journal goes on, unless the new
    /// one may have got its name already: then the manager closes for writing, because the next opening would take the new one.
    /// </summary>
    /// <exception cref="MessageStoreException">DiskFull, DeviceFailed, KeysDamaged, KeysClosedForWriting.</exception>
    public void Compact()
    {
        KeyGeneration old;
        lock (gate)
        {
            while (writing) Monitor.Wait(gate);
            ObjectDisposedException.ThrowIf(disposed, this);
            if (closed is not null) throw Refusal(closed);
            writing = true;
            old = current;
        }
        string path = KeyGeneration.PathOf(folder, old.Number + 1);
        KeyGeneration? next = null;
        try
        {
            AtomicFile.Write(storage, path, file => WriteImage(old, file));
            next = new KeyGeneration(storage.Open(path, FileAccessKind.ReadWrite), old.Number + 1, salt);
            Replay(next, salt);
            lock (gate) current = next;
            old.Dispose();
            storage.DeleteFile(old.File.Path);
        }
        catch (Exception error)
        {
            throw Abandon(error, path, next);
        }
        finally
        {
            lock (gate)
            {
                writing = false;
                Monitor.PulseAll(gate);
            }
        }
    }

    private MessageStoreException Abandon(Exception error, string path, KeyGeneration? next)
    {
        MessageStoreException wrapped = StorageErrors.Wrap(error, "compacting the archive keys", path);
        lock (gate)
        {
            if (ReferenceEquals(current, next)) return wrapped; // done, but for the old file, which the next opening deletes
            next?.Dispose();
            if (MayExist(path)) closed = wrapped;
        }
        return wrapped;
    }

    private bool MayExist(string path)
    {
        try
        {
            return storage.FileExists(path);
        }
        catch (Exception error) when (IsDeviceError(error))
        {
            return true;
        }
    }

    private void WriteImage(KeyGeneration old, IStorageFile file)
    {
        using var image = new KeyFrames(salt, time);
        long written = 0;
        image.Reset(1, 0);

        // The head names the image's last frame, which is known only at the end; until then its place is held by one of equal length.
        KeyGeneration.WriteHead(image, old.Number + 1, imageLsn: 0);
        for (int number = 0; number < old.Volumes.Count; number++)
        {
            KeyVolume volume = old.Volumes[number];
            image.Advance(KeyEntry.WriteVolume(image.Reserve(KeyEntry.Bound(volume.Target, volume.Unit, volume.Name)), volume, volume.End));
        }
        image.Close(KeyFrameType.Entries);
        using (var reader = new FrameReader(old.File, salt, 0, 1))
        {
            var keys = new List<ArchiveKey>();
            while (reader.Offset < old.End)
            {
                keys.Clear();
                if (!ReadLiveKeys(reader, old, keys)) throw old.Damage(reader.End.Offset, reader.End.Detail);
                foreach (ArchiveKey key in keys)
                {
                    int volume = old.Volumes.Find(key.Target, key.Unit, key.Volume)!.Number;
                    image.Advance(KeyEntry.WriteKey(image.Reserve(KeyEntry.MaximumKeySize), key, volume, salt));
                }
                if (image.Length >= KeyFrames.TargetPayload) WriteOut();
            }
        }
        image.Close(KeyFrameType.Entries);
        ulong last = image.NextLsn;
        image.Close(KeyFrameType.ImageEnd, evenIfEmpty: true);
        WriteOut();
        image.Reset(1, 0);
        KeyGeneration.WriteHead(image, old.Number + 1, last);
        file.Write(image.Bytes.Span, 0);

        void WriteOut()
        {
            image.Close(KeyFrameType.Entries);
            file.Write(image.Bytes.Span, written);
            written += image.Length;

            // Nobody sees the file before all of it is flushed, so each frame may vouch for those before it.
            image.Reset(image.NextLsn, image.NextLsn - 1);
        }
    }
}
