using MessageStore.IO;

namespace MessageStore.Replication;

/// <summary>A record that was fetched from its volume, seen as the stretch of the volume that it was: what reads archive files reads it as well.</summary>
/// <param name="path">The volume, for errors.</param>
/// <param name="bytes">The record.</param>
/// <param name="offset">Where it begins in the volume.</param>
internal sealed class FetchedRecord(string path, byte[] bytes, long offset) : IStorageFile
{
    public string Path => path;

    public long Length => offset + bytes.Length;

    public int Read(Span<byte> buffer, long at)
    {
        if (at < offset || at >= Length) return 0;
        int count = (int)Math.Min(buffer.Length, Length - at);
        bytes.AsSpan((int)(at - offset), count).CopyTo(buffer);
        return count;
    }

    public void Write(ReadOnlySpan<byte> buffer, long at) => throw new NotSupportedException();

    public void Flush() => throw new NotSupportedException();

    public void SetLength(long length) => throw new NotSupportedException();

    public void Dispose()
    {
    }
}
