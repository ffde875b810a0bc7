using System.Buffers;
using MessageStore.IO;

namespace MessageStore.Archiving;

/// <summary>A stretch of an archive file that holds no readable record.</summary>
/// <param name="Path">The file.</param>
/// <param name="Offset">Where it begins, in bytes.</param>
/// <param name="Length">Its length in bytes.</param>
internal readonly record struct ArchiveDamage(string Path, long Offset, long Length);

/// <summary>
/// Walks an archive file from record to record by their extra fields only. Where one is damaged the next is searched for: gzip magic, our subfield, and a
/// header checksum that holds.
/// </summary>
internal static class ArchiveWalker
{
    private const int BlockSize = 1 << 20;

    /// <summary>Walks a file.</summary>
    /// <param name="file">The file.</param>
    /// <param name="offset">Where to begin: at a record.</param>
    /// <param name="damaged">Told of every damaged stretch when it has been passed.</param>
    /// <returns>The records whose header is whole and that end within the file. Their bodies were not looked at.</returns>
    /// <exception cref="IOException">The device failed.</exception>
    public static IEnumerable<ArchivedRecordInfo> Walk(IStorageFile file, long offset, Action<ArchiveDamage>? damaged = null)
    {
        long length = file.Length;
        while (offset < length)
        {
            ArchivedRecordInfo? info = Record(file, offset, length);
            if (info is null)
            {
                long next = FindNext(file, offset + 1, length);
                damaged?.Invoke(new ArchiveDamage(file.Path, offset, next - offset));
                offset = next;
                continue;
            }
            yield return info;
            offset += info.Length;
        }
    }

    private static ArchivedRecordInfo? Record(IStorageFile file, long offset, long length) =>
        ArchiveRecordReader.TryReadInfo(file, offset) is { } info && info.Length <= length - offset ? info : null;

    private static long FindNext(IStorageFile file, long offset, long length)
    {
        byte[] block = ArrayPool<byte>.Shared.Rent(BlockSize);
        try
        {
            while (offset < length)
            {
                int count = file.ReadFully(block.AsSpan(0, BlockSize), offset);
                if (count == 0) break;
                for (int at = 0; at < count; at++)
                {
                    int found = block.AsSpan(at, count - at).IndexOf(ArchiveRecordHeader.Magic);
                    if (found < 0) break;
                    at += found;
                    if (Record(file, offset + at, length) is not null) return offset + at;
                }
                if (count < BlockSize) break;
                offset += BlockSize - ArchiveRecordHeader.Magic.Length + 1; // the magic may straddle two blocks
            }
            return length;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(block);
        }
    }
}
