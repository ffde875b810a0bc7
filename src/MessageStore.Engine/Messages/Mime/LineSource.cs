using System.Buffers;

namespace MessageStore.Messages.Mime;

/// <summary>
/// The lines of a stream, one pass, bounded memory. A line ends with LF, with CRLF (also behind stray CRs) or with a lone CR, and its end is part of it. Lines longer
/// than <see cref="PieceLimit"/> come in pieces. Not thread-safe.
/// </summary>
internal sealed class LineSource(Stream stream) : IDisposable
{
    /// <summary>Longest piece, in bytes; no line of a header's or boundary's kind is longer (RFC 5322 §2.1.1).</summary>
    public const int PieceLimit = 8 << 10;

    private const int BufferLength = 64 << 10;

    /// <summary>How many CRs may stand before an LF and be one line end with it.</summary>
    private const int StrayCrLimit = 4;

    private static readonly SearchValues<byte> LineEnds = SearchValues.Create("\r\n"u8);

    private byte[] buffer = ArrayPool<byte>.Shared.Rent(BufferLength);
    private int start;
    private int filled;
    private int last;
    private bool lastStarts;
    private bool isEnded;
    private bool atLineStart = true;

    /// <summary>Whether the piece that was read last begins a line.</summary>
    public bool StartsLine { get; private set; }

    /// <summary>Length of the line end at the end of the piece that was read last; 0 where the line goes on or the stream ended.</summary>
    public int EndLength { get; private set; }

    /// <summary>Reads the next piece, valid until the next call.</summary>
    /// <returns><see langword="false"/> at the end of the stream.</returns>
    public bool Next(out ReadOnlySpan<byte> piece)
    {
        int end = Find();
        last = start;
        lastStarts = atLineStart;
        piece = buffer.AsSpan(start, end - start);
        StartsLine = atLineStart;
        if (piece.IsEmpty) return false;
        atLineStart = EndLength > 0;
        start = end;
        return true;
    }

    /// <summary>Gives back the piece that was read last: it comes again. Only the last, and only once.</summary>
    public void Unread()
    {
        start = last;
        atLineStart = lastStarts;
    }

    public void Dispose()
    {
        byte[] old = buffer;
        buffer = [];
        if (old.Length > 0) ArrayPool<byte>.Shared.Return(old);
    }

    /// <summary>Where the next piece ends.</summary>
    private int Find()
    {
        int searched = 0;
        while (true)
        {
            int reach = Math.Min(filled - start, PieceLimit);
            int found = buffer.AsSpan(start + searched, reach - searched).IndexOfAny(LineEnds);
            if (found >= 0)
            {
                int at = start + searched + found;
                if (buffer[at] == (byte)'\n') return EndOf(at, 1);
                int crs = 1;
                while (crs < StrayCrLimit && at + crs < filled && buffer[at + crs] == (byte)'\r') crs++;
                if (at + crs < filled) return buffer[at + crs] == (byte)'\n' ? EndOf(at, crs + 1) : EndOf(at, 1);
                int offset = at - start;
                if (!Fill()) return EndOf(start + offset, 1);
                searched = offset;
                continue;
            }
            if (reach == PieceLimit || !Fill())
            {
                EndLength = 0;
                return start + Math.Min(filled - start, PieceLimit);
            }
            searched = reach;
        }
    }

    private int EndOf(int at, int length)
    {
        EndLength = length;
        return at + length;
    }

    /// <summary>Reads more, moving what is not read yet to the front where the buffer is full.</summary>
    private bool Fill()
    {
        if (isEnded) return false;
        if (filled == buffer.Length)
        {
            buffer.AsSpan(start, filled - start).CopyTo(buffer);
            filled -= start;
            start = 0;
        }
        int read = stream.Read(buffer.AsSpan(filled));
        isEnded = read == 0;
        filled += read;
        return !isEnded;
    }
}
