using System.Diagnostics;
using MessageStore.IO;

namespace MessageStore.Bench;

/// <summary>What the disk can do at most, measured with nothing in between: writing from front to back, and small flushes one after the other.</summary>
/// <param name="BytesPerSecond">Blocks of 1 MiB to a new file, the flush at the end included.</param>
/// <param name="FlushesPerSecond">4 KiB into allocated space and a flush, again and again.</param>
internal sealed record DiskLimits(double BytesPerSecond, double FlushesPerSecond)
{
    private const int BlockBytes = 1 << 20;
    private const int SequentialBlocks = 512;
    private const int SmallBytes = 4096;

    /// <param name="folder">A folder on the disk.</param>
    /// <param name="seconds">How long to flush.</param>
    public static DiskLimits Measure(string folder, double seconds)
    {
        string path = Path.Combine(folder, $"messagestore-limits-{Environment.ProcessId}");
        try
        {
            using IStorageFile file = DiskStorage.Instance.Open(path, FileAccessKind.CreateOrTruncate);
            byte[] block = BenchGroup.Body(BlockBytes);
            var watch = Stopwatch.StartNew();
            for (int i = 0; i < SequentialBlocks; i++) file.Write(block, (long)i * BlockBytes);
            file.Flush();
            double rate = (double)SequentialBlocks * BlockBytes / watch.Elapsed.TotalSeconds;
            long flushes = 0;
            watch.Restart();
            while (watch.Elapsed.TotalSeconds < seconds)
            {
                file.Write(block.AsSpan(0, SmallBytes), flushes * SmallBytes % ((long)SequentialBlocks * BlockBytes));
                file.Flush();
                flushes++;
            }
            return new DiskLimits(rate, flushes / watch.Elapsed.TotalSeconds);
        }
        finally
        {
            File.Delete(path);
        }
    }
}
