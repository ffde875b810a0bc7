using MessageStore.IO;

namespace MessageStore.Archiving;

/// <summary>
/// What a deflate stream is read from: so many bytes, of which the last is handed out by itself. The platform's reader takes a stream that was never ended for one that was; here its end shows, since whoever has
/// ended asks for nothing more, and whoever ended early has not asked for the last byte. Other readers (<c>zcat</c>, RFC 1952 §2.3) look for the trailer where the deflate stream ends, and find nothing behind it otherwise.
/// Forward only, not thread-safe; disposes what it reads from.
/// </summary>
/// <param name="source">Where the bytes come from.</param>
/// <param name="length">How many of them are the deflate stream's; at least one.</param>
internal sealed class DeflateSource(Stream source, long length) : ReadStream
{
    private long left = length;
    private bool askedBeyond;

    /// <summary>Whether the deflate stream ended with the last byte. To be asked once the reader says that there is no more.</summary>
    public bool IsUsedUp => left == 0 && !askedBeyond;

    public override int Read(Span<byte> target)
    {
        if (target.IsEmpty) return 0;
        askedBeyond |= left == 0;
        int read = source.Read(target[..(int)Math.Min(target.Length, left > 1 ? left - 1 : left)]);
        left -= read;
        return read;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing) source.Dispose();
        base.Dispose(disposing);
    }
}
