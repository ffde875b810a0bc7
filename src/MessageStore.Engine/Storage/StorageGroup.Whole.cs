using System.Buffers;
using MessageStore.IO;
using MessageStore.Messages;

namespace MessageStore.Storage;

/// <summary>Reading a message of up to 1 MiB in one piece, for whoever reads many.</summary>
internal sealed partial class StorageGroup
{
    /// <summary>Reads header, summary and body of a hot message with one read, and verifies them.</summary>
    /// <param name="entry">The message; at most <see cref="ImageHeader.PartBytes"/> long.</param>
    /// <param name="buffer">Gets the frame. Rented, and exchanged for a larger one where need be; the body lies in it until the next call.</param>
    /// <returns><see langword="null"/> where the message was removed or moved in the meantime: look it up again.</returns>
    /// <exception cref="MessageStoreException">MessageDamaged.</exception>
    public (ImageHeader Image, MessageSummary Summary, ReadOnlyMemory<byte> Body)? ReadWhole(in IndexEntry entry, ref byte[] buffer)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(entry.Length, ImageHeader.PartBytes);
        using Segment? segment = segments.Acquire(entry.Segment);
        if (segment is null) return null;
        int head = ImageHeader.Size + entry.SummaryLength, length = FrameHeader.Size + head + entry.Length;
        if (buffer.Length < length)
        {
            if (buffer.Length > 0) ArrayPool<byte>.Shared.Return(buffer);
            buffer = []; // should the next line throw, nothing is given back twice
            buffer = ArrayPool<byte>.Shared.Rent(length);
        }
        Span<byte> bytes = buffer.AsSpan(0, length), payload = bytes[FrameHeader.Size..];
        int read = ReadDevice(segment, bytes, entry.Offset);
        if (read < length || !FrameHeader.TryRead(bytes, Identity.Salt, out FrameHeader frame) || frame.PayloadLength != payload.Length || !frame.Matches(payload, Identity.Salt)
            || !ImageHeader.TryRead(payload, Identity.Salt, out ImageHeader image) || UInt128Bytes.From(image.Id) != entry.Id || image.SummaryLength != entry.SummaryLength)
            throw MessageDamaged(entry, segment);
        return (image, SummaryCodec.Decode(payload.Slice(ImageHeader.Size, image.SummaryLength)), buffer.AsMemory(FrameHeader.Size + head, entry.Length));
    }
}
