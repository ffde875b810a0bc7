using MessageStore.IO;

namespace MessageStore.Keys;

/// <summary>Writing: callers queue their changes; one of them writes for all that wait, with one write and one flush.</summary>
internal sealed partial class JournalKeyManager
{
    private readonly Queue<Change> waiting = [];
    private bool writing;
    private MessageStoreException? closed;

    /// <summary>Why nothing can be recorded any more; <see langword="null"/> while it can.</summary>
    public MessageStoreException? ClosedForWriting
    {
        get
        {
            lock (gate) return closed;
        }
    }

    /// <remarks>The keys of one call are all found after a crash or none, up to about 6,000 (1 MiB); longer lists are whole by the MiB.</remarks>
    public void Put(IReadOnlyList<ArchiveKey> keys)
    {
        foreach (ArchiveKey key in keys) KeyRules.Check(key);
        if (keys.Count > 0) Commit(new Change { Keys = keys });
    }

    public long Remove(IReadOnlyList<Guid> ids) => ids.Count == 0 ? 0 : Commit(new Change { Removals = ids });

    public long RemoveCopies(IReadOnlyCollection<ArchiveKey> copies) => copies.Count == 0 ? 0 : Commit(new Change { Copies = copies });

    public void Cover(IReadOnlyList<CoveredVolume> volumes)
    {
        foreach (CoveredVolume volume in volumes) KeyRules.CheckVolume(volume.Target, volume.Unit, volume.Volume);
        if (volumes.Count > 0) Commit(new Change { Volumes = volumes });
    }

    /// <summary>Returns when the change is durable and in effect.</summary>
    private long Commit(Change change)
    {
        lock (gate)
        {
            waiting.Enqueue(change);
            while (!change.Done)
            {
                if (writing) Monitor.Wait(gate);
                else WriteWaiting();
            }
        }
        if (change.Error is not null) throw change.Error;
        return change.Removed;
    }

    /// <summary>Writes what waits. Called and left under the lock, which is given up during the write itself.</summary>
    private void WriteWaiting()
    {
        Change[] group = [.. waiting];
        waiting.Clear();
        try
        {
            ObjectDisposedException.ThrowIf(disposed, this);
            if (closed is not null) throw Refusal(closed);
            frames.Reset(current.NextLsn, current.NextLsn - 1);
            foreach (Change change in group) Encode(change);
            if ((current.End + frames.Length) / KeyGeneration.PositionUnit > uint.MaxValue) throw TooLong();
            writing = true;
            WriteFrames();
            TakeEffect(group);
        }
        catch (Exception error)
        {
            foreach (Change change in group) change.Error ??= error;
        }
        finally
        {
            foreach (Change change in group) change.Done = true;
            writing = false;
            Monitor.PulseAll(gate);
        }
    }

    private void WriteFrames()
    {
        Monitor.Exit(gate);
        Exception? failure = null;
        try
        {
            current.File.Write(frames.Bytes.Span, current.End);
            current.File.Flush();
        }
        catch (Exception error)
        {
            failure = error;
        }
        finally
        {
            Monitor.Enter(gate);
        }
        if (failure is null) return;
        closed = StorageErrors.Wrap(failure, "writing archive keys", current.File.Path);
        throw closed;
    }

    /// <summary>What is durable now takes effect. An error here, a key to be replaced that cannot be read, leaves memory behind the disk.</summary>
    private void TakeEffect(Change[] group)
    {
        try
        {
            foreach (Change change in group) Apply(change);
            current.NextLsn = frames.NextLsn;
            current.End += frames.Length;
        }
        catch (Exception error)
        {
            closed = StorageErrors.Wrap(error, "replacing archive keys", current.File.Path);
            throw closed;
        }
    }

    private void Encode(Change change)
    {
        change.Start = frames.Length;
        foreach (CoveredVolume covered in change.Volumes)
        {
            KeyVolume volume = current.Volumes.Find(covered.Target, covered.Unit, covered.Volume) ?? current.Volumes.Add(covered.Target, covered.Unit, covered.Volume);
            int bound = KeyEntry.Bound(covered.Target, covered.Unit, covered.Volume);
            frames.Advance(KeyEntry.WriteVolume(frames.Reserve(bound), volume, Math.Max(volume.End, covered.End)));
        }
        foreach (ArchiveKey key in change.Keys)
        {
            KeyVolume volume = current.Volumes.Find(key.Target, key.Unit, key.Volume) ?? Declare(key);
            frames.Advance(KeyEntry.WriteKey(frames.Reserve(KeyEntry.MaximumKeySize), key, volume.Number, salt));
        }
        foreach (Guid id in change.Removals) frames.Advance(KeyEntry.WriteRemoval(frames.Reserve(KeyEntry.Bound()), id, null));
        foreach (ArchiveKey copy in change.Copies) frames.Advance(KeyEntry.WriteRemoval(frames.Reserve(KeyEntry.Bound(copy.Target, copy.Unit)), copy.Id, (copy.Target, copy.Unit)));
        frames.Close(KeyFrameType.Entries);
        change.End = frames.Length;
    }

    /// <summary>Names a new volume. Should the write fail, nothing is written after it, so the name does no harm.</summary>
    private KeyVolume Declare(ArchiveKey key)
    {
        KeyVolume volume = current.Volumes.Add(key.Target, key.Unit, key.Volume);
        frames.Advance(KeyEntry.WriteVolume(frames.Reserve(KeyEntry.Bound(key.Target, key.Unit, key.Volume)), volume, volume.End));
        return volume;
    }

    private void Apply(Change change)
    {
        ReadOnlySpan<byte> bytes = frames.Bytes.Span;
        for (int at = change.Start; at < change.End;)
        {
            FrameHeader.TryRead(bytes[at..], salt, out FrameHeader header);
            int payload = at + FrameHeader.Size;
            change.Removed += current.Apply(bytes.Slice(payload, header.PayloadLength), current.End + payload);
            at += header.Length;
        }
    }

    private MessageStoreException Refusal(MessageStoreException cause) => new(
        ErrorIds.KeysClosedForWriting, ErrorKind.Device,
        $"{current.File.Path} takes no more archive keys since an earlier error: {cause.Message} Open the database again.", current.File.Path, cause);

    private MessageStoreException TooLong() => new(
        ErrorIds.DeviceFailed, ErrorKind.NotSupported, $"{current.File.Path} has reached its largest length of 32 GiB.", current.File.Path);

    /// <summary>What one caller wants recorded.</summary>
    private sealed class Change
    {
        public IReadOnlyList<ArchiveKey> Keys { get; init; } = [];

        public IReadOnlyList<CoveredVolume> Volumes { get; init; } = [];

        public IReadOnlyList<Guid> Removals { get; init; } = [];

        public IReadOnlyCollection<ArchiveKey> Copies { get; init; } = [];

        /// <summary>Where its frames begin in the group's bytes.</summary>
        public int Start { get; set; }

        public int End { get; set; }

        public long Removed { get; set; }

        public Exception? Error { get; set; }

        public bool Done { get; set; }
    }
}
