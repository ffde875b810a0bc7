using System.Diagnostics;
using System.Text;
using MessageStore.Archiving;
using MessageStore.IO;
using MessageStore.Keys;
using MessageStore.Messages;

namespace MessageStore.Bench;

/// <summary>Archive records on one core: packing alone, and the whole append (write, flush, read back, keys) of batches.</summary>
internal static class RecordBench
{
    private const int MessageSize = 16 << 10;
    private const int BatchBytes = 16 << 20;
    private const int Count = 20_000;

    public static void Run(string parent)
    {
        byte[][] messages = [.. Enumerable.Range(0, 64).Select(Message)];
        foreach (ArchiveCompression level in Enum.GetValues<ArchiveCompression>())
        {
            Pack(messages, level, parent, 2000);
            Pack(messages, level, parent, level == ArchiveCompression.Optimal ? 4000 : Count);
            int count = level == ArchiveCompression.Optimal ? 4000 : Count;
            Append(messages, level, parent, count, archivers: 1);
            Append(messages, level, parent, count, archivers: 4);
        }
    }

    private static void Pack(byte[][] messages, ArchiveCompression level, string parent, int count)
    {
        using var writer = new ArchiveRecordWriter(level, DiskStorage.Instance, parent);
        using var batch = new ArchiveBatch(writer);
        long packed = 0;
        var watch = Stopwatch.StartNew();
        for (int i = 0; i < count; i++)
        {
            batch.Add(Entry(messages[i % messages.Length], i));
            if (batch.MemoryLength < BatchBytes && i < count - 1) continue;
            packed += batch.Length;
            batch.Clear();
        }
        if (count >= 4000) Print($"pack, {level}", count, watch.Elapsed, packed);
    }

    private static void Append(byte[][] messages, ArchiveCompression level, string parent, int count, int archivers)
    {
        string folder = Path.Combine(parent, $"record-bench-{Environment.ProcessId}");
        Directory.CreateDirectory(folder);
        try
        {
            Guid id = Guid.NewGuid();
            string root = Path.Combine(folder, "archive");
            ArchiveMarker.Create(DiskStorage.Instance, root, id);
            JournalKeyManager.Create(DiskStorage.Instance, folder);
            using JournalKeyManager keys = JournalKeyManager.Open(DiskStorage.Instance, folder, TimeProvider.System);
            var target = new FileArchiveTarget(DiskStorage.Instance, root, id, keys, TimeProvider.System, root);
            long packed = 0;
            var watch = Stopwatch.StartNew();
            Task[] tasks = [.. Enumerable.Range(0, archivers).Select(n => Task.Run(async () =>
            {
                long own = await Archive(messages, level, folder, target, keys, n, count / archivers);
                Interlocked.Add(ref packed, own);
            }))];
            Task.WaitAll(tasks);
            Print($"append, read back, keys, {level}, {archivers} archivers", count, watch.Elapsed, packed);
            if (archivers > 1) return;
            ArchiveKey[] all = [.. keys.List()];
            var reading = Stopwatch.StartNew();
            foreach (ArchiveKey key in all) target.OpenAsync(key).AsTask().Result.Dispose();
            Print($"open by key, {level}", count, reading.Elapsed, 0);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task<long> Archive(
        byte[][] messages, ArchiveCompression level, string folder, FileArchiveTarget target, JournalKeyManager keys, int number, int count)
    {
        using var writer = new ArchiveRecordWriter(level, DiskStorage.Instance, folder);
        using var batch = new ArchiveBatch(writer);
        using IArchiveSession session = await target.OpenSessionAsync($"bench{number}", Day);
        long packed = 0;
        for (int i = 0; i < count; i++)
        {
            batch.Add(Entry(messages[i % messages.Length], (number << 24) + i) with { Mailbox = $"bench{number}" });
            if (batch.MemoryLength < BatchBytes && i < count - 1) continue;
            keys.Put(await session.AppendAsync(batch));
            packed += batch.Length;
            batch.Clear();
        }
        return packed;
    }

    private static readonly DateTimeOffset Day = new(2026, 7, 1, 0, 0, 0, TimeSpan.Zero);

    private static void Print(string what, int count, TimeSpan time, long packed)
    {
        double seconds = time.TotalSeconds;
        Console.WriteLine(
            $"{what,-50} {count / seconds,10:N0} messages/s {(double)count * MessageSize / seconds / 1e6,8:F0} MB/s"
            + (packed > 0 ? $", {100.0 * packed / ((double)count * MessageSize):F0}% of the size" : ""));
    }

    private static ArchiveEntry Entry(byte[] body, int number) => new()
    {
        Id = new Guid(number, 0, 0x7000, 0x80, 0, 0, 0, 0, 0, 0, 1),
        Mailbox = "bench",
        Folder = "Inbox",
        Sender = "joe@example.org",
        ReceivedDate = Day,
        StorageDate = Day,
        Body = MessageBody.FromMemory(body),
    };

    /// <summary>Half words, half base64, as mail is.</summary>
    private static byte[] Message(int seed)
    {
        var random = new Random(seed);
        string[] words = [.. Enumerable.Range(0, 3000).Select(i => new string([.. Enumerable.Range(0, 3 + i % 8).Select(_ => (char)('a' + random.Next(26)))]))];
        var text = new StringBuilder("From: Joe <joe@example.org>\r\nTo: ann@example.org\r\nSubject: a message for measuring\r\n\r\n");
        var noise = new byte[57];
        while (text.Length < MessageSize)
        {
            if (text.Length < MessageSize / 2)
            {
                for (int i = 0; i < 10; i++) text.Append(words[(int)(words.Length * random.NextDouble() * random.NextDouble())]).Append(' ');
            }
            else
            {
                random.NextBytes(noise);
                text.Append(Convert.ToBase64String(noise));
            }
            text.Append("\r\n");
        }
        return Encoding.ASCII.GetBytes(text.ToString(0, MessageSize));
    }
}
