namespace MessageStore.Backups;

/// <summary>Gathers the image of the key manager into frames.</summary>
internal sealed class KeysStream(BackupWriter writer) : Stream
{
    private readonly byte[] pending = new byte[BackupWriter.ChunkBytes];
    private int filled;
    private long position;

    public override bool CanRead => false;
    public override bool CanSeek => false;
    public override bool CanWrite => true;
    public override long Length => position;

    public override long Position
    {
        get => position;
        set => throw new NotSupportedException();
    }

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        while (!buffer.IsEmpty)
        {
            int count = Math.Min(buffer.Length, pending.Length - filled);
            buffer[..count].CopyTo(pending.AsSpan(filled));
            filled += count;
            buffer = buffer[count..];
            if (filled == pending.Length) Send();
        }
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing && filled > 0) Send();
        base.Dispose(disposing);
    }

    private void Send()
    {
        pending.AsSpan(0, filled).CopyTo(writer.ChunkBody(filled));
        writer.SendChunk(BackupFrameType.Keys, 0, position, filled);
        position += filled;
        filled = 0;
    }
}
