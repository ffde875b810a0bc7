using System.Buffers;

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

    private const int ChunkLength = 64 << 10;

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

    /// <summary>Reads a stream to its end. Memory is bounded whatever its length.</summary>
    /// <param name="stream">The raw message; stays open.</param>
    /// <param name="origin">Where it comes from, for error messages.</param>
    /// <param name="cancellationToken">Ends the reading; nothing is left behind.</param>
    /// <exception cref="MessageStoreException">
    /// MessageTooLarge; DiskFull, AccessDenied or DeviceFailed where the temporary file cannot be written.
    /// </exception>
    public static async Task<MessageBody> FromStreamAsync(
        Stream stream, string origin = "The message", CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(stream);
        byte[] chunk = ArrayPool<byte>.Shared.Rent(ChunkLength);
        using var writer = new BodyWriter(origin);
        try
        {
            while (await stream.ReadAsync(chunk, cancellationToken).ConfigureAwait(false) is int read and > 0) writer.Write(chunk.AsSpan(0, read));
            return writer.Complete();
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(chunk);
        }
    }

    /// <inheritdoc cref="FromStreamAsync"/>
    public static MessageBody FromStream(Stream stream, string origin = "The message") => FromStream(stream, origin, LengthLimit);

    internal static MessageBody FromStream(Stream stream, string origin, long lengthLimit)
    {
        ArgumentNullException.ThrowIfNull(stream);
        byte[] chunk = ArrayPool<byte>.Shared.Rent(ChunkLength);
        using var writer = new BodyWriter(origin, lengthLimit);
        try
        {
            while (stream.Read(chunk) is int read and > 0) writer.Write(chunk.AsSpan(0, read));
            return writer.Complete();
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(chunk);
        }
    }

    /// <summary>A body over bytes that the caller keeps unchanged until the body is disposed.</summary>
    public static MessageBody FromMemory(ReadOnlyMemory<byte> bytes) => new MemoryBody(bytes, null);
}
