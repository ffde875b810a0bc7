using MessageStore.IO;

namespace MessageStore.Keys;

/// <summary>
/// The embedded key manager: an append-only journal of keys in the database folder, and in memory only where in it the keys of an Id lie (at most 30
/// bytes a key). Keys themselves are read back from the journal by position. Formats: docs/format-keys.md.
/// </summary>
/// <remarks>
/// Writers that come at the same time share one write and one flush. A write or flush that fails closes the manager for writing: what is on
/// disk is not known any more, and only opening it again finds out. Reading goes on.
/// </remarks>
internal sealed partial class JournalKeyManager : IKeyManager
{
    private readonly object gate = new(); // a monitor, because writers wait on it for their turn
    private readonly IStorage storage;
    private readonly string folder;
    private readonly TimeProvider time;
    private readonly uint salt;
    private readonly KeyFrames frames;
    private KeyGeneration current;
    private bool disposed;

    private JournalKeyManager(IStorage storage, string folder, TimeProvider time, uint salt, KeyGeneration current)
    {
        this.storage = storage;
        this.folder = folder;
        this.time = time;
        this.salt = salt;
        this.current = current;
        frames = new KeyFrames(salt, time);
    }

    public Lock Updating { get; } = new();

    public long Count
    {
        get
        {
            lock (gate) return current.Table.Count;
        }
    }

    /// <summary>What recovery cut off the journal when it was opened, for people; empty where the journal ended clean.</summary>
    public string RecoveryNote { get; private init; } = "";

    /// <summary>Length of the journal in bytes.</summary>
    public long JournalBytes
    {
        get
        {
            lock (gate) return current.End;
        }
    }

    /// <summary>Bytes of memory that the table takes.</summary>
    public long TableBytes
    {
        get
        {
            lock (gate) return current.Table.Bytes;
        }
    }

    public long EndOf(string target, string unit, string volume)
    {
        lock (gate) return current.Volumes.Find(target, unit, volume)?.End ?? 0;
    }

    public IReadOnlyList<ArchiveKey> Find(Guid id)
    {
        Span<byte> wanted = stackalloc byte[16];
        KeyEntry.WriteId(wanted, id);
        KeyGeneration generation;
        uint first;
        List<uint>? more = null;
        lock (gate)
        {
            ObjectDisposedException.ThrowIf(disposed, this);
            generation = current;
            ulong tag = IdTag.Of(wanted);
            int cursor = -1;
            if (!generation.Table.TryNext(tag, ref cursor, out first)) return [];
            while (generation.Table.TryNext(tag, ref cursor, out uint position)) (more ??= []).Add(position);
            generation.Lease();
        }
        try
        {
            var keys = new List<ArchiveKey>(1 + (more?.Count ?? 0));
            AddIfOf(id, generation, first, keys);
            if (more is not null)
                foreach (uint position in more) AddIfOf(id, generation, position, keys);
            return keys;
        }
        catch (Exception error) when (IsDeviceError(error))
        {
            throw StorageErrors.Wrap(error, "reading an archive key", generation.File.Path);
        }
        finally
        {
            generation.Dispose();
        }
    }

    public IEnumerable<ArchiveKey> List()
    {
        KeyGeneration generation;
        long end;
        lock (gate)
        {
            ObjectDisposedException.ThrowIf(disposed, this);
            generation = current;
            end = generation.End;
            generation.Lease();
        }
        try
        {
            using var reader = new FrameReader(generation.File, salt, 0, 1);
            var found = new List<ArchiveKey>();
            while (reader.Offset < end)
            {
                found.Clear();
                if (!ReadLiveKeys(reader, generation, found)) throw generation.Damage(reader.End.Offset, reader.End.Detail);
                foreach (ArchiveKey key in found) yield return key;
            }
        }
        finally
        {
            generation.Dispose();
        }
    }

    public IEnumerable<CoveredVolume> ListVolumes()
    {
        for (int number = 0; ; number++)
        {
            CoveredVolume covered;
            lock (gate)
            {
                if (number >= current.Volumes.Count) yield break; // numbers stay when the journal is compacted
                KeyVolume volume = current.Volumes[number];
                covered = new CoveredVolume(volume.Target, volume.Unit, volume.Name, volume.End);
            }
            if (covered.End > 0) yield return covered;
        }
    }

    public void Dispose()
    {
        lock (gate)
        {
            if (disposed) return;
            while (writing) Monitor.Wait(gate);
            if (disposed) return;
            disposed = true;
            current.Dispose();
            frames.Dispose();
        }
    }

    private static bool IsDeviceError(Exception error) => error is IOException or UnauthorizedAccessException;

    private void AddIfOf(Guid id, KeyGeneration generation, uint position, List<ArchiveKey> keys)
    {
        if (generation.Recent.Find(position) is { } recent)
        {
            if (recent.Id == id) keys.Add(recent);
            return;
        }
        Span<byte> buffer = stackalloc byte[KeyEntry.MaximumKeySize];
        ReadOnlySpan<byte> entry = generation.ReadEntry(position, buffer);
        ArchiveKey key = KeyEntry.ReadKey(entry, VolumeOf(generation, entry));
        generation.Recent.Add(position, key);
        if (key.Id == id) keys.Add(key);
    }

    private KeyVolume VolumeOf(KeyGeneration generation, ReadOnlySpan<byte> key)
    {
        lock (gate) return generation.Volumes[KeyEntry.VolumeOf(key)];
    }

    /// <summary>Reads one frame and keeps those of its keys that still count.</summary>
    private bool ReadLiveKeys(FrameReader reader, KeyGeneration generation, List<ArchiveKey> found)
    {
        try
        {
            if (!reader.TryRead(out FrameHeader header, out ReadOnlySpan<byte> payload)) return false;
            if (header.Type != (byte)KeyFrameType.Entries) return true;
            long offset = reader.FrameOffset + FrameHeader.Size;
            lock (gate)
            {
                for (int at = 0; at < payload.Length;)
                {
                    int length = KeyEntry.Length(payload[at..]);
                    if (length == 0) throw generation.Damage(offset + at, "An entry there makes no sense.");
                    ReadOnlySpan<byte> entry = payload.Slice(at, length);
                    if (KeyEntry.Kind(entry) == KeyEntryKind.Key
                        && generation.Table.Contains(IdTag.Of(KeyEntry.IdOf(entry)), (uint)((offset + at) / KeyGeneration.PositionUnit)))
                    {
                        found.Add(KeyEntry.ReadKey(entry, generation.Volumes[KeyEntry.VolumeOf(entry)]));
                    }
                    at += length;
                }
            }
            return true;
        }
        catch (Exception error) when (IsDeviceError(error))
        {
            throw StorageErrors.Wrap(error, "reading the archive keys", generation.File.Path);
        }
    }
}
