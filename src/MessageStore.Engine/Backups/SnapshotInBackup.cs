using System.Buffers.Binary;
using MessageStore.IO;

namespace MessageStore.Backups;

/// <summary>The index snapshot of a group as it lies in a backup file, to be read from front to back. Every frame is verified on the way.</summary>
internal sealed class SnapshotInBackup : IStorageFile
{
    private readonly BackupReader reader;
    private readonly byte[] chunk = new byte[BackupWriter.ChunkBytes];
    private long start;
    private int filled;

    /// <param name="reader">Goes to the group; the caller disposes it.</param>
    public SnapshotInBackup(BackupReader reader, GroupContents group)
    {
        this.reader = reader;
        Length = group.Begin.SnapshotBytes;
        reader.GoTo(group);
        reader.Next(out _); // the group's mark
    }

    public string Path => reader.Path;

    public long Length { get; }

    public int Read(Span<byte> buffer, long offset)
    {
        if (offset < start) throw new NotSupportedException("A snapshot in a backup is read from front to back.");
        while (offset >= start + filled)
        {
            if (start + filled >= Length) return 0;
            Next();
        }
        int count = (int)Math.Min(buffer.Length, start + filled - offset);
        chunk.AsSpan((int)(offset - start), count).CopyTo(buffer);
        return count;
    }

    public void Write(ReadOnlySpan<byte> buffer, long offset) => throw new NotSupportedException();

    public void Flush() => throw new NotSupportedException();

    public void SetLength(long length) => throw new NotSupportedException();

    public void Dispose()
    {
    }

    private void Next()
    {
        long at = reader.Position;
        if (reader.Next(out ReadOnlySpan<byte> payload) != BackupFrameType.Snapshot || payload.Length <= BackupWriter.ChunkHeaderSize
            || payload.Length > BackupWriter.ChunkHeaderSize + chunk.Length || BinaryPrimitives.ReadInt64LittleEndian(payload[8..]) != start + filled)
            throw reader.Damaged(at, "a piece of the index is missing");
        start += filled;
        filled = payload.Length - BackupWriter.ChunkHeaderSize;
        payload[BackupWriter.ChunkHeaderSize..].CopyTo(chunk);
    }
}
