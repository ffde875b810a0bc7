using System.Buffers;
using System.Text;
using MessageStore.IO;

namespace MessageStore.Messages.Mime;

/// <summary>
/// Takes a message apart, one pass over its stream, bounded memory whatever its length: each part's header, then its content decoded. Never fails on content: what
/// is broken is read as far as it goes (docs/messages.md, "MIME"). Errors of the stream come through. Not thread-safe.
/// </summary>
/// <remarks>Files that uuencode put into the middle of a text are parts of their own; the text behind one is a part again.</remarks>
internal sealed partial class MimeReader : IDisposable
{
    /// <summary>Decoded content is handed out in pieces of up to this many bytes.</summary>
    private const int OutputLength = 32 << 10;

    /// <summary>Longest line that may begin a uuencoded file and so waits for the next.</summary>
    private const int HeldLimit = 1 << 10;

    /// <summary>Room that decoding a piece needs: what waits, and an escape that was cut in two.</summary>
    private const int PieceRoom = LineSource.PieceLimit + HeldLimit + 16;

    /// <summary>Longest piece of content, in bytes.</summary>
    public const int LongestPiece = OutputLength + PieceRoom;

    private readonly LineSource lines;
    private readonly MimeLimits limits;
    private readonly PooledBuffer head = new(4 << 10);
    private readonly byte[] end = new byte[8];
    private readonly byte[] held = new byte[HeldLimit];
    private readonly List<Enclosing> enclosing = [];
    private byte[] output = ArrayPool<byte>.Shared.Rent(LongestPiece);
    private State state = State.Header;
    private ContentDecoder decoder;
    private int parts;
    private int endLength;
    private int heldLength;
    private int depth;
    private int messageParent = -1;
    private string uuencodedName = "";

    /// <param name="message">The raw message from its start; stays open.</param>
    public MimeReader(Stream message, MimeLimits? limits = null)
    {
        lines = new LineSource(message);
        this.limits = limits ?? MimeLimits.Default;
    }

    private enum State
    {
        /// <summary>A header comes next.</summary>
        Header,
        /// <summary>Inside the content of a leaf.</summary>
        Content,
        /// <summary>Inside a file in the middle of a text.</summary>
        Uuencoded,
        /// <summary>Before, between or behind parts: everything up to the next boundary belongs to nobody.</summary>
        Between,
        /// <summary>A uuencoded file begins.</summary>
        FileBegins,
        /// <summary>A uuencoded file has ended, the text goes on.</summary>
        TextGoesOn,
        Ended,
    }

    /// <summary>The part that was read last.</summary>
    public MimePart Part { get; private set; } = new();

    /// <summary>Raw header of the part that was read last, valid until the next is read; empty for a part without one.</summary>
    public ReadOnlySpan<byte> Head => head.Span;

    /// <summary>Moves to the next part, passing over what was not read of this one's content.</summary>
    /// <returns><see langword="false"/> where there is none.</returns>
    public bool Read()
    {
        while (state is State.Content or State.Uuencoded) NextContent();
        if (state == State.Between) SkipToBoundary();
        head.Truncate(0);
        switch (state)
        {
            case State.Header:
                BeginEntity();
                return true;
            case State.FileBegins:
                BeginLeaf(new MimePart
                {
                    Parent = Part.Parent, Depth = Part.Depth, MediaType = "application/octet-stream", Encoding = TransferEncoding.Uuencode, FileName = uuencodedName, IsAttachment = true,
                });
                state = State.Uuencoded;
                return true;
            case State.TextGoesOn:
                BeginLeaf(text with { IsContinuation = true, FileName = "" });
                state = State.Content;
                return true;
            default:
                return false;
        }
    }

    /// <summary>The next piece of the leaf's content, decoded, valid until the next call; empty at its end.</summary>
    /// <exception cref="IOException">The stream failed, as it says it.</exception>
    public ReadOnlySpan<byte> NextContent()
    {
        int written = 0;
        while (written < OutputLength && state is State.Content or State.Uuencoded)
        {
            if (!lines.Next(out ReadOnlySpan<byte> piece))
            {
                // The last line end is content where no boundary follows it.
                written += WriteHeld(output.AsSpan(written), withEnd: true);
                state = State.Ended;
                break;
            }
            if (lines.StartsLine)
            {
                if (TryBoundary(piece))
                {
                    written += WriteHeld(output.AsSpan(written), withEnd: false);
                    break;
                }
                if (IsUuencodeTurn(piece[..^lines.EndLength])) break;
            }
            written += WriteHeld(output.AsSpan(written), withEnd: true);
            if (lines.StartsLine && MayBeginFile(piece)) continue;
            written += decoder.Decode(piece, lines.EndLength, output.AsSpan(written), out endLength);
            // A line end before a boundary is part of the boundary (RFC 2046 §5.1.1), so it waits until the next line is known.
            written -= endLength;
            output.AsSpan(written, endLength).CopyTo(end);
        }
        return output.AsSpan(0, written);
    }

    public void Dispose()
    {
        lines.Dispose();
        head.Dispose();
        byte[] old = output;
        output = [];
        if (old.Length > 0) ArrayPool<byte>.Shared.Return(old);
    }

    private void BeginEntity()
    {
        int parent = messageParent >= 0 ? messageParent : enclosing.Count > 0 ? enclosing[^1].Number : -1;
        string around = messageParent < 0 && enclosing.Count > 0 ? enclosing[^1].MediaType : "";
        int here = depth;
        messageParent = -1;
        bool hasBody = ReadHead();
        MimeHead found = MimeHead.Read(head.Span, around);
        MimePart part = found.Part with { Number = parts, Parent = parent, Depth = here };
        bool mayHold = hasBody && here < limits.Depth && parts < limits.Parts;
        if (part.Kind == MimePartKind.Multipart && mayHold && found.Boundary.Length > 0)
        {
            enclosing.Add(new Enclosing(found.Boundary, parts, part.MediaType, here));
            depth++;
            state = State.Between;
        }
        else if (part.Kind == MimePartKind.Message && mayHold && limits.OpensMessages && part.Encoding is TransferEncoding.Identity or TransferEncoding.QuotedPrintable)
        {
            messageParent = parts;
            depth++;
        }
        else
        {
            // Without a body the boundary behind the header has moved us on already.
            if (hasBody) state = State.Content;
            BeginLeaf(part with { Kind = MimePartKind.Leaf, MediaType = part.Kind == MimePartKind.Multipart ? MimeHead.TextPlain : part.MediaType });
            return;
        }
        Part = part;
        parts++;
    }

    private void BeginLeaf(MimePart part)
    {
        Part = part with { Number = parts++ };
        if (part.IsText) text = Part;
        decoder = new ContentDecoder(part.Encoding);
        endLength = heldLength = 0;
    }

    private void SkipToBoundary()
    {
        while (state == State.Between)
        {
            if (!lines.Next(out ReadOnlySpan<byte> piece)) state = State.Ended;
            else if (lines.StartsLine) TryBoundary(piece);
        }
    }

    /// <summary>Whether a line is the boundary of a multipart around us; if so, moves there. One around the innermost ends those within.</summary>
    private bool TryBoundary(ReadOnlySpan<byte> line)
    {
        if (enclosing.Count == 0 || !line.StartsWith("--"u8)) return false;
        ReadOnlySpan<byte> found = line[2..].TrimEnd(" \t\r\n"u8);
        for (int level = enclosing.Count - 1; level >= 0; level--)
        {
            byte[] boundary = enclosing[level].Boundary;
            if (!found.StartsWith(boundary)) continue;
            ReadOnlySpan<byte> rest = found[boundary.Length..];
            if (!rest.IsEmpty && !rest.SequenceEqual("--"u8)) continue;
            bool closes = !rest.IsEmpty;
            depth = enclosing[level].Depth + (closes ? 0 : 1);
            enclosing.RemoveRange(closes ? level : level + 1, enclosing.Count - (closes ? level : level + 1));
            // Too many parts: the rest belongs to nobody.
            state = closes || parts >= limits.Parts ? State.Between : State.Header;
            messageParent = -1;
            return true;
        }
        return false;
    }

    private readonly record struct Enclosing(byte[] Boundary, int Number, string MediaType, int Depth);
}
