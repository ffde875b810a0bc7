namespace MessageStore.Messages;

/// <summary>
/// Gives the inflater its input in pieces that end where another member may begin, and remembers the last piece. So a member's end always
/// lies in the last piece, and the next member behind it.
/// </summary>
internal sealed class GzipInput(Stream source) : Stream
{
    /// <summary>Magic and method of a member (RFC 1952 §2.3.1).</summary>
    private static ReadOnlySpan<byte> Start => [0x1F, 0x8B, 0x08];

    /// <summary>Offset of the last piece in the file.</summary>
    public long LastRead { get; private set; }

    /// <summary>Length of the last piece in bytes.</summary>
    public int LastLength { get; private set; }

    /// <summary>Whether the inflater asked for more than the file has.</summary>
    public bool ReachedEnd { get; private set; }

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    /// <summary>Forgets the pieces of the member before.</summary>
    public void Begin() => (LastRead, LastLength, ReachedEnd) = (source.Position, 0, false);

    public override int Read(Span<byte> buffer)
    {
        long position = source.Position;
        int read = source.Read(buffer);
        ReachedEnd = read == 0;
        if (read == 0) return 0;
        int next = read > 1 ? MemberStart(buffer[1..read]) : -1;
        if (next >= 0)
        {
            read = next + 1;
            source.Position = position + read;
        }
        (LastRead, LastLength) = (position, read);
        return read;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    /// <summary>Where the first three bytes of a member stand, or those of them that the piece still holds; -1 where they do not.</summary>
    private static int MemberStart(ReadOnlySpan<byte> piece)
    {
        int start = piece.IndexOf(Start);
        if (start >= 0) return start;
        for (int length = Math.Min(Start.Length - 1, piece.Length); length > 0; length--)
        {
            if (piece.EndsWith(Start[..length])) return piece.Length - length;
        }
        return -1;
    }
}
