using System.Buffers;
using MessageStore.IO;

namespace MessageStore.Keys;

/// <summary>What a frame of the key journal is.</summary>
internal enum KeyFrameType : byte
{
    /// <summary>The first of a journal: format, generation, and how far the compacted image reaches.</summary>
    Head = 1,
    /// <summary>Entries that take effect together.</summary>
    Entries = 2,
    /// <summary>The last frame of a compacted image: proof that all before it was on disk when the journal got its name.</summary>
    ImageEnd = 3,
}

/// <summary>Builds a run of frames in memory, to be written with one write. Not thread-safe.</summary>
/// <param name="salt">The salt of the key manager.</param>
/// <param name="time">Time that the frames carry.</param>
internal sealed class KeyFrames(uint salt, TimeProvider time) : IDisposable
{
    /// <summary>A frame is closed once its payload has this many bytes (1 MiB).</summary>
    public const int TargetPayload = 1 << 20;

    private const int SmallestBuffer = 64 << 10;

    private byte[] buffer = ArrayPool<byte>.Shared.Rent(SmallestBuffer);
    private int frameStart = -1;
    private ulong durableLsn;

    /// <summary>Bytes built so far.</summary>
    public int Length { get; private set; }

    public ReadOnlyMemory<byte> Bytes => buffer.AsMemory(0, Length);

    /// <summary>The sequence number that the next frame gets.</summary>
    public ulong NextLsn { get; private set; }

    /// <summary>Starts over.</summary>
    public void Reset(ulong nextLsn, ulong durable)
    {
        Length = 0;
        frameStart = -1;
        NextLsn = nextLsn;
        durableLsn = durable;
    }

    /// <summary>
    /// Room for one entry of at most <paramref name="bound"/> bytes in an open frame; <see cref="Advance"/> says what was taken.
    /// </summary>
    public Span<byte> Reserve(int bound)
    {
        if (frameStart >= 0 && Length - frameStart - FrameHeader.Size >= TargetPayload) Close(KeyFrameType.Entries);
        Grow(FrameHeader.Size + bound + FrameHeader.Alignment);
        if (frameStart < 0)
        {
            frameStart = Length;
            Length += FrameHeader.Size;
        }
        return buffer.AsSpan(Length);
    }

    public void Advance(int count) => Length += count;

    /// <summary>Closes the open frame, if there is one.</summary>
    public void Close(KeyFrameType type, bool evenIfEmpty = false)
    {
        if (frameStart < 0)
        {
            if (!evenIfEmpty) return;
            Reserve(0);
        }
        int payload = Length - frameStart - FrameHeader.Size;
        var header = new FrameHeader(
            (byte)type, NextLsn, durableLsn, time.GetUtcNow().UtcTicks, payload,
            FrameHeader.Checksum(buffer.AsSpan(frameStart + FrameHeader.Size, payload), salt));
        header.Write(buffer.AsSpan(frameStart), salt);
        int end = frameStart + header.Length;
        buffer.AsSpan(Length, end - Length).Clear();
        Length = end;
        frameStart = -1;
        NextLsn++;
    }

    public void Dispose()
    {
        ArrayPool<byte>.Shared.Return(buffer);
        buffer = [];
    }

    private void Grow(int count)
    {
        if (buffer.Length - Length >= count) return;
        byte[] larger = ArrayPool<byte>.Shared.Rent(Math.Max(checked(Length + count), buffer.Length * 2));
        buffer.AsSpan(0, Length).CopyTo(larger);
        ArrayPool<byte>.Shared.Return(buffer);
        buffer = larger;
    }
}
