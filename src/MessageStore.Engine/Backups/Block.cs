using MessageStore.IO;

namespace MessageStore.Backups;

/// <summary>Bytes on their way into a backup file or out of one: a frame, or a chunk of a layer. Goes back to its pool when the last of those who hold it lets go.</summary>
internal sealed class Block(BlockPool pool, int capacity) : IDisposable
{
    private int holders = 1;

    public byte[] Bytes { get; private set; } = new byte[capacity];

    /// <summary>How many of the bytes count.</summary>
    public int Length { get; set; }

    /// <summary>The frame's header, still without checksums.</summary>
    public FrameHeader Header { get; set; }

    /// <summary>Where it lies in its file, where it was read from one.</summary>
    public long Offset { get; set; }

    /// <summary>Number of the chunk in its layer.</summary>
    public long Number { get; set; }

    /// <summary>Whether it is the last chunk of its layer.</summary>
    public bool IsLast { get; set; }

    /// <summary>The frame's digest.</summary>
    public byte[] Leaf { get; } = new byte[BackupDigest.LeafBytes];

    public ReadOnlySpan<byte> Span => Bytes.AsSpan(0, Length);

    /// <summary>Makes room; what the bytes were is gone.</summary>
    public void Ensure(int length)
    {
        if (Bytes.Length < length) Bytes = new byte[length];
    }

    /// <summary>Makes room and keeps what the first bytes are.</summary>
    public void Extend(int kept, int length)
    {
        if (Bytes.Length >= length) return;
        byte[] larger = new byte[length];
        Bytes.AsSpan(0, kept).CopyTo(larger);
        Bytes = larger;
    }

    /// <summary>Counts more holders, each of which is to dispose it.</summary>
    public void Hold(int more) => Interlocked.Add(ref holders, more);

    /// <summary>Lets go.</summary>
    public void Dispose()
    {
        if (Interlocked.Decrement(ref holders) > 0) return;
        if (Bytes.Length > capacity) Bytes = new byte[capacity];
        holders = 1;
        pool.Return(this);
    }
}
