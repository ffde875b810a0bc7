using System.Buffers;

namespace MessageStore.Messages;

/// <summary>
/// Undoes <see cref="MboxQuoter"/>: a line of the form <c>^&gt;+From </c> loses one <c>&gt;</c>. Takes the quoted message in chunks of any size.
/// </summary>
/// <remarks>
/// As all the <c>&gt;</c> are alike, one of them and at most four bytes more are held back, however many there are. Not thread-safe; one object
/// serves any number of messages, one after the other.
/// </remarks>
internal sealed class MboxUnquoter
{
    private bool inPrefix = true;
    private bool holdsQuote;
    private int matched;

    private static ReadOnlySpan<byte> From => MboxQuoter.From;

    /// <summary>Unquotes the next chunk of the message.</summary>
    public void Write(ReadOnlySpan<byte> chunk, IBufferWriter<byte> destination) => Write(chunk, new BufferSink(destination));

    /// <inheritdoc cref="Write(ReadOnlySpan{byte}, IBufferWriter{byte})"/>
    public void Write(ReadOnlySpan<byte> chunk, Stream destination) => Write(chunk, new StreamSink(destination));

    /// <inheritdoc cref="Write(ReadOnlySpan{byte}, IBufferWriter{byte})"/>
    public void Write<TSink>(ReadOnlySpan<byte> chunk, TSink sink)
        where TSink : IByteSink
    {
        ReadOnlySpan<byte> rest = FinishPrefix(chunk, sink);
        if (rest.IsEmpty) return;

        int written = 0;
        int search = 0;
        while (rest[search..].IndexOf(">From "u8) is int found and >= 0)
        {
            int at = search + found;
            if (LineBegin(rest, at) >= 0)
            {
                sink.Write(rest[written..at]);
                written = at + 1;
            }
            search = at + 1 + From.Length;
        }

        matched = MboxQuoting.TailMatch(rest);
        int begin = LineBegin(rest, rest.Length - matched);
        holdsQuote = begin >= 0 && begin < rest.Length - matched;
        inPrefix = holdsQuote || begin == rest.Length;
        if (!holdsQuote) matched = 0;
        sink.Write(rest[written..(rest.Length - matched - (holdsQuote ? 1 : 0))]);
    }

    /// <summary>Ends the message: hands out what is held back and is ready for the next one.</summary>
    public void Complete(IBufferWriter<byte> destination) => Complete(new BufferSink(destination));

    /// <inheritdoc cref="Complete(IBufferWriter{byte})"/>
    public void Complete(Stream destination) => Complete(new StreamSink(destination));

    /// <inheritdoc cref="Complete(IBufferWriter{byte})"/>
    public void Complete<TSink>(TSink sink)
        where TSink : IByteSink
    {
        Release(sink);
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
                sink.Write(chunk.Slice(index, holdsQuote ? run : run - 1));
                holdsQuote = true;
                index += run;
            }
            else if (holdsQuote && chunk[index] == From[matched])
            {
                index++;
                if (++matched < From.Length) continue;
                sink.Write(From);
                matched = 0;
                holdsQuote = false;
                inPrefix = false;
            }
            else
            {
                Release(sink);
                inPrefix = false;
            }
        }
        return chunk[index..];
    }

    private void Release<TSink>(TSink sink)
        where TSink : IByteSink
    {
        if (holdsQuote) sink.Write(">"u8);
        if (matched > 0) sink.Write(From[..matched]);
        holdsQuote = false;
        matched = 0;
    }

    /// <summary>Where the run of <c>&gt;</c> that ends before <paramref name="at"/> begins, if it begins a line; else -1.</summary>
    private static int LineBegin(ReadOnlySpan<byte> bytes, int at)
    {
        while (at > 0 && bytes[at - 1] == (byte)'>') at--;
        return at > 0 && bytes[at - 1] == (byte)'\n' ? at : -1;
    }
}
