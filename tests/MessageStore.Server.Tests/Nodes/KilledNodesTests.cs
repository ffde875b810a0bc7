using System.Collections.Concurrent;
using System.Globalization;
using MessageStore.IO;
using MessageStore.Keys;
using MessageStore.Replication;

namespace MessageStore.Server.Tests.Nodes;

/// <summary>
/// Real nodes in processes of their own, killed, halted and started again while writers write. Runs for a number of rounds; for minutes where
/// MESSAGESTORE_NODE_SECONDS says how many.
/// </summary>
public sealed class KilledNodesTests(Xunit.Abstractions.ITestOutputHelper output)
{
    private const int Rounds = 6;
    private const int Writers = 8;

    [UnixFact]
    public async Task No_acknowledged_message_is_lost_when_nodes_are_killed_and_halted_under_load()
    {
        await using var fixture = new NodeFixture();
        string keyFile = Path.Combine(fixture.Root, "key");
        await File.WriteAllTextAsync(keyFile, NodeFixture.Key);
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(keyFile, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        NodeProcess[] nodes = [.. Enumerable.Range(1, 4).Select(n => new NodeProcess($"n{n}", fixture.Root))];
        try
        {
            await Task.WhenAll(nodes.Select(n => n.StartAsync()));
            using var connector = new HttpNodeConnector(NodeFixture.Key, TimeSpan.FromSeconds(3), TimeProvider.System);
            var options = new ReplicationOptions { DirectoryAge = TimeSpan.FromMilliseconds(200), SuspectFor = TimeSpan.FromSeconds(2) };
            var directory = new DirectoryCache(fixture.Directory, options, TimeProvider.System);
            var writer = new ReplicatedWriter(directory, connector, new NodeSelector(new Random(1), TimeProvider.System), options);
            string keyFolder = Path.Combine(fixture.Root, "keys");
            System.IO.Directory.CreateDirectory(keyFolder);
            JournalKeyManager.Create(DiskStorage.Instance, keyFolder);
            using JournalKeyManager keys = JournalKeyManager.Open(DiskStorage.Instance, keyFolder, TimeProvider.System);

            var acknowledged = new ConcurrentDictionary<Guid, IncomingRecord>();
            using var stop = new CancellationTokenSource();
            int number = 0, refused = 0;
            Task[] writers = [.. Enumerable.Range(0, Writers).Select(_ => Task.Run(async () =>
            {
                while (!stop.IsCancellationRequested)
                {
                    IncomingRecord record;
                    int n = Interlocked.Increment(ref number);
                    record = fixture.Record(n, 1000 + n % 7 * 3000);
                    try
                    {
                        IReadOnlyList<HopAnswer> stored = await writer.WriteAsync([NodeFixture.Sent(record)]);
                        keys.Put([.. stored.Select(a => (record.Info with { Offset = a.Places[0].Offset, Length = a.Places[0].Length }).ToKey("nodes", a.Unit, a.Places[0].Volume))]);
                        acknowledged[record.Info.Id] = record;
                    }
                    catch (MessageStoreException error) when (error.ErrorId == ErrorIds.NotEnoughCopies)
                    {
                        Interlocked.Increment(ref refused);
                    }
                }
            }))];
            await DisturbAsync(nodes, acknowledged);
            await stop.CancelAsync();
            await Task.WhenAll(writers);

            foreach (NodeProcess node in nodes)
            {
                await node.SignalAsync("CONT");
                if (!node.IsRunning) await node.StartAsync();
            }
            var target = new NodesArchiveTarget(writer, directory, connector, 2);
            foreach ((Guid id, IncomingRecord record) in acknowledged)
            {
                Assert.Equal(2, keys.Find(id).Count);
                foreach (ArchiveKey key in keys.Find(id))
                {
                    Assert.Equal(record.Info.Sha256, key.Sha256);
                    await VerifyAsync(target, key);
                }
            }
            output.WriteLine($"{acknowledged.Count} messages acknowledged, {refused} refused, {number} tried");
            Assert.True(acknowledged.Count > 20, $"Only {acknowledged.Count} messages were acknowledged.");
        }
        finally
        {
            foreach (NodeProcess node in nodes) node.Dispose();
        }
    }

    /// <summary>Verifies a copy. A node that came back has another port, and is away until its new record has been read; a copy that is missing or damaged is an error at once.</summary>
    private static async Task VerifyAsync(NodesArchiveTarget target, ArchiveKey key)
    {
        DateTime giveUp = DateTime.UtcNow.AddMinutes(2);
        while (true)
        {
            try
            {
                await target.VerifyAsync(key);
                return;
            }
            catch (MessageStoreException error) when (error.ErrorId == ErrorIds.ArchiveUnavailable && DateTime.UtcNow < giveUp)
            {
                await Task.Delay(100);
            }
        }
    }

    /// <summary>Kills, halts and starts nodes, never more than two out at a time. A round ends when writers have come on, not when time has passed.</summary>
    private static async Task DisturbAsync(NodeProcess[] nodes, ConcurrentDictionary<Guid, IncomingRecord> acknowledged)
    {
        var random = new Random(7);
        DateTime end = int.TryParse(Environment.GetEnvironmentVariable("MESSAGESTORE_NODE_SECONDS"), CultureInfo.InvariantCulture, out int seconds)
            ? DateTime.UtcNow.AddSeconds(seconds) : DateTime.MinValue;
        for (int round = 0; round < Rounds || DateTime.UtcNow < end; round++)
        {
            NodeProcess victim = nodes[round % nodes.Length], other = nodes[(round + 1 + random.Next(nodes.Length - 1)) % nodes.Length];
            await MoreAsync(acknowledged);
            await victim.KillAsync();
            bool halts = round % 2 == 1 && other != victim;
            if (halts) await other.SignalAsync("STOP");
            await MoreAsync(acknowledged);
            if (halts) await other.SignalAsync("CONT");
            await victim.StartAsync();
        }
        await MoreAsync(acknowledged);
    }

    private static async Task MoreAsync(ConcurrentDictionary<Guid, IncomingRecord> acknowledged)
    {
        int wanted = acknowledged.Count + 20;
        DateTime patience = DateTime.UtcNow.AddSeconds(180);
        while (acknowledged.Count < wanted)
        {
            if (DateTime.UtcNow > patience) throw new InvalidOperationException($"The writers do not come on: {acknowledged.Count} messages acknowledged.");
            await Task.Delay(20);
        }
    }
}
