using System.Diagnostics;
using System.Globalization;
using MessageStore.Messages;
using MessageStore.Storage;

namespace MessageStore.Bench;

/// <summary>Durable appends through <see cref="IMessageStore"/>: n writers, each waiting for its message to be durable before it sends the next.</summary>
internal static class AppendBench
{
    public static async Task<IReadOnlyList<BenchRow>> RunAsync(BenchArguments arguments)
    {
        var rows = new List<BenchRow>();
        var limits = new List<BenchRow>();
        DiskLimits disk = DiskLimits.Measure(Path.GetDirectoryName(Path.GetFullPath(arguments.Path))!, arguments.Seconds);
        foreach (int size in arguments.Sizes)
        {
            foreach (int writers in arguments.Writers)
            {
                var rates = new List<double>();
                var p50 = new List<double>();
                var p99 = new List<double>();
                var bytes = new List<double>();
                var flushes = new List<double>();
                for (int round = 0; round < arguments.Rounds; round++)
                {
                    Measured one = await MeasureAsync(arguments, writers, size).ConfigureAwait(false);
                    rates.Add(one.Rate);
                    p50.Add(one.P50);
                    p99.Add(one.P99);
                    bytes.Add(one.BytesPerSecond);
                    flushes.Add(one.FlushesPerSecond);
                }
                string name = string.Create(CultureInfo.InvariantCulture, $"append {size} B, {writers} writers");
                rows.Add(new BenchRow(name, BenchRow.Median(rates), null, "messages/s",
                    string.Create(CultureInfo.InvariantCulture, $"p50 {BenchRow.Median(p50):N2} ms, p99 {BenchRow.Median(p99):N2} ms")));
                limits.Add(new BenchRow(name + ", bytes", BenchRow.Median(bytes) / 1e6, disk.BytesPerSecond / 1e6, "MB/s", "all that was written, to log and store; beside it: this disk from front to back"));
                limits.Add(new BenchRow(name + ", flushes", BenchRow.Median(flushes), disk.FlushesPerSecond, "flushes/s", "beside it: 4 KiB and a flush, one after the other"));
            }
        }
        return [.. rows, .. limits];
    }

    private static async Task<Measured> MeasureAsync(BenchArguments arguments, int writers, int size)
    {
        if (Directory.Exists(arguments.Path)) Directory.Delete(arguments.Path, recursive: true);
        await MessageDatabase.CreateAsync(new MessageDatabaseOptions { Path = arguments.Path, CircularLogging = arguments.Circular }).ConfigureAwait(false);
        var disk = new CountingStorage();
        using OpenDatabase database = OpenDatabase.OpenNow(disk, Path.GetFullPath(arguments.Path), new GroupOptions());
        var store = new EmbeddedMessageStore(database);
        for (int i = 0; i < writers; i++) await store.CreateMailboxAsync($"u{i}").ConfigureAwait(false);
        var latencies = new List<double>[writers];
        (long bytes, long flushes) = (disk.Bytes, disk.Flushes);
        long end = Stopwatch.GetTimestamp() + (long)(arguments.Seconds * Stopwatch.Frequency);
        var watch = Stopwatch.StartNew();
        await Task.WhenAll(Enumerable.Range(0, writers).Select(w => Task.Run(async () =>
        {
            var mine = latencies[w] = new List<double>(1 << 16);
            byte[] message = Message(w, size);
            while (Stopwatch.GetTimestamp() < end)
            {
                long start = Stopwatch.GetTimestamp();
                using MessageBody body = MessageBody.FromMemory(message);
                await store.AppendAsync(new MessageToAppend { Mailbox = $"u{w}", Body = body }).ConfigureAwait(false);
                mine.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            }
        }))).ConfigureAwait(false);
        double seconds = watch.Elapsed.TotalSeconds;
        (bytes, flushes) = (disk.Bytes - bytes, disk.Flushes - flushes);
        double[] all = [.. latencies.SelectMany(l => l).Order()];
        return new Measured(all.Length / seconds, all[all.Length / 2], all[(int)(all.Length * 0.99)], bytes / seconds, flushes / seconds);
    }

    private static byte[] Message(int seed, int size)
    {
        string head = $"From: writer{seed}@example.com\r\nTo: reader@example.com\r\nSubject: bench {seed}\r\nDate: Mon, 2 Mar 2026 10:00:00 +0000\r\nMessage-ID: <{seed}@bench>\r\n\r\n";
        byte[] message = new byte[Math.Max(size, head.Length)];
        new Random(seed).NextBytes(message);
        System.Text.Encoding.ASCII.GetBytes(head, message);
        return message;
    }

    private readonly record struct Measured(double Rate, double P50, double P99, double BytesPerSecond, double FlushesPerSecond);
}
