namespace MessageStore.IO;

/// <summary>A stretch of a storage file, or all that is appended to it, as a stream. Not thread-safe, as streams are; the file stays open.</summary>
/// <param name="file">The file.</param>
/// <param name="offset">Where the stretch begins in the file.</param>
/// <param name="length">Its length; a write beyond it makes it longer.</param>
internal sealed class StorageFileStream(IStorageFile file, long offset, long length) : Stream
{
    private long position;

    public override bool CanRead => true;

    public override bool CanSeek => true;

    public override bool CanWrite => true;

    public override long Length => length;

    public override long Position
    {
        get => position;
        set
        {
            ArgumentOutOfRangeException.ThrowIfNegative(value);
            position = value;
        }
    }

    public override int Read(Span<byte> target)
    {
        int count = (int)Math.Clamp(length - position, 0, target.Length);
        if (count == 0) return 0;
        int read = file.Read(target[..count], offset + position);
        position += read;
        return read;
    }

    public override int Read(byte[] target, int start, int count) => Read(target.AsSpan(start, count));

    public override void Write(ReadOnlySpan<byte> source)
    {
        file.Write(source, offset + position);
        position += source.Length;
        length = Math.Max(length, position);
    }

    public override void Write(byte[] source, int start, int count) => Write(source.AsSpan(start, count));

    public override long Seek(long to, SeekOrigin origin) => Position = to + origin switch
    {
        SeekOrigin.Begin => 0,
        SeekOrigin.Current => position,
        _ => length,
    };

    public override void SetLength(long value) => throw new NotSupportedException();

    /// <summary>Does nothing: durability is the file's owner's.</summary>
    public override void Flush()
    {
    }
}
