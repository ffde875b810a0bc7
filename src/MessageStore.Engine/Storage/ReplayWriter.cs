using System.Buffers;
using MessageStore.IO;

namespace MessageStore.Storage;

/// <summary>Applies old transactions to a group that is being opened, image frames gathered into large writes.</summary>
internal sealed class ReplayWriter(RecoveredGroup group) : IDisposable
{
    private const int BufferSize = 4 << 20;

    private byte[] buffer = [];
    private Segment? run;
    private long runOffset;
    private int runLength;

    public void Apply(in FrameHeader frame, ReadOnlySpan<byte> payload, uint salt)
    {
        var type = (TransactionType)frame.Type;
        Placement place = default;
        if (type is TransactionType.Append or TransactionType.AppendBegin or TransactionType.AppendPart or TransactionType.Archived or TransactionType.Recalled)
        {
            (Segment? segment, long offset) = group.Applier.Place(type, payload, frame.Length);
            if (segment is not null)
            {
                Write(segment, offset, frame, payload, salt);
                place = new Placement(segment.Number, offset);
            }
        }
        group.Applier.Apply(type, payload, place);
        group.LastLsn = frame.Lsn;
        group.LastTime = frame.TimeTicks;
        group.Replayed++;
        group.ReplayedBytes += frame.Length;
    }

    public void Drain()
    {
        if (run is not null && runLength > 0) SegmentStore.Write(run, buffer.AsSpan(0, runLength), runOffset);
        run = null;
        runLength = 0;
    }

    public void Dispose()
    {
        byte[] old = buffer;
        buffer = [];
        if (old.Length > 0) ArrayPool<byte>.Shared.Return(old);
    }

    private void Write(Segment segment, long offset, in FrameHeader frame, ReadOnlySpan<byte> payload, uint salt)
    {
        if (run != segment || runOffset + runLength != offset || runLength + frame.Length > BufferSize)
        {
            Drain();
            (run, runOffset) = (segment, offset);
        }
        if (buffer.Length == 0) buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
        Span<byte> target = buffer.AsSpan(runLength, frame.Length);
        frame.Write(target, salt);
        payload.CopyTo(target[FrameHeader.Size..]);
        target[(FrameHeader.Size + payload.Length)..].Clear();
        runLength += frame.Length;
    }
}
