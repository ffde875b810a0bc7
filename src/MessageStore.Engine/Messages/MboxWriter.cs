using System.Buffers;

namespace MessageStore.Messages;

/// <summary>
/// Writes messages to an mboxrd file. Memory is bounded whatever a message's length is. The frame around a message is
/// <see cref="MboxQuoting"/>'s. Not thread-safe; the stream stays open.
/// </summary>
public sealed class MboxWriter(Stream destination)
{
    private const int ChunkLength = 64 << 10;

    /// <summary>Writes a message that lies in memory.</summary>
    /// <param name="message">The raw bytes.</param>
    /// <param name="sender">A <c>From</c> field or an address for the From line; <see langword="null"/> where there is none.</param>
    /// <param name="received">Date for the From line, written in UTC, to the second.</param>
    public void Write(ReadOnlySpan<byte> message, string? sender, DateTimeOffset received)
    {
        destination.Write(FromLine.Format(sender, received));
        var quoter = new MboxQuoter();
        quoter.Write(message, destination);
        quoter.Complete(destination);
        destination.Write(MboxQuoting.Terminator(message.Length, message.IsEmpty ? default : message[^1]));
    }

    /// <summary>Writes the message that a stream holds, from its position to its end.</summary>
    /// <returns>Length of the message in bytes, unquoted.</returns>
    public async Task<long> WriteAsync(Stream message, string? sender, DateTimeOffset received, CancellationToken cancellationToken = default)
    {
        byte[] chunk = ArrayPool<byte>.Shared.Rent(ChunkLength);
        var quoted = new ArrayBufferWriter<byte>(ChunkLength + ChunkLength / 8);
        var quoter = new MboxQuoter();
        try
        {
            quoted.Write(FromLine.Format(sender, received));
            long length = 0;
            byte last = 0;
            while (await message.ReadAsync(chunk, cancellationToken).ConfigureAwait(false) is int read and > 0)
            {
                length += read;
                last = chunk[read - 1];
                quoter.Write(chunk.AsSpan(0, read), quoted);
                await destination.WriteAsync(quoted.WrittenMemory, cancellationToken).ConfigureAwait(false);
                quoted.ResetWrittenCount();
            }
            quoter.Complete(quoted);
            quoted.Write(MboxQuoting.Terminator(length, last));
            await destination.WriteAsync(quoted.WrittenMemory, cancellationToken).ConfigureAwait(false);
            return length;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(chunk);
        }
    }
}
