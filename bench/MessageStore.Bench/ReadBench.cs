using System.Diagnostics;
using System.Globalization;
using MessageStore.Storage;

namespace MessageStore.Bench;

/// <summary>Reading hot messages at random through <see cref="IMessageStore"/>; beside it, bare reads of as many bytes at random places of the same segment.</summary>
internal static class ReadBench
{
    private const int Messages = 50_000;
    private const int BodyBytes = 4096;

    public static async Task<IReadOnlyList<BenchRow>> RunAsync(BenchArguments arguments)
    {
        if (Directory.Exists(arguments.Path)) Directory.Delete(arguments.Path, recursive: true);
        await MessageDatabase.CreateAsync(new MessageDatabaseOptions { Path = arguments.Path }).ConfigureAwait(false);
        await using IMessageStore store = await MessageDatabase.OpenAsync(arguments.Path).ConfigureAwait(false);
        StorageGroup group = ((EmbeddedMessageStore)store).Database.Mail.Groups[0];
        Guid[] ids = await BenchGroup.FillAsync(group, Messages, BodyBytes).ConfigureAwait(false);
        string segment = Directory.EnumerateFiles(arguments.Path, "*.seg", SearchOption.AllDirectories).First();
        var rows = new List<BenchRow>();
        foreach (int readers in (int[])[1, 4])
        {
            var ours = new List<double>();
            var bare = new List<double>();
            var high = new List<double>();
            for (int round = 0; round < arguments.Rounds; round++)
            {
                (double rate, double p99) = await MeasureAsync(arguments.Seconds, readers, random => ReadAsync(store, ids[random.Next(ids.Length)])).ConfigureAwait(false);
                ours.Add(rate);
                high.Add(p99);
                bare.Add(await BareAsync(arguments.Seconds, readers, segment).ConfigureAwait(false));
            }
            rows.Add(new BenchRow($"read at random, 4 KiB, {readers} readers", BenchRow.Median(ours), BenchRow.Median(bare), "messages/s",
                string.Create(CultureInfo.InvariantCulture, $"p99 {BenchRow.Median(high):N3} ms; beside it: pread")));
        }
        return rows;
    }

    private static async Task ReadAsync(IMessageStore store, Guid id)
    {
        byte[] buffer = Buffer.Value!;
        await using Stream body = await store.OpenReadAsync(id).ConfigureAwait(false);
        int total = 0, read;
        while ((read = body.Read(buffer)) > 0) total += read;
        if (total != BodyBytes) throw new InvalidOperationException($"{total} bytes of {id}.");
    }

    private static readonly ThreadLocal<byte[]> Buffer = new(() => new byte[BodyBytes + 1]);

    private static async Task<double> BareAsync(double seconds, int readers, string path)
    {
        using Microsoft.Win32.SafeHandles.SafeFileHandle file = File.OpenHandle(path);
        long length = RandomAccess.GetLength(file);
        (double rate, _) = await MeasureAsync(seconds, readers, random =>
        {
            RandomAccess.Read(file, Buffer.Value!, random.NextInt64(length - BodyBytes));
            return Task.CompletedTask;
        }).ConfigureAwait(false);
        return rate;
    }

    private static async Task<(double Rate, double P99)> MeasureAsync(double seconds, int readers, Func<Random, Task> read)
    {
        long end = Stopwatch.GetTimestamp() + (long)(seconds * Stopwatch.Frequency);
        var watch = Stopwatch.StartNew();
        List<double>[] all = await Task.WhenAll(Enumerable.Range(0, readers).Select(r => Task.Run(async () =>
        {
            var random = new Random(r);
            var mine = new List<double>(1 << 20);
            while (true)
            {
                long start = Stopwatch.GetTimestamp();
                if (start >= end) return mine;
                await read(random).ConfigureAwait(false);
                mine.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            }
        }))).ConfigureAwait(false);
        double total = watch.Elapsed.TotalSeconds;
        double[] sorted = [.. all.SelectMany(l => l).Order()];
        return (sorted.Length / total, sorted[(int)(sorted.Length * 0.99)]);
    }
}
