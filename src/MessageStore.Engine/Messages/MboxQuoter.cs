using System.Buffers;

namespace MessageStore.Messages;

/// <summary>
/// Quotes a message for an mboxrd file: a line of the form <c>^&gt;*From </c> gets one more <c>&gt;</c>. Takes the message in chunks of any
/// size; what it decides does not depend on where the chunks end. A line ends with LF, so a CRLF message is quoted as an LF one is.
/// </summary>
/// <remarks>
/// Since the <c>&gt;</c> may as well be put in just before <c>From </c>, at most four bytes (<c>From</c>) are ever held back. Time is linear: the common
/// chunk is one vectorised search. Not thread-safe; one object quotes any number of messages, one after the other.
/// </remarks>
internal sealed class MboxQuoter
{
    private bool inPrefix = true;
    private int matched;

    internal static ReadOnlySpan<byte> From => "From "u8;

    /// <summary>Quotes the next chunk of the message.</summary>
    public void Write(ReadOnlySpan<byte> chunk, IBufferWriter<byte> destination) => Write(chunk, new BufferSink(destination));

    /// <inheritdoc cref="Write(ReadOnlySpan{byte}, IBufferWriter{byte})"/>
    public void Write(ReadOnlySpan<byte> chunk, Stream destination) => Write(chunk, new StreamSink(destination));

    /// <inheritdoc cref="Write(ReadOnlySpan{byte}, IBufferWriter{byte})"/>
    public void Write<TSink>(ReadOnlySpan<byte> chunk, TSink sink)
        where TSink : IByteSink
    {
        ReadOnlySpan<byte> rest = FinishPrefix(chunk, sink);
        if (rest.IsEmpty) return;

        // From here on the span begins inside a line, so a line can only begin after an LF that lies in it.
        int written = 0;
        int search = 0;
        while (rest[search..].IndexOf(From) is int found and >= 0)
        {
            int at = search + found;
            if (BeginsLine(rest, at))
            {
                sink.Write(rest[written..at]);
                sink.Write(">"u8);
                written = at;
            }
            search = at + From.Length;
        }

        matched = MboxQuoting.TailMatch(rest);
        inPrefix = BeginsLine(rest, rest.Length - matched);
        if (!inPrefix) matched = 0;
        sink.Write(rest[written..^matched]);
    }

    /// <summary>Ends the message: hands out what is held back and is ready for the next one.</summary>
    public void Complete(IBufferWriter<byte> destination) => Complete(new BufferSink(destination));

    /// <inheritdoc cref="Complete(IBufferWriter{byte})"/>
    public void Complete(Stream destination) => Complete(new StreamSink(destination));

    /// <inheritdoc cref="Complete(IBufferWriter{byte})"/>
    public void Complete<TSink>(TSink sink)
        where TSink : IByteSink
    {
        if (matched > 0) sink.Write(From[..matched]);
        matched = 0;
        inPrefix = true;
    }

    private ReadOnlySpan<byte> FinishPrefix<TSink>(ReadOnlySpan<byte> chunk, TSink sink)
        where TSink : IByteSink
    {
        int index = 0;
        while (inPrefix && index < chunk.Length)
        {
            if (matched == 0 && chunk[index] == (byte)'>')
            {
                int run = chunk[index..].IndexOfAnyExcept((byte)'>');
                if (run < 0) run = chunk.Length - index;
                sink.Write(chunk.Slice(index, run));
                index += run;
            }
            else if (chunk[index] == From[matched])
            {
                index++;
                if (++matched < From.Length) continue;
                sink.Write(">From "u8);
                matched = 0;
                inPrefix = false;
            }
            else
            {
                sink.Write(From[..matched]);
                matched = 0;
                inPrefix = false;
            }
        }
        return chunk[index..];
    }

    private static bool BeginsLine(ReadOnlySpan<byte> bytes, int at)
    {
        while (at > 0 && bytes[at - 1] == (byte)'>') at--;
        return at > 0 && bytes[at - 1] == (byte)'\n';
    }
}
