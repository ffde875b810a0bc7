using System.Diagnostics;
using System.Globalization;
using MessageStore.Archiving;
using MessageStore.IO;
using MessageStore.Messages;
using MessageStore.Replication;

namespace MessageStore.Bench;

/// <summary>
/// Replicated writes: n writers, each waiting until its message is acknowledged by units on different nodes before it sends the next. Nodes are processes of their own on loopback, all on
/// the bench's disk. With <c>--peer</c>, PostgreSQL 15 with a synchronous standby beside it.
/// </summary>
internal static class ReplicateBench
{
    private const int Nodes = 3;

    public static async Task<IReadOnlyList<BenchRow>> RunAsync(BenchArguments arguments)
    {
        var rows = new List<BenchRow>();
        foreach (int size in arguments.Sizes)
        {
            foreach (int writers in arguments.Writers)
            {
                double? peer = arguments.Peer ? await PostgresPeer.MeasureAsync(arguments, writers, size, standby: true).ConfigureAwait(false) : null;
                foreach ((ReplicationTopology topology, int copies) in ((ReplicationTopology, int)[])[(ReplicationTopology.FanOut, 2), (ReplicationTopology.Chain, 2), (ReplicationTopology.FanOut, 3), (ReplicationTopology.Chain, 3)])
                {
                    if (arguments.Ways.Length > 0 && !arguments.Ways.Contains($"{topology}{copies}", StringComparer.OrdinalIgnoreCase)) continue;
                    rows.Add(await MeasureAsync(arguments, new ReplicationOptions { Copies = copies, Topology = topology }, writers, size).ConfigureAwait(false) with { Peer = copies == 2 ? peer : null });
                }
            }
        }
        return rows;
    }

    private static async Task<BenchRow> MeasureAsync(BenchArguments arguments, ReplicationOptions options, int writers, int size)
    {
        var loads = new List<Load>();
        for (int round = 0; round < arguments.Rounds; round++)
        {
            using var cluster = await BenchCluster.StartAsync(arguments.Path, Nodes).ConfigureAwait(false);
            var directory = new DirectoryCache(cluster.Directory, options, TimeProvider.System);
            using var connector = new HttpNodeConnector(BenchCluster.Key, HttpNodeConnector.DefaultTimeout, TimeProvider.System);
            var writer = new ReplicatedWriter(directory, connector, new NodeSelector(new Random(1), TimeProvider.System), options);
            var ids = new MessageIdSource(TimeProvider.System, new Random(2));
            if (arguments.WarmUp > 0) await LoadAsync(arguments with { Seconds = arguments.WarmUp }, cluster, writer, ids, writers, size).ConfigureAwait(false);
            loads.Add(await LoadAsync(arguments, cluster, writer, ids, writers, size).ConfigureAwait(false));
        }
        return new BenchRow(string.Create(CultureInfo.InvariantCulture, $"{options.Topology} {options.Copies} copies, {size} B, {writers} writers"), Median(l => l.Rate), null, "messages/s",
            string.Create(CultureInfo.InvariantCulture, $"p50 {Median(l => l.P50):N2} ms, p99 {Median(l => l.P99):N2} ms; processor {Median(l => l.Sender):N1} µs a message in the sender, {Median(l => l.Nodes):N1} in the nodes"));

        double Median(Func<Load, double> figure) => BenchRow.Median(loads.Select(figure));
    }

    private static async Task<Load> LoadAsync(BenchArguments arguments, BenchCluster cluster, ReplicatedWriter writer, MessageIdSource ids, int writers, int size)
    {
        var latencies = new List<double>[writers];
        TimeSpan sender = Environment.CpuUsage.TotalTime, nodes = cluster.ProcessorTime;
        long end = Stopwatch.GetTimestamp() + (long)(arguments.Seconds * Stopwatch.Frequency);
        var watch = Stopwatch.StartNew();
        await Task.WhenAll(Enumerable.Range(0, writers).Select(w => Task.Run(async () =>
        {
            var mine = latencies[w] = new List<double>(1 << 14);
            string spool = Directory.CreateDirectory(Path.Combine(arguments.Path, "spool")).FullName;
            using var packer = new ArchiveRecordWriter(ArchiveCompression.Stored, DiskStorage.Instance, spool);
            byte[] body = BenchGroup.Body(size);
            while (Stopwatch.GetTimestamp() < end)
            {
                long start = Stopwatch.GetTimestamp();
                using var record = new PooledBuffer(size + 1024);
                packer.Write(new ArchiveEntry
                {
                    Id = ids.Next(), Mailbox = "u", Folder = StoreLimits.Inbox, ReceivedDate = DateTimeOffset.UnixEpoch, StorageDate = DateTimeOffset.UnixEpoch, Body = MessageBody.FromMemory(body),
                }, record, out _, out _);
                await writer.WriteAsync([new SentRecord(record.Memory, Crc32C.Compute(record.Span))]).ConfigureAwait(false);
                mine.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            }
        }))).ConfigureAwait(false);
        double seconds = watch.Elapsed.TotalSeconds;
        double[] all = [.. latencies.SelectMany(l => l).Order()];
        return new Load(all.Length / seconds, all[all.Length / 2], all[(int)(all.Length * 0.99)],
            (Environment.CpuUsage.TotalTime - sender).TotalMicroseconds / all.Length, (cluster.ProcessorTime - nodes).TotalMicroseconds / all.Length);
    }

    /// <summary>What a load came to: messages a second, milliseconds, and microseconds of processor time a message, what makes the messages included.</summary>
    private sealed record Load(double Rate, double P50, double P99, double Sender, double Nodes);
}
