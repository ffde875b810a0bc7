using System.Buffers;
using MessageStore.IO;

namespace MessageStore.Storage;

/// <summary>Writes frames of a snapshot one behind the other, in large blocks.</summary>
internal sealed class SnapshotFrameWriter(IStorageFile file, uint salt, ulong lsn, long time)
{
    private const int BlockSize = 1 << 20;

    private readonly ArrayBufferWriter<byte> buffer = new(BlockSize);
    private readonly DropBehind cache = new(file);
    private long position;

    /// <summary>Where the next frame will lie, in bytes from the start of the file.</summary>
    public long Position => position + buffer.WrittenCount;

    public void WriteRaw(ReadOnlySpan<byte> bytes)
    {
        buffer.Write(bytes);
        if (buffer.WrittenCount >= BlockSize) Drain();
    }

    public void Write(FileFrameType type, ReadOnlySpan<byte> payload)
    {
        var header = new FrameHeader((byte)type, lsn, lsn, time, payload.Length, FrameHeader.Checksum(payload, salt));
        Span<byte> frame = buffer.GetSpan(header.Length)[..header.Length];
        header.Write(frame, salt);
        payload.CopyTo(frame[FrameHeader.Size..]);
        frame[(FrameHeader.Size + payload.Length)..].Clear();
        buffer.Advance(header.Length);
        if (buffer.WrittenCount >= BlockSize) Drain();
    }

    /// <returns>Length of the file in bytes.</returns>
    public long Finish()
    {
        Drain();
        return position;
    }

    private void Drain()
    {
        file.Write(buffer.WrittenSpan, position);
        position += buffer.WrittenCount;
        buffer.ResetWrittenCount();
        cache.Written(position);
    }
}

/// <summary>Reads frames of a snapshot one behind the other; they all carry the same LSN.</summary>
internal sealed class SnapshotFrameReader(IStorageFile file, uint salt, long offset, ulong lsn) : IDisposable
{
    private byte[] buffer = ArrayPool<byte>.Shared.Rent(1 << 20);
    private long position = offset;

    /// <summary>The next frame; its payload is valid until the next call.</summary>
    /// <exception cref="FormatException">There is no valid frame here.</exception>
    public FileFrameType Next(out ReadOnlySpan<byte> payload)
    {
        int read = file.ReadFully(buffer.AsSpan(0, FrameHeader.Size), position);
        if (!FrameHeader.TryRead(buffer.AsSpan(0, read), salt, out FrameHeader header) || header.Lsn != lsn)
            throw new FormatException($"{file.Path} is damaged at offset {position}.");
        if (buffer.Length < header.PayloadLength)
        {
            ArrayPool<byte>.Shared.Return(buffer);
            buffer = ArrayPool<byte>.Shared.Rent(header.PayloadLength);
        }
        read = file.ReadFully(buffer.AsSpan(0, header.PayloadLength), position + FrameHeader.Size);
        if (read < header.PayloadLength || !header.Matches(buffer.AsSpan(0, read), salt))
            throw new FormatException($"{file.Path} is damaged at offset {position}.");
        payload = buffer.AsSpan(0, header.PayloadLength);
        position += header.Length;
        return (FileFrameType)header.Type;
    }

    public void Dispose() => ArrayPool<byte>.Shared.Return(Interlocked.Exchange(ref buffer, []));
}
