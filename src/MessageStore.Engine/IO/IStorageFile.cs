namespace MessageStore.IO;

/// <summary>An open file of an <see cref="IStorage"/>: positioned reads and writes in bytes, no alignment required, no shared cursor.</summary>
public interface IStorageFile : IDisposable
{
    string Path { get; }

    /// <summary>Length in bytes as of now.</summary>
    long Length { get; }

    /// <summary>Reads up to <c>buffer.Length</c> bytes at <paramref name="offset"/>; 0 at or past the end. May return fewer.</summary>
    int Read(Span<byte> buffer, long offset);

    /// <summary>Writes all of <paramref name="buffer"/> at <paramref name="offset"/>, growing the file where needed.</summary>
    void Write(ReadOnlySpan<byte> buffer, long offset);

    /// <summary>Returns only when everything written so far would survive a loss of power. A file that somebody has deleted meanwhile is an error, where the system can tell.</summary>
    void Flush();

    void SetLength(long length);

    /// <summary>Asks the system to begin writing out a stretch. A hint: nothing is promised, nothing is waited for, and no error is reported that <see cref="Flush"/> will not.</summary>
    void BeginFlush(long offset, long length)
    {
    }

    /// <summary>
    /// Tells the system that nobody will read a stretch soon, so that it need not keep it in memory, where it would take the place of what users read. A hint: whole pages only, and
    /// what is not written out yet stays.
    /// </summary>
    void DropCache(long offset, long length)
    {
    }

    /// <summary>
    /// From now on, writes through this file may go to the disk past the system's cache. They are to be of whole blocks of 4,096 bytes that begin at multiples of that in the file
    /// and in memory, and still need a flush. A hint: on a disk that cannot, and from the first write or read on that is not of such blocks, the cache is used as ever.
    /// </summary>
    void BypassCache()
    {
    }

    /// <summary>How many bytes of a stretch the system has in memory.</summary>
    /// <returns><see langword="null"/> where it does not say.</returns>
    long? CachedBytes(long offset, long length) => null;
}

/// <summary>Reads that must be whole.</summary>
public static class StorageFileExtensions
{
    /// <summary>Fills <paramref name="buffer"/> as far as the file reaches.</summary>
    /// <returns>The number of bytes read: less than asked for only at the end of the file.</returns>
    public static int ReadFully(this IStorageFile file, Span<byte> buffer, long offset)
    {
        int total = 0;
        while (total < buffer.Length)
        {
            int read = file.Read(buffer[total..], offset + total);
            if (read == 0) break;
            total += read;
        }
        return total;
    }
}
