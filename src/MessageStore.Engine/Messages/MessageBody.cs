namespace MessageStore.Messages;

/// <summary>
/// The raw bytes of one message on their way into the store: in memory up to <see cref="MemoryLimit"/>, in a temporary file
/// beyond it, so that a 150 MB message costs no more memory than a small one. Length and SHA-256 are known before the first byte is stored.
/// </summary>
public abstract class MessageBody : IDisposable
{
    /// <summary>Bodies up to this many bytes (1 MiB) stay in memory and travel in one frame.</summary>
    public const int MemoryLimit = 1 << 20;

    /// <summary>How many bytes from the start the header reader gets to see (256 KiB).</summary>
    public const int HeadLimit = 256 << 10;

    /// <summary>The largest message there may be: 2 GiB - 1 bytes.</summary>
    public const long LengthLimit = int.MaxValue;

    /// <summary>Length in bytes, 0 to <see cref="LengthLimit"/>.</summary>
    public abstract long Length { get; }

    /// <summary>SHA-256 of all bytes, 32 bytes.</summary>
    public abstract ReadOnlySpan<byte> Sha256 { get; }

    /// <summary>The whole body where it lies in memory, otherwise its first <see cref="HeadLimit"/> bytes.</summary>
    public abstract ReadOnlyMemory<byte> Head { get; }

    /// <summary>Whether <see cref="Head"/> is the whole body.</summary>
    public bool IsInMemory => Head.Length == Length;

    /// <summary>Reads up to <c>buffer.Length</c> bytes at <paramref name="offset"/>; 0 at the end. May return fewer.</summary>
    public abstract int Read(Span<byte> buffer, long offset);

    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Gives back the pooled buffer or deletes the temporary file.</summary>
    protected virtual void Dispose(bool disposing)
    {
    }

    /// <summary>A body over bytes that the caller keeps unchanged until the body is disposed.</summary>
    public static MessageBody FromMemory(ReadOnlyMemory<byte> bytes) => new MemoryBody(bytes, null);
}
