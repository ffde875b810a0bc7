using System.Diagnostics;
using System.Globalization;
using MessageStore.Storage;

namespace MessageStore.Bench;

/// <summary>What an append costs when a group holds ten thousand messages already, a hundred thousand, a million. Beside each: the cost at the smallest.</summary>
/// <remarks>
/// The group is filled with bodies of 100 bytes and keeps no more log than recovery needs, so that ten million messages take some 4 GB of store and 1 GB of memory. What is measured has the
/// size that <c>--sizes</c> names, and comes on top: 50,000 a round, and as many rounds as it takes until a checkpoint was made.
/// </remarks>
internal static class GrowthBench
{
    private const int FillBytes = 100;
    private const int MeasuredAppends = 50_000;

    public static async Task<IReadOnlyList<BenchRow>> RunAsync(BenchArguments arguments)
    {
        var rows = new List<BenchRow>();
        int bodyBytes = arguments.Sizes[0];
        using StorageGroup group = BenchGroup.Create(arguments.Path, new GroupOptions { CircularLogging = true });
        await BenchGroup.FillAsync(group, MeasuredAppends / 10, bodyBytes).ConfigureAwait(false);
        double? firstTime = null, firstCpu = null;
        long present = group.GetStatus().MessageCount;
        foreach (int messages in arguments.Messages)
        {
            if (messages > present) await BenchGroup.FillAsync(group, (int)(messages - present), FillBytes).ConfigureAwait(false);
            // A checkpoint now, and rounds until the next is done: however seldom they come, each size bears its share of one.
            group.Checkpoint(CancellationToken.None);
            ulong before = group.GetStatus().CheckpointLsn;
            int rounds = 0;
            using var self = Process.GetCurrentProcess();
            TimeSpan cpuBefore = self.TotalProcessorTime;
            var watch = Stopwatch.StartNew();
            while (rounds < arguments.Rounds || group.GetStatus().CheckpointLsn == before)
            {
                await BenchGroup.FillAsync(group, MeasuredAppends, bodyBytes).ConfigureAwait(false);
                rounds++;
            }
            double time = watch.Elapsed.TotalMicroseconds / rounds / MeasuredAppends;
            self.Refresh();
            double cpu = (self.TotalProcessorTime - cpuBefore).TotalMicroseconds / rounds / MeasuredAppends;
            present = group.GetStatus().MessageCount;
            string name = string.Create(CultureInfo.InvariantCulture, $"append at {messages:N0} messages");
            rows.Add(new BenchRow(name, time, firstTime ??= time, "µs", string.Create(CultureInfo.InvariantCulture, $"elapsed, mean of {rounds} rounds, checkpoints included")));
            rows.Add(new BenchRow(name + ", CPU", cpu, firstCpu ??= cpu, "µs", "of both cores"));
        }
        return rows;
    }
}
