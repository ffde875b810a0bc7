using System.Buffers;

namespace MessageStore.Messages;

/// <summary>
/// The mboxrd quoting of whole messages, and the frame around a message in an mboxrd file: a <c>From </c> line, the quoted message, an LF
/// where the message does not end with one (and is not empty), and an empty line. Given the message's length the frame is exactly reversible, whatever the
/// bytes are. <see cref="MboxQuoter"/> and <see cref="MboxUnquoter"/> do the same for messages in chunks.
/// </summary>
internal static class MboxQuoting
{
    /// <summary>Quotes a message that lies in memory.</summary>
    public static void Quote(ReadOnlySpan<byte> message, IBufferWriter<byte> destination)
    {
        var quoter = new MboxQuoter();
        quoter.Write(message, destination);
        quoter.Complete(destination);
    }

    /// <summary>Undoes <see cref="Quote"/>.</summary>
    public static void Unquote(ReadOnlySpan<byte> quoted, IBufferWriter<byte> destination)
    {
        var unquoter = new MboxUnquoter();
        unquoter.Write(quoted, destination);
        unquoter.Complete(destination);
    }

    /// <summary>What follows a quoted message: the empty line, and before it an LF where the message's last line has none.</summary>
    /// <param name="length">Length of the message in bytes.</param>
    /// <param name="lastByte">The message's last byte; any where it is empty.</param>
    public static ReadOnlySpan<byte> Terminator(long length, byte lastByte) =>
        length == 0 || lastByte == (byte)'\n' ? "\n"u8 : "\n\n"u8;

    /// <summary>Length of the longest true prefix of <c>From </c> that the bytes end with: 0 to 4.</summary>
    internal static int TailMatch(ReadOnlySpan<byte> bytes)
    {
        // No two prefixes end with the same letter, so the last byte says which one it can be.
        int length = bytes.IsEmpty ? 0 : bytes[^1] switch
        {
            (byte)'F' => 1,
            (byte)'r' => 2,
            (byte)'o' => 3,
            (byte)'m' => 4,
            _ => 0,
        };
        return length > 0 && bytes.EndsWith(MboxQuoter.From[..length]) ? length : 0;
    }
}
