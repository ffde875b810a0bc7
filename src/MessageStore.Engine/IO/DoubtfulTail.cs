using System.Buffers;

namespace MessageStore.IO;

/// <summary>
/// The end of a file that was read and of which nothing says that its flush ever succeeded. It may have been read from the system's cache, which goes on showing what a failed
/// flush has dropped and never writes it again, however often one flushes, unless it is written again. Whoever is about to vouch for such bytes, or to write behind them, does
/// that first.
/// </summary>
internal static class DoubtfulTail
{
    private const int BlockSize = 1 << 20;

    /// <summary>Writes a stretch of a file over itself and makes it durable.</summary>
    /// <param name="file">Open for writing.</param>
    /// <param name="start">Where it begins.</param>
    /// <param name="end">Where it ends; the file may end a little before, within a padding.</param>
    /// <exception cref="IOException">The device failed: nothing may be written behind it.</exception>
    public static void MakeDurable(IStorageFile file, long start, long end)
    {
        byte[] block = ArrayPool<byte>.Shared.Rent((int)Math.Clamp(end - start, 1, BlockSize));
        try
        {
            for (long offset = start; offset < end;)
            {
                int read = file.ReadFully(block.AsSpan(0, (int)Math.Min(block.Length, end - offset)), offset);
                if (read == 0) break;
                file.Write(block.AsSpan(0, read), offset);
                offset += read;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(block);
        }
        file.Flush();
    }
}
