using System.Diagnostics;
using MessageStore.IO;
using MessageStore.Keys;

namespace MessageStore.Bench;

/// <summary>The embedded key manager: put, open, find, list, compact.</summary>
internal static class KeyBench
{
    private const int Count = 1_000_000;
    private const int BatchSize = 256;

    public static void Run(string parent)
    {
        string folder = Path.Combine(parent, $"key-bench-{Environment.ProcessId}");
        Directory.CreateDirectory(folder);
        try
        {
            JournalKeyManager.Create(DiskStorage.Instance, folder);
            JournalKeyManager keys = JournalKeyManager.Open(DiskStorage.Instance, folder, TimeProvider.System);
            ArchiveKey[] all = [.. Enumerable.Range(0, Count).Select(Key)];
            Time($"put, batches of {BatchSize}, 1 caller", Count, () =>
            {
                foreach (ArchiveKey[] batch in all.Chunk(BatchSize)) keys.Put(batch);
            });
            Time("put one by one, 16 callers", 20_000, () =>
                Parallel.For(0, 20_000, new ParallelOptions { MaxDegreeOfParallelism = 16 }, i => keys.Put([all[i] with { Unit = "second" }])));
            Console.WriteLine($"{"memory of the table",-40} {(double)keys.TableBytes / keys.Count,10:F1} bytes a key");
            Console.WriteLine($"{"journal",-40} {(double)keys.JournalBytes / keys.Count,10:F1} bytes a key");
            keys.Dispose();
            keys = null!; // its table would be taken for the next one's
            long heap = GC.GetTotalMemory(forceFullCollection: true);
            Time("open", Count, () => keys = JournalKeyManager.Open(DiskStorage.Instance, folder, TimeProvider.System));
            Console.WriteLine($"{"memory of an open manager",-40} {(GC.GetTotalMemory(forceFullCollection: true) - heap) / 1e6 / keys.Count * 1e6,10:F1} MB a million keys");
            Find(keys, all);
            Time("list", Count, () => _ = keys.List().Count());
            Time("remove, batches", Count / 2, () =>
            {
                foreach (ArchiveKey[] batch in all.Take(Count / 2).Chunk(BatchSize)) keys.Remove([.. batch.Select(k => k.Id)]);
            });
            Time("compact (keys that stay)", Count / 2, keys.Compact);
            keys.Dispose();
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static void Find(JournalKeyManager keys, ArchiveKey[] all)
    {
        var random = new Random(5);
        Guid[] wanted = [.. Enumerable.Range(0, 300_000).Select(_ => all[random.Next(all.Length)].Id)];
        Time("find, 1 caller", wanted.Length, () =>
        {
            foreach (Guid id in wanted)
                if (keys.Find(id).Count == 0) throw new InvalidOperationException();
        });
        Time("find, 2 callers", wanted.Length, () => Parallel.ForEach(wanted, new ParallelOptions { MaxDegreeOfParallelism = 2 }, id => keys.Find(id)));
    }

    private static void Time(string what, int count, Action action)
    {
        var watch = Stopwatch.StartNew();
        action();
        double seconds = watch.Elapsed.TotalSeconds;
        Console.WriteLine($"{what,-40} {count / seconds,10:N0} /s, {seconds * 1000:N0} ms");
    }

    private static ArchiveKey Key(int number) => new()
    {
        Id = Guid.CreateVersion7(),
        Mailbox = $"user{number % 1000}@example.org",
        Target = "files",
        Unit = "/nas/archive",
        Volume = $"user{number / 1000}@example.org/2026-07.mbox.gz",
        Offset = (number % 1000) * 17_000L,
        Length = 16_500,
        Sha256 = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(BitConverter.GetBytes(number))),
        StorageDate = DateTimeOffset.UtcNow,
    };
}
