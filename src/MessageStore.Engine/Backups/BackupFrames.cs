using System.Security.Cryptography;
using MessageStore.IO;

namespace MessageStore.Backups;

/// <summary>
/// Reads the frames of a stretch of a backup file one after the other. Headers are verified here, because the way to the next frame depends on them; all else is left to
/// <see cref="Verify"/>, which many threads may do at once.
/// </summary>
internal sealed class BackupFrames(BackupReader source, IStorageFile file, BackupStretch stretch)
{
    private const long DropStep = 8 << 20;

    private readonly uint salt = source.Header.Salt;
    private long position = stretch.Offset;
    private long frame = stretch.Frame;
    private long dropped = stretch.Offset;

    /// <summary>Reads the next frame as it lies there.</summary>
    /// <returns><see langword="false"/> at the end of the stretch.</returns>
    /// <exception cref="MessageStoreException">BackupDamaged; device errors.</exception>
    public bool TryRead(Block block)
    {
        if (position == stretch.End)
            return frame == stretch.EndFrame ? false : throw source.Damaged(position, $"frame {frame} is missing");
        try
        {
            block.Ensure(FrameHeader.Size);
            int read = file.ReadFully(block.Bytes.AsSpan(0, FrameHeader.Size), position);
            if (!FrameHeader.TryRead(block.Bytes.AsSpan(0, read), salt, out FrameHeader header)) throw source.Damaged(position, "a frame's header is not valid");
            if (header.Lsn != (ulong)frame) throw source.Damaged(position, $"frame {frame} is missing");
            if (position + header.Length > stretch.End) throw source.Damaged(position, "a frame is longer than what its contents say of its place");
            block.Extend(FrameHeader.Size, header.Length);
            read = file.ReadFully(block.Bytes.AsSpan(FrameHeader.Size, header.Length - FrameHeader.Size), position + FrameHeader.Size);
            if (read < header.Length - FrameHeader.Size) throw source.Damaged(position, "it ends in the middle of a frame");
            block.Header = header;
            block.Length = header.Length;
            block.Offset = position;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw StorageErrors.Wrap(error, "reading the backup", source.Path);
        }
        position += block.Length;
        frame++;
        if (position - dropped >= DropStep)
        {
            // What was read is not read again, and is not to drive out of memory what users read.
            file.DropCache(dropped, position - dropped);
            dropped = position;
        }
        return true;
    }

    /// <summary>Compares a frame with its checksum, and computes its digest.</summary>
    /// <exception cref="MessageStoreException">BackupDamaged.</exception>
    public void Verify(Block block)
    {
        if (!block.Header.Matches(PayloadOf(block), salt)) throw source.Damaged(block.Offset, "a frame's checksum does not hold");
        if (block.Span[(FrameHeader.Size + block.Header.PayloadLength)..].ContainsAnyExcept((byte)0)) throw source.Damaged(block.Offset, "the padding of a frame is not zero");
        SHA256.HashData(block.Span, block.Leaf);
    }

    public static ReadOnlySpan<byte> PayloadOf(Block block) => block.Bytes.AsSpan(FrameHeader.Size, block.Header.PayloadLength);
}
