using System.Buffers;

namespace MessageStore.Messages;

/// <summary>
/// Walks over the fields of a header (RFC 5322 §2.2), one pass, nothing copied. Lines end with LF or CRLF (also behind stray CRs), or with a lone CR
/// where what follows it begins a line of a header; other lone CRs are part of the value.
/// </summary>
/// <remarks>
/// The header ends at an empty line, at the end of the bytes, or at a line that is no field: whoever forgot the empty line has begun the body there.
/// Lines that begin <c>From </c> or, at the very start, <c>&gt;From </c> are left-overs of mbox files and skipped.
/// </remarks>
internal ref struct HeaderFields(ReadOnlySpan<byte> head)
{
    /// <summary>Longest field name, in bytes: the longest line there may be (RFC 5322 §2.1.1).</summary>
    private const int NameLimit = 998;

    /// <summary>How far a field name is looked for behind a lone CR.</summary>
    private const int ShortNameLimit = 76;

    private static readonly SearchValues<byte> LineEnds = SearchValues.Create("\r\n"u8);

    private readonly ReadOnlySpan<byte> head = head;
    private int position;

    /// <summary>How the header ended; meaningful once <see cref="Next"/> has returned <see langword="false"/>.</summary>
    public HeaderEnd End { get; private set; }

    /// <summary>Takes the next field.</summary>
    /// <param name="name">Its name, as written.</param>
    /// <param name="value">What follows the colon, folds and all, without the last line end.</param>
    public bool Next(out ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value)
    {
        name = value = default;
        while (true)
        {
            ReadOnlySpan<byte> rest = head[position..];
            if (rest.IsEmpty) return Stop(HeaderEnd.Bytes);
            if (rest[0] is (byte)'\r' or (byte)'\n') return Stop(HeaderEnd.EmptyLine);
            int colon = NameLength(rest, NameLimit);
            if (colon > 0)
            {
                name = rest[..colon].TrimEnd(" \t"u8);
                int start = position + colon + 1;
                position = start;
                SkipLine(out int end);
                while (position < head.Length && head[position] is (byte)' ' or (byte)'\t') SkipLine(out end);
                value = head[start..end];
                return true;
            }
            bool skip = rest.StartsWith("From "u8) || (position == 0 && (rest[0] is (byte)' ' or (byte)'\t' || rest.StartsWith(">From "u8)));
            if (!skip) return Stop(HeaderEnd.NoField);
            SkipLine(out _);
        }
    }

    /// <summary>Whether a line begins a field.</summary>
    public static bool IsField(ReadOnlySpan<byte> line) => NameLength(line, NameLimit) > 0;

    private bool Stop(HeaderEnd end)
    {
        End = end;
        return false;
    }

    /// <summary>Where the colon stands that ends a field name; 0 where no field begins.</summary>
    private static int NameLength(ReadOnlySpan<byte> line, int limit)
    {
        ReadOnlySpan<byte> look = line[..Math.Min(line.Length, limit + 1)];
        int length = look.IndexOfAnyExceptInRange((byte)'!', (byte)'~');
        int colon = (length < 0 ? look : look[..length]).IndexOf((byte)':');
        if (colon >= 0) return colon;
        if (length <= 0) return 0;
        // Obsolete syntax (§4.5): white space before the colon.
        int at = length;
        while (at < look.Length && look[at] is (byte)' ' or (byte)'\t') at++;
        return at < look.Length && look[at] == (byte)':' ? at : 0;
    }

    /// <summary>Moves to the next line and says where this one ends.</summary>
    private void SkipLine(out int end)
    {
        while (true)
        {
            int found = head[position..].IndexOfAny(LineEnds);
            if (found < 0)
            {
                end = position = head.Length;
                return;
            }
            end = position + found;
            position = end + 1;
            if (head[end] == (byte)'\n') return;
            int run = head[position..].IndexOfAnyExcept((byte)'\r');
            int behind = run < 0 ? head.Length : position + run;
            if (behind < head.Length && head[behind] == (byte)'\n')
            {
                position = behind + 1;
                return;
            }
            // A lone CR, or several: the second of them would be an empty line.
            if (behind > position || behind == head.Length) return;
            if (head[position] is (byte)' ' or (byte)'\t' || NameLength(head[position..], ShortNameLimit) > 0) return;
        }
    }
}

/// <summary>What a header ended with.</summary>
internal enum HeaderEnd
{
    /// <summary>An empty line, as it should.</summary>
    EmptyLine,
    /// <summary>The bytes were all.</summary>
    Bytes,
    /// <summary>A line that is no field.</summary>
    NoField,
}
