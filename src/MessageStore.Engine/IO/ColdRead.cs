namespace MessageStore.IO;

/// <summary>
/// Reads a file from front to back and leaves the system's cache as it was: what users have been reading stays in memory, and what was brought in for this reading alone goes again, instead of
/// driving out the mail that they read.
/// </summary>
internal sealed class ColdRead(IStorageFile file)
{
    /// <summary>Bytes that are looked at together: many times what the system reads ahead by itself, which must not be taken for somebody's.</summary>
    private const long Stretch = 8 << 20;

    /// <summary>A stretch of which less than this part is in memory is nobody's.</summary>
    private const int Share = 16;

    private long begin;
    private long end;
    private bool isCold;

    /// <summary>Fills <paramref name="buffer"/> as far as the file reaches.</summary>
    /// <returns>The number of bytes read: less than asked for only at the end of the file.</returns>
    public int ReadFully(Span<byte> buffer, long offset)
    {
        if (offset >= end || offset < begin)
        {
            LetGo();
            (begin, end) = (offset, offset + Math.Min(Stretch, Math.Max(0, file.Length - offset)));
            isCold = file.CachedBytes(begin, end - begin) * Share < end - begin;
        }
        return file.ReadFully(buffer, offset);
    }

    /// <summary>The last stretch was read too.</summary>
    public void LetGo()
    {
        if (isCold) file.DropCache(begin, end - begin);
        isCold = false;
    }
}
