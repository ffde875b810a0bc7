using System.Buffers.Binary;
using MessageStore.IO;

namespace MessageStore.Backups;

/// <summary>Writes a backup file as a sequence of frames. Only ever appends, so that a pipe serves as well as a disk.</summary>
internal sealed class BackupWriter(Stream target, uint salt, TimeProvider clock) : IDisposable
{
    /// <summary>Bytes of a copied file in one frame.</summary>
    public const int ChunkBytes = 1 << 20;

    /// <summary>Bytes in front of a copied file's bytes: <c>u32</c> number of the file, <c>u32</c> zero, <c>u64</c> offset in it.</summary>
    public const int ChunkHeaderSize = 16;

    private readonly BackupDigest digest = new();
    private byte[] frame = new byte[FrameHeader.FrameLength(ChunkHeaderSize + ChunkBytes)];
    private ulong sequence;

    public long Frames => (long)sequence;

    public long Bytes { get; private set; }

    /// <summary>Writes a mark, or a piece of one that is longer than a frame may be.</summary>
    public void Write(BackupFrameType type, ReadOnlySpan<byte> payload)
    {
        payload.CopyTo(Payload(payload.Length));
        Send(type, payload.Length);
    }

    /// <summary>Room for the payload of a chunk, to be filled in place before <see cref="SendChunk"/>.</summary>
    public Span<byte> ChunkBody(int length) => Payload(ChunkHeaderSize + length)[ChunkHeaderSize..];

    /// <summary>Writes a chunk of a copied file whose bytes lie in <see cref="ChunkBody"/>.</summary>
    public void SendChunk(BackupFrameType type, int file, long offset, int length)
    {
        Span<byte> payload = Payload(ChunkHeaderSize + length);
        BinaryPrimitives.WriteInt32LittleEndian(payload, file);
        BinaryPrimitives.WriteInt32LittleEndian(payload[4..], 0);
        BinaryPrimitives.WriteInt64LittleEndian(payload[8..], offset);
        Send(type, payload.Length);
    }

    /// <summary>Writes the trailer, which makes the file a backup.</summary>
    public void Finish(Func<string, BackupTrailer> trailer)
    {
        byte[] mark = MarkCodec.Encode(trailer(digest.Finish()));
        byte[] payload = new byte[BackupTrailer.PayloadLength];
        payload.AsSpan().Fill((byte)' ');
        mark.CopyTo(payload, 0);
        Write(BackupFrameType.Trailer, payload);
    }

    public void Dispose() => digest.Dispose();

    private Span<byte> Payload(int length)
    {
        int needed = FrameHeader.FrameLength(length);
        if (frame.Length < needed) Array.Resize(ref frame, needed);
        return frame.AsSpan(FrameHeader.Size, length);
    }

    private void Send(BackupFrameType type, int payloadLength)
    {
        ReadOnlySpan<byte> payload = frame.AsSpan(FrameHeader.Size, payloadLength);
        uint seed = type == BackupFrameType.Header ? 0 : salt;
        var header = new FrameHeader((byte)type, sequence + 1, sequence, clock.GetUtcNow().UtcTicks, payloadLength, FrameHeader.Checksum(payload, seed));
        header.Write(frame, seed);
        frame.AsSpan(FrameHeader.Size + payloadLength, header.Length - FrameHeader.Size - payloadLength).Clear();
        digest.Add(frame.AsSpan(0, header.Length));
        target.Write(frame, 0, header.Length);
        Bytes += header.Length;
        sequence++;
    }
}
