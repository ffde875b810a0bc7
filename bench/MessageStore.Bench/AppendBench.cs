using System.Diagnostics;
using System.Globalization;
using MessageStore.Messages;

namespace MessageStore.Bench;

/// <summary>Durable appends through <see cref="IMessageStore"/>: n writers, each waiting for its message to be durable before it sends the next.</summary>
internal static class AppendBench
{
    public static async Task<IReadOnlyList<BenchRow>> RunAsync(BenchArguments arguments)
    {
        var rows = new List<BenchRow>();
        foreach (int size in arguments.Sizes)
        {
            foreach (int writers in arguments.Writers)
            {
                var rates = new List<double>();
                var p50 = new List<double>();
                var p99 = new List<double>();
                for (int round = 0; round < arguments.Rounds; round++)
                {
                    (double rate, double half, double high) = await MeasureAsync(arguments, writers, size).ConfigureAwait(false);
                    rates.Add(rate);
                    p50.Add(half);
                    p99.Add(high);
                }
                string name = string.Create(CultureInfo.InvariantCulture, $"append {size} B, {writers} writers");
                rows.Add(new BenchRow(name, BenchRow.Median(rates), null, "messages/s",
                    string.Create(CultureInfo.InvariantCulture, $"p50 {BenchRow.Median(p50):N2} ms, p99 {BenchRow.Median(p99):N2} ms")));
            }
        }
        return rows;
    }

    private static async Task<(double Rate, double P50, double P99)> MeasureAsync(BenchArguments arguments, int writers, int size)
    {
        if (Directory.Exists(arguments.Path)) Directory.Delete(arguments.Path, recursive: true);
        await MessageDatabase.CreateAsync(new MessageDatabaseOptions { Path = arguments.Path }).ConfigureAwait(false);
        await using IMessageStore store = await MessageDatabase.OpenAsync(arguments.Path).ConfigureAwait(false);
        for (int i = 0; i < writers; i++) await store.CreateMailboxAsync($"u{i}").ConfigureAwait(false);
        var latencies = new List<double>[writers];
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
        double[] all = [.. latencies.SelectMany(l => l).Order()];
        return (all.Length / seconds, all[all.Length / 2], all[(int)(all.Length * 0.99)]);
    }

    private static byte[] Message(int seed, int size)
    {
        string head = $"From: writer{seed}@example.com\r\nTo: reader@example.com\r\nSubject: bench {seed}\r\nDate: Mon, 2 Mar 2026 10:00:00 +0000\r\nMessage-ID: <{seed}@bench>\r\n\r\n";
        byte[] message = new byte[Math.Max(size, head.Length)];
        new Random(seed).NextBytes(message);
        System.Text.Encoding.ASCII.GetBytes(head, message);
        return message;
    }
}
