using MessageStore.IO;

namespace MessageStore.Backups;

/// <summary>Gathers the image of the key manager into frames.</summary>
internal sealed class KeysStream(BackupWriter writer) : WriteStream
{
    private readonly byte[] pending = new byte[BackupWriter.ChunkBytes];
    private int filled;
    private long position;

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
