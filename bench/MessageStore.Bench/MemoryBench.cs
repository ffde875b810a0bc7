using System.Globalization;
using MessageStore.Storage;

namespace MessageStore.Bench;

/// <summary>Managed memory that a message takes while its group is open.</summary>
internal static class MemoryBench
{
    private const int BodyBytes = 100;

    public static async Task<IReadOnlyList<BenchRow>> RunAsync(BenchArguments arguments)
    {
        var rows = new List<BenchRow>();
        foreach (int messages in arguments.Messages)
        {
            // Buffers that the first commits make stay and are no message's.
            using StorageGroup group = BenchGroup.Create(arguments.Path);
            await BenchGroup.FillAsync(group, 5_000, BodyBytes).ConfigureAwait(false);
            long before = GC.GetTotalMemory(forceFullCollection: true);
            await BenchGroup.FillAsync(group, messages, BodyBytes).ConfigureAwait(false);
            group.Checkpoint(CancellationToken.None);
            long after = GC.GetTotalMemory(forceFullCollection: true);
            rows.Add(new BenchRow(string.Create(CultureInfo.InvariantCulture, $"memory of {messages:N0} messages"), (after - before) / (double)messages, null, "B/message",
                string.Create(CultureInfo.InvariantCulture, $"{(after - before) / 1e6:N1} MB")));
        }
        return rows;
    }
}
