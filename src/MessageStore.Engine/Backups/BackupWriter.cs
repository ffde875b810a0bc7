using System.Buffers.Binary;
using System.Security.Cryptography;
using MessageStore.IO;

namespace MessageStore.Backups;

/// <summary>
/// Makes a backup file's sequence of frames. The caller fills one frame while those before are checksummed and hashed on other threads and written on others
/// again; the number of blocks bounds the memory. Only ever appends, so that a pipe serves as well as a disk.
/// </summary>
internal sealed class BackupWriter : IDisposable
{
    /// <summary>Bytes of a copied file in one frame.</summary>
    public const int ChunkBytes = 1 << 20;

    /// <summary>Bytes in front of a copied file's bytes: <c>u32</c> number of the file, <c>u32</c> zero, <c>u64</c> offset in it.</summary>
    public const int ChunkHeaderSize = 16;

    /// <summary>Frames on their way at once: enough that each stage always has one to work on.</summary>
    private const int BlocksUnderWay = 16;

    private readonly BlockPool pool = new(BlocksUnderWay, FrameHeader.FrameLength(ChunkHeaderSize + ChunkBytes));
    private readonly BackupDigest digest = new();
    private readonly OrderedPipe pipe;
    private readonly Action<Block> pass;
    private readonly uint salt;
    private readonly TimeProvider clock;
    private readonly CancellationToken cancellationToken;
    private Block? current;
    private ulong sequence;

    /// <param name="pass">Takes the frames over in order, on a thread of the writer's.</param>
    /// <param name="salt">Seeds the checksums of all frames but the header.</param>
    /// <param name="isQuiet">Whether it gives way to users.</param>
    public BackupWriter(Action<Block> pass, uint salt, TimeProvider clock, bool isQuiet, CancellationToken cancellationToken)
    {
        this.pass = pass;
        this.salt = salt;
        this.clock = clock;
        this.cancellationToken = cancellationToken;
        pipe = new OrderedPipe("backup frames", Seal, Pass, isQuiet);
    }

    public long Frames => (long)sequence;

    public long Bytes { get; private set; }

    /// <summary>Writes a mark.</summary>
    public void Write(BackupFrameType type, ReadOnlySpan<byte> payload)
    {
        payload.CopyTo(Payload(payload.Length));
        pipe.Add(Take(type, payload.Length));
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
        pipe.Add(Take(type, payload.Length));
    }

    /// <summary>Writes the trailer, which makes the file a backup, and passes on the last frame.</summary>
    public BackupTrailer Finish(Func<string, BackupTrailer> make)
    {
        pipe.Complete();
        BackupTrailer trailer = make(digest.Finish());
        byte[] mark = MarkCodec.Encode(trailer);
        Span<byte> payload = Payload(BackupTrailer.PayloadLength);
        payload.Fill((byte)' ');
        mark.CopyTo(payload);
        Block block = Take(BackupFrameType.Trailer, payload.Length);
        Seal(block);
        pass(block);
        return trailer;
    }

    public void Dispose()
    {
        pipe.Dispose();
        digest.Dispose();
    }

    private Span<byte> Payload(int length)
    {
        current ??= pool.Rent(cancellationToken);
        current.Ensure(FrameHeader.FrameLength(length));
        return current.Bytes.AsSpan(FrameHeader.Size, length);
    }

    /// <summary>The block that was filled, with its place in the file.</summary>
    private Block Take(BackupFrameType type, int payloadLength)
    {
        Block block = current!;
        current = null;
        block.Header = new FrameHeader((byte)type, sequence + 1, sequence, clock.GetUtcNow().UtcTicks, payloadLength, 0);
        block.Length = block.Header.Length;
        Bytes += block.Length;
        sequence++;
        return block;
    }

    private void Seal(Block block)
    {
        FrameHeader header = block.Header;
        ReadOnlySpan<byte> payload = block.Bytes.AsSpan(FrameHeader.Size, header.PayloadLength);
        uint seed = header.Type == (byte)BackupFrameType.Header ? 0 : salt;
        (header with { PayloadCrc = FrameHeader.Checksum(payload, seed) }).Write(block.Bytes, seed);
        block.Bytes.AsSpan(FrameHeader.Size + header.PayloadLength, block.Length - FrameHeader.Size - header.PayloadLength).Clear();
        SHA256.HashData(block.Span, block.Leaf);
    }

    private void Pass(Block block)
    {
        digest.AddLeaf(block.Leaf);
        pass(block);
    }
}
