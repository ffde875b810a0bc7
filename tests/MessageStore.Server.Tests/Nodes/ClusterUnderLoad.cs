using System.Collections.Concurrent;
using System.Diagnostics;
using MessageStore.IO;
using MessageStore.Keys;
using MessageStore.Replication;
using MessageStore.Server.Tests.Support;

namespace MessageStore.Server.Tests.Nodes;

/// <summary>Real nodes, writers that write without end, and troubles for the nodes. Whoever waits waits for writers to come on, not for time to pass.</summary>
internal sealed class ClusterUnderLoad(int nodeCount) : IAsyncDisposable
{
    private const int Writers = 8;
    private const int Copies = 2;
    private const int TmpfsMiB = 256;

    /// <summary>Messages that must be acknowledged before the next thing happens.</summary>
    private const int ComeOn = 20;

    /// <summary>While writers write, a record may wait for its key.</summary>
    private static readonly TimeSpan NoOrphans = TimeSpan.FromDays(10_000);

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(180);
    private static readonly Guid Database = Guid.CreateVersion7();

    private readonly NodeFixture fixture = new();
    private readonly List<NodeProcess> nodes = [];
    private readonly ConcurrentDictionary<Guid, string> acknowledged = new();
    private readonly CancellationTokenSource stop = new();
    private readonly Random random = new(11);
    private readonly HttpNodeConnector connector = new(NodeFixture.Key, TimeSpan.FromSeconds(3), TimeProvider.System);
    private DirectoryCache directory = null!;
    private ReplicatedWriter writer = null!;
    private JournalKeyManager keys = null!;
    private Task[] writers = [];
    private bool hasTmpfs;
    private int number, refused;

    public DateTime Started { get; private set; }

    public int Refused => refused;

    /// <summary>Messages that repair made whole.</summary>
    public long Restored { get; private set; }

    public string TmpfsNote => hasTmpfs ? "" : ", no full disks, because no tmpfs can be mounted here";

    private string KeyFolder => Path.Combine(fixture.Root, "keys");

    /// <summary>The node whose disk is small, and is filled up.</summary>
    private NodeProcess Small => nodes[^1];

    public async Task StartAsync()
    {
        string keyFile = Path.Combine(fixture.Root, "key");
        await File.WriteAllTextAsync(keyFile, NodeFixture.Key);
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(keyFile, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        nodes.AddRange(Enumerable.Range(1, nodeCount).Select(n => new NodeProcess($"n{n}", fixture.Root)));
        Directory.CreateDirectory(Small.Unit);
        hasTmpfs = await RunAsync("mount", "-t", "tmpfs", "-o", $"size={TmpfsMiB}m", "tmpfs", Small.Unit);
        await Task.WhenAll(nodes.Select(n => n.StartAsync()));
        var options = new ReplicationOptions { Copies = Copies, Database = Database, DirectoryAge = TimeSpan.FromMilliseconds(200), SuspectFor = TimeSpan.FromSeconds(2) };
        directory = new DirectoryCache(fixture.Directory, options, TimeProvider.System);
        writer = new ReplicatedWriter(directory, connector, new NodeSelector(new Random(1), TimeProvider.System, Database), options);
        Directory.CreateDirectory(KeyFolder);
        JournalKeyManager.Create(DiskStorage.Instance, KeyFolder);
        keys = JournalKeyManager.Open(DiskStorage.Instance, KeyFolder, TimeProvider.System);
        Started = DateTime.UtcNow;
        writers = [.. Enumerable.Range(0, Writers).Select(_ => Task.Run(WriteAsync))];
    }

    /// <summary>Waits until writers have come on.</summary>
    public async Task ComeOnAsync()
    {
        int wanted = acknowledged.Count + ComeOn;
        long start = Stopwatch.GetTimestamp();
        while (acknowledged.Count < wanted)
        {
            if (Array.Find(writers, w => w.IsFaulted) is { } failed) await failed;
            if (Stopwatch.GetElapsedTime(start) > Patience) throw new InvalidOperationException($"The writers do not come on: {acknowledged.Count} messages acknowledged, {refused} refused.");
            await Task.Delay(20);
        }
    }

    public async Task KillAsync()
    {
        NodeProcess victim = Any();
        await victim.KillAsync();
        await ComeOnAsync();
        await victim.StartAsync();
    }

    public async Task KillAndHaltAsync()
    {
        NodeProcess victim = Any(), other = nodes.Where(n => n != victim).ElementAt(random.Next(nodeCount - 1));
        await other.SignalAsync("STOP");
        await victim.KillAsync();
        await ComeOnAsync();
        await other.SignalAsync("CONT");
        await victim.StartAsync();
    }

    public async Task StopAsync()
    {
        NodeProcess victim = Any();
        await victim.StopAsync();
        await ComeOnAsync();
        await victim.StartAsync();
    }

    /// <summary>Fills the small disk beyond what its unit keeps free, and makes room again.</summary>
    public async Task FillAsync()
    {
        if (!hasTmpfs) return;
        string filler = Path.Combine(Small.Unit, "filler");
        await using (FileStream file = File.Create(filler))
        {
            byte[] block = new byte[1 << 20];
            while (new DriveInfo(Small.Unit).AvailableFreeSpace > 8 << 20) file.Write(block);
            file.Flush(flushToDisk: true);
        }
        await ComeOnAsync();
        File.Delete(filler);
    }

    /// <summary>Exchanges a node's disk for an empty one. With two copies of each message the next trouble has to wait until repair has brought back what lay there.</summary>
    public async Task LoseDiskAsync()
    {
        NodeProcess victim = nodes[random.Next(nodeCount - 1)]; // not the one that is a mount
        await victim.KillAsync();
        Directory.Delete(victim.Unit, recursive: true);
        await victim.StartAsync();
        await RepairAsync(NoOrphans);
    }

    public async Task StopWritersAsync()
    {
        await stop.CancelAsync();
        await Task.WhenAll(writers);
    }

    /// <summary>Repairs, and makes sure that every acknowledged message has its copies on different nodes, each whole, and nothing else lies there.</summary>
    public async Task<(int Messages, long Copies)> RepairAndCheckAsync()
    {
        foreach (NodeProcess node in nodes)
        {
            await node.SignalAsync("CONT");
            if (!node.IsRunning) await node.StartAsync();
        }
        await RepairAsync(TimeSpan.Zero);
        long copies = 0;
        foreach ((Guid id, string sha256) in acknowledged)
        {
            IReadOnlyList<ArchiveKey> found = keys.Find(id);
            Assert.True(found.Select(k => DirectoryCache.NodeOf(k.Unit)).Distinct().Count() >= Copies, $"Message {id} has {found.Count} copies: {string.Join(", ", found.Select(k => k.Unit))}.");
            Assert.All(found, k => Assert.Equal(sha256, k.Sha256));
            copies += found.Count;
        }
        ReplicaRepairRun scrub = await RepairOnceAsync(new ReplicaRepairOptions { ReadBodies = true });
        Assert.Equal((0, 0), (scrub.UnderReplicated, scrub.Unreadable));
        Assert.True(scrub.Messages >= acknowledged.Count);
        return (acknowledged.Count, copies);
    }

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        await Task.WhenAll(writers).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing); // the test has its own error
        foreach (NodeProcess node in nodes) node.Dispose();
        if (hasTmpfs) await RunAsync("umount", "-l", Small.Unit);
        keys?.Dispose();
        connector.Dispose();
        stop.Dispose();
        await fixture.DisposeAsync();
    }

    private NodeProcess Any() => nodes[random.Next(nodeCount)];

    private async Task WriteAsync()
    {
        while (!stop.IsCancellationRequested)
        {
            int n = Interlocked.Increment(ref number);
            IncomingRecord record = fixture.Record(n, 1000 + n % 7 * 3000);
            try
            {
                IReadOnlyList<HopAnswer> stored = await writer.WriteAsync([NodeFixture.Sent(record)]);
                keys.Put([.. stored.Select(a => (record.Info with { Offset = a.Places[0].Offset, Length = a.Places[0].Length }).ToKey("nodes", a.Unit, a.Places[0].Volume))]);
                acknowledged[record.Info.Id] = record.Info.Sha256;
            }
            catch (MessageStoreException error) when (error.ErrorId == ErrorIds.NotEnoughCopies)
            {
                Interlocked.Increment(ref refused);
            }
        }
    }

    /// <summary>Repairs until nothing is missing any more: a node that came back has another port, and is away until its new record has been read.</summary>
    private async Task RepairAsync(TimeSpan orphanGrace)
    {
        long start = Stopwatch.GetTimestamp();
        while (true)
        {
            ReplicaRepairRun run = await RepairOnceAsync(new ReplicaRepairOptions { Repair = true, OrphanGrace = orphanGrace });
            Restored += run.Restored;
            if (run.UnderReplicated == 0 && run.Units.All(u => u.Folder.Length > 0)) return;
            if (Stopwatch.GetElapsedTime(start) > Patience)
                throw new InvalidOperationException($"{run.UnderReplicated} of {run.Messages} messages have too few copies, {run.Unreadable} of them none: {string.Join(' ', run.Problems.Take(5))}");
            await Task.Delay(200);
        }
    }

    private Task<ReplicaRepairRun> RepairOnceAsync(ReplicaRepairOptions options) =>
        new ReplicaRepair(keys, new NodesArchiveTarget(writer, directory, connector, Copies), writer, directory, connector, TimeProvider.System, Database).RunAsync(options, null, CancellationToken.None);

    private static async Task<bool> RunAsync(string program, params string[] arguments)
    {
        if (!ToolFactAttribute.IsThere(program)) return false;
        using Process process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true, RedirectStandardOutput = true })!;
        await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        return process.ExitCode == 0;
    }
}
