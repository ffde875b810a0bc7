using System.Buffers;
using System.Security.Cryptography;

namespace MessageStore.Messages;

/// <summary>A body in memory, in the caller's array or in a rented one that is given back on disposal.</summary>
internal sealed class MemoryBody : MessageBody
{
    private readonly byte[] sha256;
    private readonly ReadOnlyMemory<byte> bytes;
    private byte[]? rented;

    public MemoryBody(ReadOnlyMemory<byte> bytes, byte[]? rented)
        : this(bytes, rented, SHA256.HashData(bytes.Span))
    {
    }

    private MemoryBody(ReadOnlyMemory<byte> bytes, byte[]? rented, byte[] sha256)
    {
        this.bytes = bytes;
        this.rented = rented;
        this.sha256 = sha256;
    }

    public override long Length => bytes.Length;

    public override ReadOnlySpan<byte> Sha256 => sha256;

    public override ReadOnlyMemory<byte> Head => bytes;

    public override int Read(Span<byte> buffer, long offset)
    {
        if (offset >= bytes.Length) return 0;
        int count = (int)Math.Min(buffer.Length, bytes.Length - offset);
        bytes.Span.Slice((int)offset, count).CopyTo(buffer);
        return count;
    }

    /// <summary>A body whose SHA-256 was told: whoever uses it lets somebody compare it later.</summary>
    /// <param name="bytes">The bytes, the caller's.</param>
    /// <param name="sha256">32 bytes.</param>
    public static MemoryBody Trusting(ReadOnlyMemory<byte> bytes, byte[] sha256) => new(bytes, null, sha256);

    protected override void Dispose(bool disposing)
    {
        if (Interlocked.Exchange(ref rented, null) is { } array) ArrayPool<byte>.Shared.Return(array);
        base.Dispose(disposing);
    }
}
