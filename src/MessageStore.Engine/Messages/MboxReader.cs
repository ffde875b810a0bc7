using System.Buffers;
using System.Globalization;
using MessageStore.IO;

namespace MessageStore.Messages;

/// <summary>
/// Reads an mboxrd file (RFC 4155 with reversible quoting) of any length in bounded memory. A message begins behind a line that
/// <see cref="FromLine"/> knows and that stands at the start of the file or behind an empty line; the empty line that ends an entry is no part
/// of its message. A line that only looks a little like a From line is text. LF and CRLF files are read alike.
/// </summary>
/// <remarks>
/// The body is found by one vectorised search for <c>LF From</c>; only around a find is anything looked at byte by byte. Linear time.
/// </remarks>
/// <param name="source">The file, unpacked; stays open.</param>
/// <param name="path">Its name, for origins and errors.</param>
/// <param name="lengthLimit">Longest message in bytes; a longer one is reported and passed over.</param>
internal sealed class MboxReader(Stream source, string path, long lengthLimit = MessageBody.LengthLimit)
{
    private const int BufferLength = 256 << 10;

    /// <summary>Bytes of the message that stay in the buffer: an empty line and the start of a From line may be cut by the buffer's end.</summary>
    private const int HoldBack = 8;

    private const int FirstLook = 4 << 10;

    private readonly MboxUnquoter unquoter = new();
    private byte[] buffer = [];
    private int start;
    private int end;
    private bool atEnd;
    private bool hasEntry;
    private DateTimeOffset? nextDate;
    private long number;
    private long whole;

    /// <summary>The messages in file order. An unreadable file ends with an error that says how many messages came out whole.</summary>
    public IEnumerable<SourceItem> Read()
    {
        buffer = ArrayPool<byte>.Shared.Rent(BufferLength);
        try
        {
            if (Attempt(ReadFirstLine) is { } early) yield return early;
            while (hasEntry)
            {
                if (Attempt(ReadMessage) is { } item) yield return item;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
            buffer = [];
        }
    }

    private SourceItem? Attempt(Func<SourceItem?> read)
    {
        try
        {
            return read();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            hasEntry = false;
            return new SourceItem(SourceErrors.Unreadable(error, path, whole));
        }
    }

    private SourceItem? ReadFirstLine()
    {
        while (!atEnd && end < FirstLook) Fill();
        while (start < end && buffer[start] is (byte)'\n' or (byte)'\r') start++;
        if (start == end) return null;
        ReadOnlySpan<byte> head = buffer.AsSpan(start, end - start);
        int lineEnd = head.IndexOf((byte)'\n');
        if (!head.StartsWith("From "u8) || (lineEnd < 0 && !atEnd))
            return new SourceItem(SourceErrors.NotMail(path, "an mbox file begins with a line 'From sender date'"));
        if (lineEnd < 0) lineEnd = head.Length;
        // At the start of a file even a From line without a proper date is one.
        nextDate = FromLine.TryParse(head[..lineEnd].TrimEnd((byte)'\r'), out DateTimeOffset date) ? date : null;
        start = Math.Min(end, start + lineEnd + 1);
        hasEntry = true;
        return null;
    }

    private SourceItem? ReadMessage()
    {
        number++;
        DateTimeOffset? received = nextDate;
        string origin = string.Create(CultureInfo.InvariantCulture, $"{path}#{number}");
        using var writer = new BodyWriter(origin, lengthLimit);
        bool fresh = true;
        int search = start;
        while (true)
        {
            int found = buffer.AsSpan(search, end - search).IndexOf("\nFrom "u8);
            if (found >= 0)
            {
                int at = search + found;
                switch (Judge(at, fresh, out int bodyEnd, out int next))
                {
                    case Verdict.Separator:
                        unquoter.Write(buffer.AsSpan(start, bodyEnd - start), writer);
                        start = next;
                        return Complete(writer, received, origin);
                    case Verdict.Text:
                        search = at + 1;
                        continue;
                }
                search = at - Feed(at - HoldBack, writer, ref fresh);
            }
            else if (atEnd)
            {
                hasEntry = false;
                unquoter.Write(WithoutEmptyLine(buffer.AsSpan(start, end - start), fresh), writer);
                start = end;
                return Complete(writer, received, origin);
            }
            else
            {
                Feed(end - HoldBack, writer, ref fresh);
                search = 0;
            }
            Fill();
        }
    }

    private SourceItem? Complete(BodyWriter writer, DateTimeOffset? received, string origin)
    {
        unquoter.Complete(writer);
        try
        {
            var item = new SourceItem(new SourceMessage(writer.Complete(), received, MessageFlags.None, origin));
            whole++;
            return item;
        }
        catch (MessageStoreException error)
        {
            return new SourceItem(error);
        }
    }

    private enum Verdict
    {
        Text,
        Separator,
        NeedsMore,
    }

    /// <summary>Judges the LF at <paramref name="at"/>, which <c>From </c> follows.</summary>
    private Verdict Judge(int at, bool fresh, out int bodyEnd, out int next)
    {
        next = 0;
        bodyEnd = at;
        if (at > start && buffer[at - 1] == (byte)'\r') bodyEnd--;
        bool behindEmptyLine = bodyEnd > start ? buffer[bodyEnd - 1] == (byte)'\n' : fresh;
        if (!behindEmptyLine) return Verdict.Text;

        ReadOnlySpan<byte> rest = buffer.AsSpan(at + 1, end - at - 1);
        int lineEnd = rest[..Math.Min(rest.Length, FromLine.LengthLimit + 2)].IndexOf((byte)'\n');
        if (lineEnd < 0)
        {
            if (rest.Length > FromLine.LengthLimit) return Verdict.Text;
            if (!atEnd) return Verdict.NeedsMore;
            lineEnd = rest.Length;
        }
        if (!FromLine.TryParse(rest[..lineEnd].TrimEnd((byte)'\r'), out DateTimeOffset date)) return Verdict.Text;
        nextDate = date;
        next = Math.Min(end, at + 1 + lineEnd + 1);
        return Verdict.Separator;
    }

    private static ReadOnlySpan<byte> WithoutEmptyLine(ReadOnlySpan<byte> body, bool fresh)
    {
        int length = body.Length;
        if (length == 0 || body[length - 1] != (byte)'\n') return body;
        length--;
        if (length > 0 && body[length - 1] == (byte)'\r') length--;
        bool isEmptyLine = length > 0 ? body[length - 1] == (byte)'\n' : fresh;
        return isEmptyLine ? body[..length] : body;
    }

    /// <summary>Hands out what lies before a position and moves the rest to the buffer's start.</summary>
    /// <returns>By how many bytes everything moved.</returns>
    private int Feed(int upTo, BodyWriter writer, ref bool fresh)
    {
        if (upTo > start)
        {
            unquoter.Write(buffer.AsSpan(start, upTo - start), writer);
            start = upTo;
            fresh = false;
        }
        int moved = start;
        buffer.AsSpan(start, end - start).CopyTo(buffer);
        end -= moved;
        start = 0;
        return moved;
    }

    private void Fill()
    {
        int read = source.Read(buffer, end, buffer.Length - end);
        end += read;
        if (read == 0) atEnd = true;
    }
}
