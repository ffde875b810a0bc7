using System.Buffers;

namespace MessageStore.IO;

/// <summary>
/// Walks the frames of a file forward from an offset, as long as each is valid and carries the next sequence number. Reads in large
/// blocks, allocates nothing per frame. Format and validity rule: docs/format-frame.md. Not thread-safe.
/// </summary>
internal sealed class FrameReader : IDisposable
{
    /// <summary>Bytes read at a time unless a frame needs more (1 MiB).</summary>
    public const int DefaultBlockSize = 1 << 20;

    private readonly IStorageFile file;
    private readonly uint salt;
    private byte[] buffer;
    private long bufferOffset; // file offset of buffer[0]
    private int filled;
    private int position;
    private FrameEnd? end;

    /// <param name="file">The file; the caller disposes it.</param>
    /// <param name="salt">The salt of the file's family.</param>
    /// <param name="offset">Where the first frame begins, a multiple of <see cref="FrameHeader.Alignment"/>.</param>
    /// <param name="expectedLsn">The sequence number of the first frame.</param>
    /// <param name="blockSize">Bytes to read at a time, at least <see cref="FrameHeader.Size"/>.</param>
    public FrameReader(IStorageFile file, uint salt, long offset, ulong expectedLsn, int blockSize = DefaultBlockSize)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(offset % FrameHeader.Alignment, 0, nameof(offset));
        ArgumentOutOfRangeException.ThrowIfLessThan(blockSize, FrameHeader.Size);
        this.file = file;
        this.salt = salt;
        bufferOffset = offset;
        ExpectedLsn = expectedLsn;
        buffer = ArrayPool<byte>.Shared.Rent(blockSize);
    }

    /// <summary>Where the frame that <see cref="TryRead"/> returned last begins, in bytes from the start of the file.</summary>
    public long FrameOffset { get; private set; }

    /// <summary>Where the next frame is looked for, in bytes from the start of the file.</summary>
    public long Offset => bufferOffset + position;

    /// <summary>The sequence number that the next frame must carry.</summary>
    public ulong ExpectedLsn { get; private set; }

    /// <summary>How the frames end.</summary>
    /// <exception cref="InvalidOperationException"><see cref="TryRead"/> has not returned <see langword="false"/> yet.</exception>
    public FrameEnd End => end ?? throw new InvalidOperationException("There may be more frames: read on.");

    /// <summary>Reads the next frame.</summary>
    /// <param name="header">Its header.</param>
    /// <param name="payload">Its payload, valid until the next call.</param>
    /// <returns><see langword="false"/> where there is none; <see cref="End"/> says why.</returns>
    /// <exception cref="IOException">The device failed.</exception>
    public bool TryRead(out FrameHeader header, out ReadOnlySpan<byte> payload)
    {
        payload = default;
        header = default;
        if (end is not null) return false;
        Demand(FrameHeader.Size);
        if (!FrameHeader.TryRead(buffer.AsSpan(position, filled - position), salt, out header) || header.Lsn != ExpectedLsn)
            return Stop();

        // The padding is no part of the frame's validity: the last frame of a file may have lost it.
        Demand(FrameHeader.Size + header.PayloadLength);
        if (filled - position < FrameHeader.Size + header.PayloadLength) return Stop();
        ReadOnlySpan<byte> candidate = buffer.AsSpan(position + FrameHeader.Size, header.PayloadLength);
        if (!header.Matches(candidate, salt)) return Stop();

        FrameOffset = Offset;
        Demand(header.Length); // may move the buffer, so the payload is taken only now
        payload = buffer.AsSpan(position + FrameHeader.Size, header.PayloadLength);
        Skip(header.Length);
        ExpectedLsn++;
        return true;
    }

    public void Dispose()
    {
        byte[] old = buffer;
        buffer = [];
        end ??= new FrameEnd(FrameEndKind.Clean, Offset, ExpectedLsn, "Reading was given up.");
        if (old.Length > 0) ArrayPool<byte>.Shared.Return(old);
    }

    private bool Stop()
    {
        end = FrameScanner.Judge(file, salt, Offset, ExpectedLsn);
        return false;
    }

    /// <summary>Steps over a frame; one whose padding the file lacks still ends at the aligned offset.</summary>
    private void Skip(int length)
    {
        position += length;
        if (position <= filled) return;
        bufferOffset += position;
        position = filled = 0;
    }

    /// <summary>Has <paramref name="count"/> bytes from the position on in the buffer, or all that the file still has.</summary>
    private void Demand(int count)
    {
        int rest = filled - position;
        if (rest >= count) return;
        byte[] target = buffer;
        if (buffer.Length < count) target = ArrayPool<byte>.Shared.Rent(count);
        buffer.AsSpan(position, rest).CopyTo(target);
        if (!ReferenceEquals(target, buffer)) ArrayPool<byte>.Shared.Return(buffer);
        buffer = target;
        bufferOffset += position;
        position = 0;
        filled = rest + file.ReadFully(buffer.AsSpan(rest), bufferOffset + rest);
    }
}
