using System.Buffers;

namespace MessageStore.IO;

/// <summary>
/// Decides what it means that no valid frame with the expected sequence number lies at an offset: a clean end, a torn tail or damage
/// (docs/format-frame.md, "Why the durable LSN is there").
/// </summary>
/// <remarks>
/// All that follows is searched, at every multiple of 8, for headers. A header alone is proof, whether or not its payload survived:
/// what it says about durability was true when it was written, and its checksum is salted so that no message can carry a forged one.
/// The search runs at memory speed over zeros and over foreign bytes, because it looks for the magic first.
/// </remarks>
internal static class FrameScanner
{
    private const int BlockSize = 1 << 20;

    /// <summary>Judges the end of the frames at <paramref name="offset"/>.</summary>
    /// <param name="file">The file.</param>
    /// <param name="salt">The salt of the file's family.</param>
    /// <param name="offset">Where the missing frame would begin, a multiple of 8.</param>
    /// <param name="expectedLsn">The sequence number it would carry.</param>
    public static FrameEnd Judge(IStorageFile file, uint salt, long offset, ulong expectedLsn)
    {
        FrameEnd Ends(FrameEndKind kind, string detail) => new(kind, offset, expectedLsn, detail);

        Span<byte> head = stackalloc byte[FrameHeader.Size];
        int count = file.ReadFully(head, offset);
        if (count == 0) return Ends(FrameEndKind.Clean, "End of file.");

        bool newer = false;
        byte[] block = ArrayPool<byte>.Shared.Rent(BlockSize);
        try
        {
            // A header may straddle two blocks, so each begins a little before the end of the last.
            for (long start = offset; ; start += BlockSize - FrameHeader.Size)
            {
                int read = file.ReadFully(block.AsSpan(0, BlockSize), start);
                int at = 0;
                while (TryFindHeader(block.AsSpan(0, read), salt, ref at, out FrameHeader header))
                {
                    if (header.DurableLsn >= expectedLsn)
                    {
                        return Ends(
                            FrameEndKind.Damaged,
                            $"The frame of transaction {header.Lsn} at offset {start + at} says that all up to {header.DurableLsn} was durable.");
                    }
                    newer |= header.Lsn >= expectedLsn;
                    at += FrameHeader.Alignment;
                }
                if (read < BlockSize) break;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(block);
        }

        if (newer) return Ends(FrameEndKind.Torn, "Frames of a group that was never acknowledged.");
        if (!head[..count].ContainsAnyExcept((byte)0)) return Ends(FrameEndKind.Clean, "Zeros.");
        return FrameHeader.TryRead(head[..count], salt, out _)
            ? Ends(FrameEndKind.Clean, "Older content of recycled space.")
            : Ends(FrameEndKind.Torn, "Bytes that are no frame.");
    }

    /// <summary>Finds the next frame header at or after an offset, whatever lies between; none where the file has no more.</summary>
    /// <param name="offset">A multiple of 8.</param>
    /// <param name="firstLsn">Frames of an earlier sequence number are passed over: older content of recycled space.</param>
    public static (long Offset, FrameHeader Header)? FindNext(IStorageFile file, uint salt, long offset, ulong firstLsn = 0)
    {
        byte[] block = ArrayPool<byte>.Shared.Rent(BlockSize);
        try
        {
            for (long start = offset; ; start += BlockSize - FrameHeader.Size)
            {
                int read = file.ReadFully(block.AsSpan(0, BlockSize), start);
                int at = 0;
                for (; TryFindHeader(block.AsSpan(0, read), salt, ref at, out FrameHeader header); at += FrameHeader.Alignment)
                    if (header.Lsn >= firstLsn) return (start + at, header);
                if (read < BlockSize) return null;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(block);
        }
    }

    /// <summary>Finds the first header, at a multiple of 8, at or after <paramref name="at"/>.</summary>
    private static bool TryFindHeader(ReadOnlySpan<byte> block, uint salt, ref int at, out FrameHeader header)
    {
        while (at + FrameHeader.Size <= block.Length)
        {
            int next = block[at..].IndexOf(FrameHeader.MagicBytes);
            if (next < 0) break;
            int misaligned = next % FrameHeader.Alignment;
            if (misaligned != 0)
            {
                at += next - misaligned + FrameHeader.Alignment;
                continue;
            }
            at += next;
            if (FrameHeader.TryRead(block[at..], salt, out header)) return true;
            at += FrameHeader.Alignment;
        }
        header = default;
        return false;
    }
}
