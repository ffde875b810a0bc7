using System.Buffers;
using MessageStore.IO;

namespace MessageStore.Storage;

/// <summary>
/// The body of a hot message, one frame (1 MiB) in memory at a time, each verified before any of it is handed out. Forward only. Holds its segment until disposed.
/// </summary>
internal sealed class ImageStream : ReadStream
{
    private readonly Segment segment;
    private readonly IndexEntry entry;
    private readonly uint salt;
    private byte[] frame = [];
    private int available;
    private int consumed;
    private int nextPart;
    private long position;

    /// <summary>Takes over the reference to <paramref name="segment"/>.</summary>
    public ImageStream(Segment segment, IndexEntry entry, GroupIdentity identity)
    {
        this.segment = segment;
        this.entry = entry;
        salt = identity.Salt;
    }

    public override long Length => entry.Length;

    public override long Position
    {
        get => position;
        set => throw new NotSupportedException();
    }

    public override int Read(Span<byte> buffer)
    {
        if (nextPart == 0) Load(); // also verifies an empty body
        if (position == entry.Length || buffer.IsEmpty) return 0;
        if (consumed == available) Load();
        int count = Math.Min(buffer.Length, available - consumed);
        frame.AsSpan(consumed, count).CopyTo(buffer);
        consumed += count;
        position += count;
        return count;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing && frame is not null)
        {
            if (frame.Length > 0) ArrayPool<byte>.Shared.Return(frame);
            frame = null!;
            segment.Dispose();
        }
        base.Dispose(disposing);
    }

    private void Load()
    {
        bool isFirst = nextPart == 0;
        long offset = entry.Offset + (isFirst ? 0 : ImageHeader.PartOffset(nextPart, entry.SummaryLength));
        int bodyHere = (int)Math.Min(ImageHeader.PartBytes, entry.Length - position);
        int head = isFirst ? ImageHeader.Size + entry.SummaryLength : ImageHeader.PartHeaderSize;
        int length = FrameHeader.Size + head + bodyHere;
        if (frame.Length < length)
        {
            if (frame.Length > 0) ArrayPool<byte>.Shared.Return(frame);
            frame = ArrayPool<byte>.Shared.Rent(length);
        }
        Span<byte> bytes = frame.AsSpan(0, length);
        int read = StorageGroup.ReadDevice(segment, bytes, offset);
        if (read < length || !FrameHeader.TryRead(bytes, salt, out FrameHeader header) || header.PayloadLength != head + bodyHere
            || !header.Matches(bytes[FrameHeader.Size..], salt) || UInt128Bytes.Read(bytes[FrameHeader.Size..]) != entry.Id)
            throw StorageGroup.MessageDamaged(entry, segment);
        consumed = FrameHeader.Size + head;
        available = length;
        nextPart++;
    }
}
