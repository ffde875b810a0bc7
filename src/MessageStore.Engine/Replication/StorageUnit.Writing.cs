using MessageStore.Archiving;
using MessageStore.IO;
using MessageStore.Keys;

namespace MessageStore.Replication;

/// <summary>The process module: callers queue their records; one thread gathers them into blocks and answers when a block is on the disk.</summary>
internal sealed partial class StorageUnit
{
    private readonly object gate = new(); // a monitor, because the writer waits on it for work
    private readonly Queue<Pending> waiting = [];
    private readonly Dictionary<VolumeSeries, VolumeFile> open = [];
    private readonly List<VolumeSeries> openOrder = []; // least lately used first
    private long waitingBytes;
    private bool closing;
    private MessageStoreException? takenOut;

    /// <summary>Why the unit takes no more records; <see langword="null"/> while it does.</summary>
    public MessageStoreException? TakenOut
    {
        get
        {
            lock (gate) return takenOut;
        }
    }

    /// <summary>Stores records. When the task ends well all of them are durable.</summary>
    /// <returns>The place of each, in order. A record that the unit holds already (same Id, content and deletion date) keeps its place.</returns>
    /// <exception cref="MessageStoreException">UnitUnavailable: the unit was taken out; DiskFull. None of the records is acknowledged.</exception>
    public Task<IReadOnlyList<RecordPlace>> AppendAsync(IReadOnlyList<IncomingRecord> records)
    {
        var pending = new Pending(records);
        lock (gate)
        {
            if (takenOut is not null) return Task.FromException<IReadOnlyList<RecordPlace>>(Refusal(takenOut));
            if (closing) return Task.FromException<IReadOnlyList<RecordPlace>>(new MessageStoreException(
                ErrorIds.UnitUnavailable, ErrorKind.Busy, $"The storage unit {Name} is being closed.", Name));
            pending.Arrived = options.Clock.GetTimestamp();
            waiting.Enqueue(pending);
            waitingBytes += pending.Bytes;
            Monitor.PulseAll(gate);
        }
        return pending.Done.Task;
    }

    private void Write()
    {
        while (Take() is { } taken)
        {
            try
            {
                lock (disk) WriteBlocks(taken);
                foreach (Pending pending in taken) pending.Done.TrySetResult(pending.Places);
            }
            catch (MessageStoreException full) when (full.ErrorId == ErrorIds.DiskFull)
            {
                foreach (Pending pending in taken) pending.Done.TrySetException(full);
            }
            catch (Exception error)
            {
                TakeOut(error, taken);
            }
        }
        Finish();
    }

    /// <summary>Waits for records, and then, for the linger time at most, for a full buffer.</summary>
    /// <returns><see langword="null"/> when the unit is being closed and nothing waits.</returns>
    private List<Pending>? Take()
    {
        lock (gate)
        {
            while (waiting.Count == 0 && !closing) Monitor.Wait(gate);
            if (waiting.Count == 0) return null;
            while (!closing && waitingBytes < options.BufferSize)
            {
                TimeSpan left = options.Linger - options.Clock.GetElapsedTime(waiting.Peek().Arrived);
                if (left <= TimeSpan.Zero) break;
                Monitor.Wait(gate, left);
            }
            var taken = new List<Pending>();
            for (long bytes = 0; waiting.TryPeek(out Pending? next) && (taken.Count == 0 || bytes + next.Bytes <= options.BufferSize); bytes += next.Bytes)
                taken.Add(waiting.Dequeue());
            waitingBytes -= taken.Sum(p => p.Bytes);
            return taken;
        }
    }

    private void WriteBlocks(List<Pending> taken)
    {
        if (!HasRoom(taken.Sum(p => p.Bytes)))
        {
            throw new MessageStoreException(ErrorIds.DiskFull, ErrorKind.Device,
                $"The disk of storage unit {Name} ({Folder}) is full: {options.Reserve >> 20} MiB are kept free. Add a disk, or let records expire.", Folder);
        }
        var blocks = new Dictionary<VolumeSeries, Block>();
        try
        {
            var repeated = new List<(Pending Pending, int Index, Block Block, int At)>();
            var inBlocks = new Dictionary<Guid, (Block Block, int At, ArchivedRecordInfo Info)>();
            foreach (Pending pending in taken)
            {
                for (int index = 0; index < pending.Records.Count; index++)
                {
                    IncomingRecord record = pending.Records[index];
                    if (Locate(record.Info.Id, (volume, held) => IsSame(held, record.Info) && IsWhole(volume, held)) is { } found)
                    {
                        pending.Places[index] = new RecordPlace(volumes[found.Volume].Name.ToString(), found.Info.Offset, found.Info.Length);
                        continue;
                    }
                    if (inBlocks.TryGetValue(record.Info.Id, out (Block Block, int At, ArchivedRecordInfo Info) twin) && IsSame(twin.Info, record.Info))
                    {
                        repeated.Add((pending, index, twin.Block, twin.At));
                        continue;
                    }
                    VolumeSeries series = VolumeSeries.Of(record.Info.StorageDate, record.Info.DeletionDate);
                    if (!blocks.TryGetValue(series, out Block? block)) blocks.Add(series, block = new Block());
                    inBlocks[record.Info.Id] = (block, block.Entries.Count, record.Info);
                    block.Add(record, pending, index);
                }
            }
            foreach ((VolumeSeries series, Block block) in blocks) Append(series, block);
            foreach ((Pending pending, int index, Block block, int at) in repeated)
                pending.Places[index] = block.Entries[at].Pending.Places[block.Entries[at].Index];
        }
        finally
        {
            foreach (Block block in blocks.Values) block.Buffer.Dispose();
        }
    }

    /// <summary>Whether a record that is there serves for one that comes: the message is the same, and it dies on the same day.</summary>
    private static bool IsSame(ArchivedRecordInfo held, ArchivedRecordInfo coming) =>
        held.Sha256 == coming.Sha256
        && VolumeSeries.Of(held.StorageDate, held.DeletionDate).DeletionDay == VolumeSeries.Of(coming.StorageDate, coming.DeletionDate).DeletionDay;

    /// <summary>Whether a record that is there is what was written: nothing else is acknowledged as a copy.</summary>
    private bool IsWhole(int number, ArchivedRecordInfo held)
    {
        using IStorageFile? file = OpenOrForget(number, FileAccessKind.Read);
        return file is not null && VolumeRecovery.IsWhole(file, held);
    }

    private void Append(VolumeSeries series, Block block)
    {
        (VolumeFile file, int number, long offset) = AppendToFile(series, block);
        string name = file.Name.ToString();
        volumes[number].Length = file.End;
        foreach ((Pending pending, int index) in block.Entries)
        {
            IncomingRecord record = pending.Records[index];
            pending.Places[index] = new RecordPlace(name, offset, record.Bytes.Length);
            table.Add(IdTag.Of(record.Info.Id), number, offset);
            offset += record.Bytes.Length;
        }
    }

    private (VolumeFile File, int Number, long Offset) AppendToFile(VolumeSeries series, Block block)
    {
        for (int lost = 1; ; lost++)
        {
            VolumeFile file = FileFor(series, block.Buffer.Length, out int number);
            try
            {
                return (file, number, file.Append(block.Buffer.Span, block.Entries.Count));
            }
            catch (DeletedFileException) when (lost < LostLimit)
            {
                Forget(number); // nobody was told of the block: it goes into a new volume
            }
        }
    }

    private VolumeFile FileFor(VolumeSeries series, long bytes, out int number)
    {
        number = volumes.FindLastIndex(v => v.Name.Series == series);
        if (open.TryGetValue(series, out VolumeFile? current))
        {
            Touch(series);
            if (current.End + bytes <= options.VolumeSize) return current;
            Close(series);
        }
        while (open.Count >= options.OpenVolumes) Close(openOrder[0]);

        UnitVolume? last = number < 0 ? null : volumes[number];
        if (last is { IsGone: false, IsRefused: false } && last.Length + bytes <= options.VolumeSize && TryGoOn(number) is { } before)
        {
            Touch(series);
            return open[series] = before;
        }
        DemandMarker();
        var name = new VolumeName(series, (last?.Name.Number ?? 0) + 1);
        VolumeFile created = VolumeFile.Create(storage, Folder, name, marker.Salt);
        number = volumes.Count;
        volumes.Add(new UnitVolume(name));
        Touch(series);
        return open[series] = created;
    }

    /// <summary>Makes a series the one that was used last.</summary>
    private void Touch(VolumeSeries series)
    {
        openOrder.Remove(series);
        openOrder.Add(series);
    }

    private VolumeFile? TryGoOn(int number)
    {
        try
        {
            return VolumeFile.Open(storage, Folder, volumes[number].Name, marker.Salt, volumes[number].Length);
        }
        catch (Exception error) when (IsMissing(error))
        {
            Forget(number);
            return null;
        }
    }

    private void Close(VolumeSeries series)
    {
        openOrder.Remove(series);
        if (!open.Remove(series, out VolumeFile? file)) return;
        int number = volumes.FindLastIndex(v => v.Name == file.Name);
        try
        {
            using (file) file.Finish();
            volumes[number].Length = file.End;
        }
        catch (DeletedFileException)
        {
            Forget(number);
        }
    }

    /// <summary>Closes volumes in order when the unit is closed.</summary>
    private void Finish()
    {
        lock (disk)
        {
            try
            {
                while (open.Count > 0)
                {
                    if (TakenOut is null) Close(open.Keys.First());
                    else if (open.Remove(open.Keys.First(), out VolumeFile? file)) file.Dispose();
                }
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException or MessageStoreException)
            {
                // Only the end marks are missing: the next opening looks at the last blocks instead.
                foreach (VolumeFile file in open.Values) file.Dispose();
            }
        }
    }

    private void TakeOut(Exception error, List<Pending> taken)
    {
        MessageStoreException reason = error as MessageStoreException ?? StorageErrors.Wrap(error, "writing a block", Folder);
        lock (gate)
        {
            takenOut = reason;
            taken.AddRange(waiting);
            waiting.Clear();
            waitingBytes = 0;
        }
        foreach (Pending pending in taken) pending.Done.TrySetException(Refusal(reason));
    }

    private MessageStoreException Refusal(MessageStoreException cause) => new(
        ErrorIds.UnitUnavailable, ErrorKind.Device, $"The storage unit {Name} takes no more records since an error: {cause.Message} Restart its node when the disk is in order.", Name, cause);

    /// <summary>What one caller wants stored.</summary>
    private sealed class Pending(IReadOnlyList<IncomingRecord> records)
    {
        public IReadOnlyList<IncomingRecord> Records => records;

        public RecordPlace[] Places { get; } = new RecordPlace[records.Count];

        public long Bytes { get; } = records.Sum(r => (long)r.Bytes.Length);

        public long Arrived { get; set; }

        public TaskCompletionSource<IReadOnlyList<RecordPlace>> Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    /// <summary>A block that is being put together.</summary>
    private sealed class Block
    {
        public Block()
        {
            Buffer.GetSpan(VolumeMember.BlockHeaderLength);
            Buffer.Advance(VolumeMember.BlockHeaderLength);
        }

        public PooledBuffer Buffer { get; } = new();

        public List<(Pending Pending, int Index)> Entries { get; } = [];

        public void Add(IncomingRecord record, Pending pending, int index)
        {
            Buffer.Write(record.Bytes.Span);
            Entries.Add((pending, index));
        }
    }
}
