using System.Diagnostics;
using System.Globalization;
using MessageStore.IO;

namespace MessageStore.Bench;

/// <summary>With <c>--peer</c>, what stands beside durable appends in the same run: PostgreSQL 15, and the floor that the disk sets.</summary>
internal static class AppendPeers
{
    private const string NoPeer = "no PostgreSQL 15 here";

    public static async Task<IReadOnlyList<BenchRow>> RunAsync(BenchArguments arguments)
    {
        var rows = new List<BenchRow>(await AppendBench.RunAsync(arguments).ConfigureAwait(false));
        if (!arguments.Peer) return rows;
        int row = 0;
        foreach (int size in arguments.Sizes)
        {
            foreach (int writers in arguments.Writers)
            {
                double? peer = await PostgresPeer.MeasureAsync(arguments, writers, size).ConfigureAwait(false);
                rows[row] = rows[row] with { Peer = peer, Note = rows[row].Note + (peer is null ? "; " + NoPeer : "; beside it: PostgreSQL 15") };
                row++;
            }
        }
        foreach (int size in arguments.Sizes)
        {
            foreach (int writers in arguments.Writers)
            {
                double floor = BenchRow.Median(Enumerable.Range(0, arguments.Rounds).Select(_ => Floor(arguments, writers, size)));
                rows.Add(new BenchRow(string.Create(CultureInfo.InvariantCulture, $"floor {size} B, batches of {writers}"), floor, null, "messages/s",
                    string.Create(CultureInfo.InvariantCulture, $"one write into allocated space and one flush a batch: {floor / writers:N0} flushes/s, {floor * size / 1e6:N0} MB/s")));
            }
        }
        return rows;
    }

    /// <summary>Nothing but what no store that keeps its word can leave out: a write and a flush for all who wait.</summary>
    private static double Floor(BenchArguments arguments, int writers, int size)
    {
        const int FileBytes = 256 << 20;
        string path = Path.Combine(Path.GetDirectoryName(Path.GetFullPath(arguments.Path))!, $"messagestore-floor-{Environment.ProcessId}");
        try
        {
            using IStorageFile file = DiskStorage.Instance.Open(path, FileAccessKind.CreateOrTruncate);
            byte[] zeros = new byte[4 << 20];
            for (long at = 0; at < FileBytes; at += zeros.Length) file.Write(zeros, at);
            file.Flush();
            byte[] batch = BenchGroup.Body(writers * size);
            long offset = 0, batches = 0;
            var watch = Stopwatch.StartNew();
            while (watch.Elapsed.TotalSeconds < arguments.Seconds)
            {
                file.Write(batch, offset);
                file.Flush();
                offset = offset + 2 * batch.Length > FileBytes ? 0 : offset + batch.Length;
                batches++;
            }
            return batches * writers / watch.Elapsed.TotalSeconds;
        }
        finally
        {
            File.Delete(path);
        }
    }
}
