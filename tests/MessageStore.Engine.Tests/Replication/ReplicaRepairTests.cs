using MessageStore.IO;
using MessageStore.Keys;
using MessageStore.Replication;
using MessageStore.Tests.Support;

namespace MessageStore.Tests.Replication;

public sealed class ReplicaRepairTests
{
    [Theory]
    [InlineData(1000)]
    [InlineData(50_000)]
    public async Task Repair_reads_no_more_bytes_a_second_than_it_may(long limit)
    {
        using var cluster = new SimulatedCluster(seed: 1, count: 3);
        for (int number = 1; number <= 30; number++) await cluster.StoreAsync(UnitSamples.Record(number, 2000));
        var clock = new LeapingClock(UnitSamples.Day);
        ReplicaRepairRun run = await OneByOne(cluster, clock).RunAsync(new ReplicaRepairOptions { ReadBodies = true, BytesPerSecond = limit }, null, CancellationToken.None);
        Assert.Equal((30, 0), (run.Messages, run.UnderReplicated));
        double seconds = (double)run.Bytes / limit;
        Assert.InRange(clock.Passed.TotalSeconds, seconds, seconds * 1.01);

        var free = new LeapingClock(UnitSamples.Day);
        await Repair(cluster, free).RunAsync(new ReplicaRepairOptions { ReadBodies = true }, null, CancellationToken.None);
        Assert.Equal(TimeSpan.Zero, free.Passed);
    }

    [Fact]
    public async Task What_a_mended_message_left_of_itself_in_a_damaged_stretch_is_filled_so_that_the_volume_unpacks()
    {
        using var cluster = new SimulatedCluster(seed: 2, count: 3);
        IncomingRecord[] records = [.. Enumerable.Range(1, 6).Select(n => UnitSamples.Record(n, 1500))];
        foreach (IncomingRecord record in records) await cluster.StoreAsync(record);
        ArchiveKey bad = cluster.Keys.List().GroupBy(k => (k.Unit, k.Volume)).MaxBy(g => g.Count())!.MinBy(k => k.Offset)!; // others lie behind it
        SimulatedNode node = cluster.Node(bad.Unit);
        node.Stop();
        string volume = Path.Combine(UnitSamples.Folder, "volumes", bad.Volume);
        for (int at = 0; at < 60; at++) node.Disks[0].Storage.Corrupt(volume, bad.Offset + at, 0xFF);
        node.Start();
        int readable = UnitSamples.Unpack(node.Disks[0].Storage.Content(volume)).Length; // it ends where the damage begins
        ReplicaRepairRun run = await cluster.RepairAsync();
        Assert.Equal((1, 0), (run.Restored, run.UnderReplicated));
        Assert.True(UnitSamples.Unpack(node.Disks[0].Storage.Content(volume)).Length > readable);
        foreach (ArchiveKey key in cluster.Keys.List()) await cluster.Target.VerifyAsync(key);
    }

    [Fact]
    public async Task Messages_are_read_side_by_side()
    {
        const int Together = 16;
        using var cluster = new SimulatedCluster(seed: 3, count: 3);
        for (int number = 1; number <= 40; number++) await cluster.StoreAsync(UnitSamples.Record(number, 500));
        var all = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        int reading = 0;
        var connector = new WatchedConnector(cluster) { OnRead = () => Interlocked.Increment(ref reading) >= Together ? Set(all) : all.Task };
        var target = new NodesArchiveTarget(cluster.Writer, cluster.Directory, connector, cluster.Options.Copies);
        var repair = new ReplicaRepair(cluster.Keys, target, cluster.Writer, cluster.Directory, connector, cluster.Clock, SimulatedCluster.DatabaseId);
        ReplicaRepairRun run = await repair.RunAsync(new ReplicaRepairOptions { ReadBodies = true }, null, CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(120));
        Assert.Equal((40, 0, 0), (run.Messages, run.UnderReplicated, run.Unreadable));
    }

    [Fact]
    public async Task A_lost_disk_comes_back_whole_with_many_messages_under_way()
    {
        using var cluster = new SimulatedCluster(seed: 4, count: 3);
        for (int number = 1; number <= 300; number++) await cluster.StoreAsync(UnitSamples.Record(number, 300));
        cluster.Nodes[0].LoseDisk(0);
        int lost = cluster.Keys.List().Count(k => DirectoryCache.NodeOf(k.Unit) == "n1");
        ReplicaRepairRun run = await Repair(cluster, cluster.Clock).RunAsync(new ReplicaRepairOptions { Repair = true }, null, CancellationToken.None);
        Assert.Equal((300, lost, 0, 0), (run.Messages, run.Restored, run.UnderReplicated, run.Unreadable));
        Assert.Equal(600, cluster.Keys.Count);
        Assert.All(cluster.Keys.List().GroupBy(k => k.Id), copies => Assert.Equal(2, copies.Select(k => DirectoryCache.NodeOf(k.Unit)).Distinct().Count()));
        foreach (ArchiveKey key in cluster.Keys.List()) await cluster.Target.VerifyAsync(key);
    }

    [Fact]
    public async Task A_node_that_did_not_answer_at_first_is_asked_again_and_its_copies_are_not_made_a_second_time()
    {
        using var cluster = new SimulatedCluster(seed: 5, count: 3);
        for (int number = 1; number <= 20; number++) await cluster.StoreAsync(UnitSamples.Record(number, 300));
        var clock = new FixedClock(UnitSamples.Day);
        int asked = 0;
        var connector = new WatchedConnector(cluster)
        {
            OnStatus = url =>
            {
                if (url != cluster.Nodes[1].Url || asked++ > 0) return;
                clock.Now += TimeSpan.FromSeconds(2); // it was just being started again
                throw new MessageStoreException(ErrorIds.NodeUnavailable, ErrorKind.Device, "connection refused", url);
            },
        };
        var repair = new ReplicaRepair(cluster.Keys, cluster.Target, cluster.Writer, cluster.Directory, connector, clock, SimulatedCluster.DatabaseId);
        ReplicaRepairRun run = await repair.RunAsync(new ReplicaRepairOptions { Repair = true }, null, CancellationToken.None);
        Assert.Equal((20, 0, 0), (run.Messages, run.Restored, run.UnderReplicated));
        Assert.All(run.Units, u => Assert.Equal(UnitAvailability.Available, u.Availability));
        Assert.Equal(2, asked);
    }

    [Fact]
    public async Task A_message_without_a_whole_copy_costs_no_other_of_its_batch()
    {
        using var cluster = new SimulatedCluster(seed: 7, count: 3);
        for (int number = 1; number <= 40; number++) await cluster.StoreAsync(UnitSamples.Record(number, 300));
        ArchiveKey[] onFirst = [.. cluster.Keys.List().Where(k => DirectoryCache.NodeOf(k.Unit) == "n1")];
        ArchiveKey other = cluster.Keys.Find(onFirst[1].Id).Single(k => k.Unit != onFirst[1].Unit);
        cluster.Node(other.Unit).Disks[0].Storage.Corrupt(Path.Combine(UnitSamples.Folder, "volumes", other.Volume), other.Offset + other.Length / 2, 0xFF);
        cluster.Nodes[0].LoseDisk(0);
        ReplicaRepairRun run = await Repair(cluster, cluster.Clock).RunAsync(new ReplicaRepairOptions { Repair = true }, null, CancellationToken.None);
        Assert.Equal((40, onFirst.Length - 1, 1, 1), (run.Messages, run.Restored, run.UnderReplicated, run.Unreadable));
        Assert.Contains(run.Problems, p => p.Contains($"{other.Id}", StringComparison.Ordinal));
        foreach (ArchiveKey key in cluster.Keys.List().Where(k => k.Id != other.Id)) await cluster.Target.VerifyAsync(key);
    }

    [Fact]
    public async Task A_unit_that_refuses_to_erase_costs_only_the_messages_that_it_has_damaged()
    {
        using var cluster = new SimulatedCluster(seed: 8, count: 4);
        for (int number = 1; number <= 40; number++) await cluster.StoreAsync(UnitSamples.Record(number, 300));
        ArchiveKey bad = cluster.Keys.List().First(k => DirectoryCache.NodeOf(k.Unit) == "n2" && cluster.Keys.Find(k.Id).All(c => DirectoryCache.NodeOf(c.Unit) != "n1"));
        cluster.Node(bad.Unit).Disks[0].Storage.Corrupt(Path.Combine(UnitSamples.Folder, "volumes", bad.Volume), bad.Offset + bad.Length / 2, 0xFF);
        cluster.Nodes[0].LoseDisk(0);
        int lost = cluster.Keys.List().Count(k => DirectoryCache.NodeOf(k.Unit) == "n1");
        var connector = new WatchedConnector(cluster)
        {
            OnErase = url =>
            {
                if (url == cluster.Nodes[1].Url) throw new MessageStoreException(ErrorIds.NodeUnavailable, ErrorKind.Device, "no answer", url);
            },
        };
        var target = new NodesArchiveTarget(cluster.Writer, cluster.Directory, connector, cluster.Options.Copies);
        var repair = new ReplicaRepair(cluster.Keys, target, cluster.Writer, cluster.Directory, connector, cluster.Clock, SimulatedCluster.DatabaseId);
        ReplicaRepairRun run = await repair.RunAsync(new ReplicaRepairOptions { Repair = true, ReadBodies = true }, null, CancellationToken.None);
        Assert.Equal((40, lost, 1, 0), (run.Messages, run.Restored, run.UnderReplicated, run.Unreadable));
        Assert.Contains(run.Problems, p => p.Contains($"Message {bad.Id}", StringComparison.Ordinal));
        Assert.Contains(cluster.Keys.Find(bad.Id), k => k.Unit == bad.Unit); // still known, and found again by the next run
    }

    [Theory]
    [InlineData(3)]
    [InlineData(2)] // the new copy can go only where the lost one lay
    public async Task A_message_that_is_removed_while_it_is_mended_gets_no_key_back(int nodes)
    {
        using var cluster = new SimulatedCluster(seed: 6, count: nodes);
        IncomingRecord record = UnitSamples.Record(1, 300);
        await cluster.StoreAsync(record);
        cluster.Node(cluster.Keys.Find(record.Info.Id)[0].Unit).LoseDisk(0);
        var connector = new WatchedConnector(cluster);
        var target = new NodesArchiveTarget(cluster.Writer, cluster.Directory, connector, cluster.Options.Copies);
        connector.OnRead = () => // while its good copy is read
        {
            cluster.Keys.Remove([record.Info.Id]);
            return Task.CompletedTask;
        };
        var repair = new ReplicaRepair(cluster.Keys, target, cluster.Writer, cluster.Directory, connector, cluster.Clock, SimulatedCluster.DatabaseId);
        ReplicaRepairRun run = await repair.RunAsync(new ReplicaRepairOptions { Repair = true }, null, CancellationToken.None);
        Assert.Empty(cluster.Keys.Find(record.Info.Id));
        Assert.Equal(0, run.UnderReplicated);
    }

    private static Task Set(TaskCompletionSource source)
    {
        source.TrySetResult();
        return source.Task;
    }

    /// <summary>On a clock that leaps to the end of each wait: of waits side by side it would count each.</summary>
    private static ReplicaRepair OneByOne(SimulatedCluster cluster, TimeProvider clock) =>
        new(cluster.Keys, cluster.Target, cluster.Writer, cluster.Directory, cluster, clock, SimulatedCluster.DatabaseId, messagesInFlight: 1);

    private static ReplicaRepair Repair(SimulatedCluster cluster, TimeProvider clock) =>
        new(cluster.Keys, cluster.Target, cluster.Writer, cluster.Directory, cluster, clock, SimulatedCluster.DatabaseId);
}
