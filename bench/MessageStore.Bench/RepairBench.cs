using MessageStore.Messages;

namespace MessageStore.Bench;

/// <summary>Repair of a lost disk: messages with two copies on three nodes, the disk of one is exchanged for an empty one, and what lay there is copied from the others.</summary>
internal static class RepairBench
{
    private const int Nodes = 3;

    public static async Task<IReadOnlyList<BenchRow>> RunAsync(BenchArguments arguments)
    {
        int size = arguments.Sizes[0], count = arguments.Messages[0];
        using BenchCluster cluster = await BenchCluster.StartAsync(arguments.Path, Nodes).ConfigureAwait(false);
        string database = Path.Combine(arguments.Path, "db");
        await MessageDatabase.CreateAsync(new MessageDatabaseOptions { Path = database }).ConfigureAwait(false);
        IMessageStore store = await MessageDatabase.OpenAsync(database).ConfigureAwait(false);
        await using (store.ConfigureAwait(false))
        {
            await store.SetNodesAsync(new NodeSettings { Directory = Path.Combine(arguments.Path, "nodes.json"), KeyFile = Path.Combine(arguments.Path, "key") }).ConfigureAwait(false);
            await Parallel.ForAsync(0, count, new ParallelOptions { MaxDegreeOfParallelism = 16 }, async (n, stop) =>
            {
                using MessageBody body = MessageBody.FromMemory(BenchGroup.Body(size));
                await store.AppendAsync(new MessageToAppend { Mailbox = $"user{n % 64}", Body = body, CreateMailbox = true }, stop).ConfigureAwait(false);
            }).ConfigureAwait(false);
            ArchiveRun archived = await store.ArchiveAsync(new ArchiveOptions { Before = DateTimeOffset.MaxValue }).ConfigureAwait(false);
            if (archived.Moved != count) throw new InvalidOperationException($"{archived.Moved} of {count} messages were archived.");
            await cluster.LoseDiskAsync(1).ConfigureAwait(false);
            ReplicaRepairRun repaired = await store.RepairCopiesAsync(new ReplicaRepairOptions { Repair = true }).ConfigureAwait(false);
            if (repaired.UnderReplicated > 0) throw new InvalidOperationException($"{repaired.UnderReplicated} messages have too few copies: {string.Join(' ', repaired.Problems)}");
            ReplicaRepairRun scrubbed = await store.RepairCopiesAsync(new ReplicaRepairOptions { ReadBodies = true }).ConfigureAwait(false);
            return
            [
                Row($"repair, {repaired.Restored} of {count} messages of {size} B", repaired.Restored, repaired),
                Row($"scrub, {count} messages of {size} B", 2 * count, scrubbed),
            ];
        }

        static BenchRow Row(string name, long copies, ReplicaRepairRun run) => new(name, run.Bytes / run.Duration.TotalSeconds / 1e6, null, "MB/s", $"{copies / run.Duration.TotalSeconds:N0} copies/s, {run.Duration.TotalSeconds:N1} s");
    }
}
