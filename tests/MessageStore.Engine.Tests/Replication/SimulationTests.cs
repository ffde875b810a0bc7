using MessageStore.Replication;
using MessageStore.Tests.Storage;
using MessageStore.Tests.Support;
using Xunit.Abstractions;

namespace MessageStore.Tests.Replication;

/// <summary>
/// Many nodes, a bad network and bad disks, from one seed: no acknowledged message is lost, and after repair every key resolves and every message has its copies.
/// </summary>
/// <remarks>
/// Faults that destroy what was acknowledged (a lost disk, rot, a volume that somebody deletes under the running node) strike one node at a time, and repair runs before the next: that is what n copies promise. Everything else
/// strikes at will. Replay a failure with MESSAGESTORE_SEED, go on for longer with MESSAGESTORE_SEEDS.
/// </remarks>
public sealed class SimulationTests(ITestOutputHelper output)
{
    [Fact]
    public void No_acknowledged_message_is_lost_whatever_happens_to_nodes_and_network()
    {
        int messages = Sweeps.ForEachSeed(24, seed => RunAsync(seed).GetAwaiter().GetResult());
        Proof.Report(output, $"{messages} messages acknowledged in simulated clusters");
        if (Sweeps.IsFullSet) Assert.True(messages > 300, $"only {messages} messages were acknowledged: the simulation is too harsh to prove anything");
    }

    private static async Task<int> RunAsync(int seed)
    {
        var options = new ReplicationOptions
        {
            Copies = 2 + seed % 2, Topology = seed % 4 < 2 ? ReplicationTopology.FanOut : ReplicationTopology.Chain, SuspectFor = TimeSpan.FromSeconds(20),
        };
        using var cluster = new SimulatedCluster(seed, 4 + seed % 2, 1 + seed % 2, options, n => n < 3 ? 0 : 1);
        Random random = cluster.Random;
        var acknowledged = new Dictionary<Guid, IncomingRecord>();
        cluster.TroublePercent = 20;
        int number = 1;
        for (int step = 0; step < 60; step++)
        {
            cluster.Clock.Now += TimeSpan.FromSeconds(random.Next(15));
            SimulatedNode node = cluster.Nodes[random.Next(cluster.Nodes.Count)];
            switch (random.Next(14))
            {
                case 0:
                    node.Crash();
                    break;
                case 1:
                    node.IsCutOff = !node.IsCutOff;
                    break;
                case 2:
                    node.Disks[0].Storage.FailAt(random.Next(1, 4), new IOException("Input/output error"), StorageOperations.Write | StorageOperations.Flush);
                    break;
                case 3:
                    await cluster.DeliverLateAsync();
                    break;
                case 4 or 5:
                    Restart(node);
                    break;
                case 6:
                    await HealAsync(cluster, acknowledged);
                    if (random.Next(2) == 0) node.LoseDisk(random.Next(node.Disks.Count));
                    else Rot(node, random);
                    await HealAsync(cluster, acknowledged);
                    break;
                case 7:
                    await HealAsync(cluster, acknowledged);
                    await StoreAsync();
                    DeleteVolume(node, random);
                    if (random.Next(2) == 0) await StoreAsync();
                    await HealAsync(cluster, acknowledged, restart: false);
                    break;
                default:
                    await StoreAsync();
                    break;
            }
        }
        await HealAsync(cluster, acknowledged);

        // What no key names is gone in the end, and nothing else is.
        cluster.Clock.Now += TimeSpan.FromDays(3);
        await HealAsync(cluster, acknowledged);
        HashSet<(string, string, long)> named = [.. cluster.Keys.List().Select(k => (k.Unit, k.Volume, k.Offset))];
        foreach (StorageUnit unit in cluster.Nodes.SelectMany(n => n.Running!.Units))
            foreach (string volume in unit.ListVolumes())
                foreach (var record in unit.ListRecords(volume))
                    if (!named.Contains((unit.Name, volume, record.Offset))) throw new InvariantException($"{record.Id} in {unit.Name} is named by no key and still there.");
        return acknowledged.Count;

        async Task StoreAsync()
        {
            IncomingRecord[] records = [.. Enumerable.Range(0, random.Next(1, 4)).Select(_ => UnitSamples.Record(number++, random.Next(1, 3000), cluster.Clock.Now))];
            for (int attempt = 0; attempt < 2; attempt++)
            {
                try
                {
                    await cluster.StoreAsync(records);
                    foreach (IncomingRecord record in records) acknowledged.TryAdd(record.Info.Id, record);
                    if (random.Next(5) > 0) break; // otherwise once more, as a sender does that did not see its acknowledgement
                }
                catch (MessageStoreException error) when (error.ErrorId == ErrorIds.NotEnoughCopies)
                {
                }
            }
        }
    }

    /// <summary>Quiet: everything comes back, and repair runs; then all must be there.</summary>
    /// <param name="restart">Whether nodes are started again: without it, all of them must be running.</param>
    private static async Task HealAsync(SimulatedCluster cluster, Dictionary<Guid, IncomingRecord> acknowledged, bool restart = true)
    {
        int trouble = cluster.TroublePercent;
        cluster.TroublePercent = 0;
        await cluster.DeliverLateAsync();
        foreach (SimulatedNode node in cluster.Nodes)
        {
            node.IsCutOff = false;
            if (restart) Restart(node);
        }
        cluster.Clock.Now += TimeSpan.FromMinutes(2);
        ReplicaRepairRun run = await cluster.RepairAsync(new ReplicaRepairOptions { Repair = true, ReadBodies = true });
        if (run.UnderReplicated > 0) throw new InvariantException($"{run.UnderReplicated} messages have too few copies after repair: {string.Join(" ", run.Problems)}");
        foreach ((Guid id, IncomingRecord record) in acknowledged)
        {
            IReadOnlyList<ArchiveKey> keys = cluster.Keys.Find(id);
            if (keys.Select(k => DirectoryCache.NodeOf(k.Unit)).Distinct().Count() < cluster.Options.Copies) throw new InvariantException($"Message {id} has {keys.Count} copies.");
            foreach (ArchiveKey key in keys)
            {
                if (key.Sha256 != record.Info.Sha256) throw new InvariantException($"The key of message {id} names another digest.");
                await cluster.Target.VerifyAsync(key);
            }
        }
        ReplicaRepairRun test = await cluster.RepairAsync(new ReplicaRepairOptions());
        if (test.UnderReplicated > 0 || test.Messages < acknowledged.Count) throw new InvariantException($"{test.UnderReplicated} of {test.Messages} messages are said to have too few copies after repair.");
        cluster.TroublePercent = trouble;
    }

    /// <summary>A unit that was taken out is opened again.</summary>
    private static void Restart(SimulatedNode node)
    {
        node.Stop();
        foreach (SimulatedNode.SimulatedDisk disk in node.Disks) disk.Storage.FailAt(long.MaxValue, new IOException("never"));
        node.Start();
    }

    /// <summary>Changes bytes in the middle of a record that was acknowledged.</summary>
    private static void Rot(SimulatedNode node, Random random)
    {
        if (AnyVolume(node, random) is not { } one || one.Unit.ListRecords(one.Volume.ToString()) is not { Count: > 0 } records) return;
        var record = records[random.Next(records.Count)];
        for (int changes = 0; changes < 3; changes++) one.Storage.Corrupt(one.Volume.PathIn(UnitSamples.Folder), record.Offset + random.NextInt64(record.Length), 0x40);
    }

    private static void DeleteVolume(SimulatedNode node, Random random)
    {
        if (AnyVolume(node, random) is { } one) one.Storage.DeleteFile(one.Volume.PathIn(UnitSamples.Folder));
    }

    private static (StorageUnit Unit, VolumeName Volume, MemoryStorage Storage)? AnyVolume(SimulatedNode node, Random random)
    {
        StorageUnit unit = node.Running!.Units[random.Next(node.Disks.Count)];
        if (unit.ListVolumes() is not { Count: > 0 } volumes) return null;
        string volume = volumes[random.Next(volumes.Count)];
        if (!VolumeName.TryParse(volume, out VolumeName name)) throw new InvariantException($"The unit lists a volume {volume}.");
        return (unit, name, node.Disks.Single(d => d.Unit == unit.ShortName).Storage);
    }
}
