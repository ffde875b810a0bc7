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
        ReplicaRepairRun run = await Repair(cluster, clock).RunAsync(new ReplicaRepairOptions { ReadBodies = true, BytesPerSecond = limit }, null, CancellationToken.None);
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
        ArchiveKey bad = cluster.Keys.Find(records[2].Info.Id)[0];
        SimulatedNode node = cluster.Node(bad.Unit);
        node.Stop();
        string volume = Path.Combine(UnitSamples.Folder, "volumes", bad.Volume);
        for (int at = 0; at < 60; at++) node.Disks[0].Storage.Corrupt(volume, bad.Offset + at, 0xFF);
        node.Start();
        Assert.ThrowsAny<Exception>(() => UnitSamples.Unpack(node.Disks[0].Storage.Content(volume)));
        ReplicaRepairRun run = await cluster.RepairAsync();
        Assert.Equal((1, 0), (run.Restored, run.UnderReplicated));
        Assert.True(UnitSamples.Unpack(node.Disks[0].Storage.Content(volume)).Length > 0);
        foreach (ArchiveKey key in cluster.Keys.List()) await cluster.Target.VerifyAsync(key);
    }

    private static ReplicaRepair Repair(SimulatedCluster cluster, TimeProvider clock) =>
        new(cluster.Keys, cluster.Target, cluster.Writer, cluster.Directory, cluster, clock, SimulatedCluster.DatabaseId);
}
