using MessageStore.IO;

namespace MessageStore.Storage;

internal sealed partial class GroupCommitter
{
    /// <summary>Commits one group of transactions: images, log, flush, index, answers.</summary>
    private void Commit(int start, int count, int length)
    {
        if (Failure is { } closed)
        {
            FailAll(start, count, ClosedError(closed));
            return;
        }
        hasWitness = false;
        Span<byte> buffer = log.Frames(length);
        long time = Math.Max(options.Clock.GetUtcNow().UtcTicks, lastTime);
        ulong first = lastLsn + 1;
        Segment? segmentBefore = segments.Current;
        long lengthBefore = segmentBefore?.Length ?? 0;
        try
        {
            Encode(buffer, start, count, first, time);
            WriteImages(buffer, start, count);
            log.Write(length);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or MessageStoreException)
        {
            TakeBack(start, count, segmentBefore, lengthBefore, error);
            return;
        }
        try
        {
            log.Flush(length);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // What a failed flush left on disk is unknown and cannot be learnt by trying again (the kernel may have dropped the pages), so
            // nothing may be written behind it. Recovery decides at the next open.
            var wrapped = StorageErrors.Wrap(error, "flushing the log", log.Path);
            Close(wrapped);
            FailAll(start, count, ClosedError(wrapped));
            return;
        }
        lock (index.Gate)
        {
            int position = 0;
            for (int i = 0; i < count; i++)
            {
                var transaction = (Transaction)working[start + i];
                applier.Apply(transaction.Type, buffer.Slice(position + FrameHeader.Size, transaction.PayloadLength), placements[i]);
                position += transaction.FrameLength;
            }
            Volatile.Write(ref lastTime, time);
            Volatile.Write(ref lastLsn, first + (ulong)count - 1);
        }
        Volatile.Write(ref logBytes, logBytes + length);
        late = Volatile.Read(ref waiting); // before anybody is answered, so that nobody counts twice
        foreach (CommitMeter meter in meters) Measure(meter, start, count);
        for (int i = 0; i < count; i++) ((Transaction)working[start + i]).Complete(first + (ulong)i);
        if (log.Tail >= Math.Max(options.LogFileLimit, rotateAt)) RotateIfPossible();
    }

    private void Measure(CommitMeter meter, int start, int count)
    {
        for (int i = 0; i < count; i++)
            if (working[start + i] is Transaction { Submitted: > 0 and long since, IsAgents: false }) meter.Record(since);
    }

    /// <summary>
    /// Says behind the last transactions that they are durable. Without that, damage to them would look like a tail that was never acknowledged, and they would be
    /// cut off without a word; the next group of transactions says it and takes the witness's place.
    /// </summary>
    private void Witness()
    {
        if (hasWitness) return;
        hasWitness = true;
        if (failure is not null || lastLsn < log.FirstLsn) return; // an empty file's header says it
        Span<byte> frame = log.Frames(FrameHeader.FrameLength(0));
        new FrameHeader((byte)TransactionType.Vouch, lastLsn, lastLsn, lastTime, 0, FrameHeader.Checksum([], identity.Salt)).Write(frame, identity.Salt);
        try
        {
            log.WriteWitness(FrameHeader.FrameLength(0));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // A full disk: only the last transactions stay without a witness. The write went over the log's last block, though, and that must be as it was.
            CutBack(error);
            return;
        }
        try
        {
            log.FlushWitness();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            Close(StorageErrors.Wrap(error, "flushing the log", log.Path));
        }
    }

    /// <summary>After a write that failed, of nothing that anybody waits for.</summary>
    private void CutBack(Exception error)
    {
        try
        {
            log.CutBack();
        }
        catch (Exception second) when (second is IOException or UnauthorizedAccessException)
        {
            Close(StorageErrors.Wrap(error, "writing", log.Path));
        }
    }

    private void Encode(Span<byte> buffer, int start, int count, ulong first, long time)
    {
        int position = 0;
        for (int i = 0; i < count; i++)
        {
            var transaction = (Transaction)working[start + i];
            transaction.Encode(buffer[position..], first + (ulong)i, lastLsn, time, identity.Salt);
            position += transaction.FrameLength;
        }
    }

    /// <summary>
    /// Writes the image frames to their segments, neighbours together, straight from the buffer that goes to the log. It comes before the log so
    /// that a full SSD is noticed while there is still nothing to take back.
    /// </summary>
    private void WriteImages(ReadOnlySpan<byte> buffer, int start, int count)
    {
        placements.Clear();
        Segment? run = null;
        long runOffset = 0;
        int runStart = 0, runLength = 0, position = 0;
        for (int i = 0; i < count; i++)
        {
            var transaction = (Transaction)working[start + i];
            int frameLength = transaction.FrameLength;
            if (transaction.IsImage)
            {
                ReadOnlySpan<byte> payload = buffer.Slice(position + FrameHeader.Size, transaction.PayloadLength);
                (Segment? segment, long offset) = applier.Place(transaction.Type, payload, frameLength);
                placements.Add(new Placement(segment?.Number ?? 0, offset));
                if (segment is not null)
                {
                    if (run != segment || runOffset + runLength != offset || runStart + runLength != position)
                    {
                        if (run is not null) SegmentStore.Write(run, buffer.Slice(runStart, runLength), runOffset);
                        (run, runOffset, runStart, runLength) = (segment, offset, position, 0);
                    }
                    runLength += frameLength;
                }
            }
            else
            {
                placements.Add(default);
            }
            position += frameLength;
        }
        if (run is not null) SegmentStore.Write(run, buffer.Slice(runStart, runLength), runOffset);
    }

    /// <summary>Nothing was acknowledged and the log was not flushed: undo, so that the group stays open for those that still fit.</summary>
    private void TakeBack(int start, int count, Segment? segmentBefore, long lengthBefore, Exception error)
    {
        MessageStoreException wrapped = StorageErrors.Wrap(error, "writing", log.Path);
        try
        {
            for (int i = 0; i < count; i++)
            {
                var transaction = (Transaction)working[start + i];
                if (transaction.Type == TransactionType.AppendBegin) applier.Abandon(new Guid(transaction.Head.Span[..16], bigEndian: true));
            }
            log.ClearSpares();
            log.CutBack();
            segments.Rewind(segmentBefore, lengthBefore);
        }
        catch (Exception second) when (second is IOException or UnauthorizedAccessException)
        {
            Close(wrapped);
            wrapped = ClosedError(wrapped);
        }
        FailAll(start, count, wrapped);
    }

    /// <summary>A log file that cannot be begun is no reason to stop: the current one goes on, longer than planned, until one can.</summary>
    private void RotateIfPossible()
    {
        try
        {
            Rotate(log.Kind);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            RotationError = StorageErrors.Wrap(error, "beginning a new log file", log.Path);
            rotateAt = log.Tail + options.LogFileLimit / 4;
        }
    }

    /// <summary>Begins a new log file. On the committer's thread.</summary>
    public void Rotate(GroupFileKind kind)
    {
        try
        {
            log.Rotate(kind, lastLsn + 1, lastTime);
            RotationError = null;
            rotateAt = 0;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            if (log.IsStranded) Close(StorageErrors.Wrap(error, "beginning a new log file", log.Path));
            throw;
        }
    }

    /// <summary>Why the last rotation failed, for the group's status.</summary>
    public MessageStoreException? RotationError { get; private set; }

    private void FailAll(int start, int count, Exception error)
    {
        for (int i = 0; i < count; i++) ((Transaction)working[start + i]).Fail(error);
    }

    private MessageStoreException ClosedError(MessageStoreException reason) => new(
        ErrorIds.GroupClosedForWriting, ErrorKind.Device,
        $"Storage group {identity.Name} is closed for writing: {reason.Message} Mend the device, then reopen the database to recover.",
        identity.Name, reason);
}
