using System.Buffers.Binary;
using MessageStore.IO;
using MessageStore.Messages;

namespace MessageStore.Storage;

/// <summary>Where the frames of one image come from: a segment, the log, a backup, or the message itself.</summary>
internal abstract class ImageSource
{
    /// <summary>Reads a frame.</summary>
    /// <param name="frame">As many bytes as the frame takes.</param>
    /// <returns>Bytes read: fewer where there are no more.</returns>
    /// <exception cref="IOException">The device failed.</exception>
    public abstract int Read(int part, Span<byte> frame);
}

/// <summary>An image that lies in one piece, as in a segment.</summary>
internal sealed class ContiguousImage(IStorageFile file, IndexEntry entry) : ImageSource
{
    public override int Read(int part, Span<byte> frame) => file.ReadFully(frame, entry.Offset + ImageFrames.OffsetOf(entry, part));
}

/// <summary>An image whose frames lie apart, as in log files.</summary>
internal sealed class ScatteredImage(IReadOnlyList<(IStorageFile File, long Offset)> frames) : ImageSource
{
    public override int Read(int part, Span<byte> frame)
    {
        if (part >= frames.Count) return 0;
        // The last frame of a file may have lost its padding, which is no part of its validity.
        int read = frames[part].File.ReadFully(frame, frames[part].Offset);
        int missing = frame.Length - read;
        if (missing == 0 || missing >= FrameHeader.Alignment) return read;
        frame[read..].Clear();
        return frame.Length;
    }
}

/// <summary>An image made anew from the message.</summary>
/// <param name="body">The message; none for one that is archived.</param>
/// <param name="head">Image header and summary.</param>
/// <param name="lsn">What its frames bear: a transaction that is durable.</param>
internal sealed class RebuiltImage(MessageBody? body, byte[] head, Guid id, uint salt, ulong lsn, long time) : ImageSource
{
    public override int Read(int part, Span<byte> frame)
    {
        long offset = (long)part * ImageHeader.PartBytes;
        byte[] bytes = new byte[body is null ? 0 : (int)Math.Min(ImageHeader.PartBytes, body.Length - offset)];
        for (int total = 0, read; total < bytes.Length; total += read)
            if ((read = body!.Read(bytes.AsSpan(total), offset + total)) == 0) return 0;
        int parts = body is null ? 1 : ImageHeader.FrameCount(body.Length);
        TransactionType type = body is null ? TransactionType.Archived
            : part > 0 ? TransactionType.AppendPart : parts > 1 ? TransactionType.AppendBegin : TransactionType.Append;
        var transaction = new Transaction(type, part == 0 ? head : PartHead(part, parts), bytes, salt);
        if (transaction.FrameLength > frame.Length) return 0;
        transaction.Encode(frame, lsn, lsn, time, salt);
        return transaction.FrameLength;
    }

    private byte[] PartHead(int part, int parts)
    {
        byte[] bytes = new byte[ImageHeader.PartHeaderSize];
        id.TryWriteBytes(bytes, bigEndian: true, out _);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(16), part);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(20), part == parts - 1 ? 1 : 0);
        return bytes;
    }
}
