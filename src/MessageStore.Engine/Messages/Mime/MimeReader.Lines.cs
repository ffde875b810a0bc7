namespace MessageStore.Messages.Mime;

/// <summary>Where a header ends, and where a uuencoded file begins and ends.</summary>
internal sealed partial class MimeReader
{
    private MimePart text = new();

    /// <summary>
    /// Collects the header that comes next, by the rules of <see cref="HeaderFields"/>: it ends with an empty line, which is taken, with a boundary around it, or with a line
    /// that is no field and begins the body.
    /// </summary>
    /// <returns><see langword="false"/> where a boundary came, so that there is no body.</returns>
    private bool ReadHead()
    {
        bool isFirst = true, isLoneCr = false;
        while (lines.Next(out ReadOnlySpan<byte> piece))
        {
            if (lines.StartsLine)
            {
                if (TryBoundary(piece)) return false;
                if (piece.Length == lines.EndLength) return true;
                bool goesOn = piece[0] is (byte)' ' or (byte)'\t' || isLoneCr;
                bool isSkipped = piece.StartsWith("From "u8) || (isFirst && piece.StartsWith(">From "u8));
                if (!goesOn && !isSkipped && !HeaderFields.IsField(piece))
                {
                    lines.Unread();
                    return true;
                }
                isFirst = false;
            }
            isLoneCr = lines.EndLength == 1 && piece[^1] == (byte)'\r';
            head.Write(piece[..Math.Min(piece.Length, limits.HeaderBytes - head.Length)]);
        }
        return true;
    }

    /// <summary>Whether a line turns from text to a uuencoded file or back; if so, the content of this part is at its end.</summary>
    private bool IsUuencodeTurn(ReadOnlySpan<byte> line)
    {
        if (state == State.Uuencoded)
        {
            bool isEnd = Uuencode.IsEnd(line);
            if (!isEnd && (line.IsEmpty || Uuencode.IsLine(line))) return false;
            if (!isEnd) lines.Unread();
            state = State.TextGoesOn;
            return true;
        }
        if (heldLength == 0) return false;
        // A sentence may begin like that, too: the line behind it decides.
        if (!Uuencode.IsLine(line) || !Uuencode.TryBegin(held.AsSpan(0, heldLength), out uuencodedName)) return false;
        lines.Unread();
        state = State.FileBegins;
        return true;
    }

    /// <summary>Holds a line back that may begin a uuencoded file.</summary>
    private bool MayBeginFile(ReadOnlySpan<byte> line)
    {
        if (state != State.Content || !Part.IsText || Part.IsHtml || Part.Encoding != TransferEncoding.Identity || parts >= limits.Parts) return false;
        if (line.Length > HeldLimit || lines.EndLength == 0 || !Uuencode.TryBegin(line, out _)) return false;
        endLength = lines.EndLength;
        heldLength = line.Length - endLength;
        line[..heldLength].CopyTo(held);
        line[heldLength..].CopyTo(end);
        return true;
    }

    /// <summary>Writes what waited for the next line.</summary>
    private int WriteHeld(Span<byte> destination, bool withEnd)
    {
        int written = heldLength + (withEnd ? endLength : 0);
        held.AsSpan(0, heldLength).CopyTo(destination);
        if (withEnd) end.AsSpan(0, endLength).CopyTo(destination[heldLength..]);
        heldLength = endLength = 0;
        return written;
    }
}
