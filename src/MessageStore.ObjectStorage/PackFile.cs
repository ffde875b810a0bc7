using MessageStore.IO;

namespace MessageStore.ObjectStorage;

/// <summary>
/// A stretch of a pack that was fetched, at the offsets that it has in the pack: what reads archive files reads it. In memory, or in a spool file where it is large.
/// </summary>
/// <param name="path">What people call the pack.</param>
/// <param name="start">Where in the pack the stretch begins.</param>
/// <param name="memory">Room for the stretch; <see langword="null"/> where there is a spool file.</param>
/// <param name="spool">The spool file; disposed with this.</param>
internal sealed class PackFile(string path, long start, byte[]? memory, SpoolFile? spool) : IStorageFile
{
    public string Path => path;

    /// <summary>Where in the pack the stretch ends, as far as it was fetched.</summary>
    public long Length => start + Count;

    /// <summary>Bytes fetched.</summary>
    public long Count { get; private set; }

    public int Read(Span<byte> buffer, long offset)
    {
        if (offset < start || offset >= Length) return 0;
        int count = (int)Math.Min(buffer.Length, Length - offset);
        if (spool is not null) return spool.File.Read(buffer[..count], offset - start);
        memory.AsSpan((int)(offset - start), count).CopyTo(buffer);
        return count;
    }

    /// <summary>Takes the next bytes of the stretch.</summary>
    public void Add(ReadOnlySpan<byte> bytes)
    {
        if (spool is not null) spool.File.Write(bytes, Count);
        else bytes.CopyTo(memory.AsSpan((int)Count));
        Count += bytes.Length;
    }

    public void Write(ReadOnlySpan<byte> buffer, long offset) => throw new NotSupportedException("Packs are never changed.");

    /// <summary>Does nothing: a pack is durable once it is there.</summary>
    public void Flush()
    {
    }

    public void SetLength(long length) => throw new NotSupportedException("Packs are never changed.");

    public void Dispose() => spool?.Dispose();
}
