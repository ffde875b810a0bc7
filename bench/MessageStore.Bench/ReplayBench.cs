using System.Diagnostics;
using System.Globalization;
using MessageStore.Storage;

namespace MessageStore.Bench;

/// <summary>How fast a log is applied at opening: small transactions, and messages.</summary>
internal static class ReplayBench
{
    private const int Messages = 10_000;
    private const int SmallTransactions = 1_000_000;
    private const int Appends = 50_000;
    private const int BodyBytes = 4096;

    private static readonly GroupOptions Options = new() { CheckpointLogBytes = long.MaxValue, CloseReplayBytes = long.MaxValue };

    public static async Task<IReadOnlyList<BenchRow>> RunAsync(BenchArguments arguments)
    {
        var rows = new List<BenchRow>();
        using (StorageGroup group = BenchGroup.Create(arguments.Path, Options))
        {
            Guid[] ids = await BenchGroup.FillAsync(group, Messages, BodyBytes).ConfigureAwait(false);
            group.Checkpoint(CancellationToken.None);
            await BenchGroup.FlagAsync(group, ids, SmallTransactions).ConfigureAwait(false);
        }
        rows.Add(Measure(arguments, "replay, flags", SmallTransactions));
        using (StorageGroup group = BenchGroup.Create(arguments.Path, Options))
        {
            await BenchGroup.FillAsync(group, Messages, BodyBytes).ConfigureAwait(false);
            group.Checkpoint(CancellationToken.None);
            await BenchGroup.FillAsync(group, Appends, BodyBytes).ConfigureAwait(false);
        }
        rows.Add(Measure(arguments, "replay, messages of 4 KiB", Appends));
        return rows;
    }

    private static BenchRow Measure(BenchArguments arguments, string name, int expected)
    {
        var rates = new List<double>();
        long bytes = 0;
        // One more than asked for: the first compiles the code and warms the cache.
        for (int round = 0; round <= arguments.Rounds; round++)
        {
            var watch = Stopwatch.StartNew();
            RecoveredGroup recovered = BenchGroup.Recovery(arguments.Path, Options).Run();
            if (round > 0) rates.Add(recovered.Replayed / watch.Elapsed.TotalSeconds);
            bytes = recovered.ReplayedBytes;
            recovered.Segments.Dispose();
            if (recovered.Replayed < expected) throw new InvalidOperationException($"{recovered.Replayed} of {expected} transactions were replayed.");
        }
        double rate = BenchRow.Median(rates);
        return new BenchRow(name, rate, null, "per second", string.Create(CultureInfo.InvariantCulture, $"{rate * bytes / expected / 1e6:N0} MB/s of log"));
    }
}
