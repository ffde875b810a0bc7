using MessageStore.IO;

namespace MessageStore.Storage;

/// <summary>The body of a message from an image that was verified, one frame in memory at a time. Forward only.</summary>
internal sealed class ImageBodyStream(ImageSource source, IndexEntry entry) : ReadStream
{
    private byte[] frame = [];
    private int next;
    private int consumed;
    private int available;

    public override int Read(Span<byte> buffer)
    {
        while (consumed == available)
        {
            if (next == ImageFrames.Count(entry)) return 0;
            int length = ImageFrames.LengthOf(entry, next);
            if (frame.Length < length) frame = new byte[length];
            if (source.Read(next, frame.AsSpan(0, length)) < length) throw new EndOfStreamException($"The image of message {entry.Id.ToGuid()} has become shorter.");
            consumed = FrameHeader.Size + ImageFrames.HeadLength(entry, next);
            available = consumed + ImageFrames.BodyLength(entry, next);
            next++;
        }
        int count = Math.Min(buffer.Length, available - consumed);
        frame.AsSpan(consumed, count).CopyTo(buffer);
        consumed += count;
        return count;
    }
}
