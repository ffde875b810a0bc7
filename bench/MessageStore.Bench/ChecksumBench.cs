using System.Diagnostics;
using MessageStore.IO;

namespace MessageStore.Bench;

/// <summary>Checksums and the walk over frames, on one core, in memory.</summary>
internal static class ChecksumBench
{
    private const uint Salt = 77;

    public static void Run()
    {
        var bytes = new byte[16 << 20];
        new Random(1).NextBytes(bytes);
        Rate("CRC-32, folded, 1 MiB", 1 << 20, n => Crc32.Compute(bytes.AsSpan(0, n)));
        Rate("CRC-32, folded, 16 KiB", 16 << 10, n => Crc32.Compute(bytes.AsSpan(0, n)));
        Rate("CRC-32, tables, 16 KiB", 16 << 10, n => Crc32.ComputeByTables(bytes.AsSpan(0, n)));
        Rate("CRC-32C, 16 KiB", 16 << 10, n => Crc32C.Compute(bytes.AsSpan(0, n)));
        Rate("SHA-256, 16 KiB", 16 << 10, n => System.Security.Cryptography.SHA256.HashData(bytes.AsSpan(0, n))[0]);
        Frames(100, 2_000_000);
        Frames(16 << 10, 40_000);
    }

    private static void Rate(string what, int size, Func<int, uint> compute)
    {
        uint sink = 0;
        for (int i = 0; i < 2000; i++) sink ^= compute(size);
        long total = 0;
        var watch = Stopwatch.StartNew();
        while (watch.ElapsedMilliseconds < 500)
        {
            for (int i = 0; i < 50; i++) sink ^= compute(size);
            total += 50L * size;
        }
        Console.WriteLine($"{what,-28} {total / watch.Elapsed.TotalSeconds / 1e9,8:F2} GB/s  ({sink & 1})");
    }

    private static void Frames(int payload, int count)
    {
        string path = Path.Combine(Path.GetTempPath(), $"frames-{Environment.ProcessId}");
        try
        {
            using (IStorageFile file = DiskStorage.Instance.Open(path, FileAccessKind.CreateNew))
            {
                var frame = new byte[FrameHeader.FrameLength(payload)];
                using var block = new PooledBuffer();
                long at = 0;
                for (int i = 1; i <= count; i++)
                {
                    new FrameHeader(1, (ulong)i, (ulong)i - 1, 0, payload, FrameHeader.Checksum(frame.AsSpan(FrameHeader.Size, payload), Salt)).Write(frame, Salt);
                    block.Write(frame);
                    if (block.Length < 1 << 20 && i < count) continue;
                    file.Write(block.Span, at);
                    at += block.Length;
                    block.Truncate(0);
                }
            }
            for (int round = 0; round < 2; round++)
            {
                using IStorageFile file = DiskStorage.Instance.Open(path, FileAccessKind.Read);
                using var reader = new FrameReader(file, Salt, 0, 1);
                long allocated = GC.GetAllocatedBytesForCurrentThread();
                var watch = Stopwatch.StartNew();
                int read = 0;
                while (reader.TryRead(out _, out _)) read++;
                double seconds = watch.Elapsed.TotalSeconds;
                allocated = GC.GetAllocatedBytesForCurrentThread() - allocated;
                if (round == 0) continue;
                Console.WriteLine($"FrameReader, {payload,6} B payload {file.Length / seconds / 1e9,8:F2} GB/s {read / seconds / 1e6,8:F2} M frames/s, {allocated} B allocated");
            }
        }
        finally
        {
            File.Delete(path);
        }
    }
}
