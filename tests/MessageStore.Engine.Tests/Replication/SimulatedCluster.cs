using MessageStore.Keys;
using MessageStore.Replication;
using MessageStore.Tests.Support;

namespace MessageStore.Tests.Replication;

/// <summary>
/// N storage nodes with disks in memory, a network between them, and a clock, all from one seed. The same units, nodes, writer and repair as in a real installation; only
/// disks, the way between nodes and the time are made up.
/// </summary>
/// <remarks>
/// The fault model of the network: a request is lost, or its answer is, or it arrives twice, or it arrives later than its sender waited for (after other requests: delay and
/// reordering), or a byte of it changes on its way. A node may be cut off from everybody, or cannot be reached by other nodes. A node crashes (loss of power: its disks
/// keep what MemoryStorage says) and comes back; a disk fails an operation, loses a byte, or is lost and replaced by an empty one.
/// </remarks>
internal sealed class SimulatedCluster : INodeConnector, IStorageDirectory, IDisposable
{
    private readonly List<SimulatedNode> nodes = [];
    private readonly Queue<Func<Task>> late = new();

    public SimulatedCluster(int seed, int count, int unitsEach = 1, ReplicationOptions? options = null, Func<int, int>? groupOf = null)
    {
        Random = new Random(seed);
        Options = (options ?? new ReplicationOptions()) with { Database = DatabaseId };
        for (int n = 0; n < count; n++) nodes.Add(new SimulatedNode(this, $"n{n + 1}", unitsEach, groupOf?.Invoke(n) ?? 0, seed * 100 + n));
        Directory = new DirectoryCache(this, Options with { DirectoryAge = TimeSpan.Zero }, Clock);
        Writer = new ReplicatedWriter(Directory, this, new NodeSelector(new Random(seed), Clock, DatabaseId), Options);
        Target = new NodesArchiveTarget(Writer, Directory, this, Options.Copies);
        KeyStorage.CreateFolder(KeysFolder);
        JournalKeyManager.Create(KeyStorage, KeysFolder);
        Keys = JournalKeyManager.Open(KeyStorage, KeysFolder, Clock);
    }

    /// <summary>The database whose archive this is.</summary>
    public static Guid DatabaseId { get; } = new("0198f000-0000-7000-8000-000000000001");

    public Random Random { get; }

    public FixedClock Clock { get; } = new(UnitSamples.Day);

    public ReplicationOptions Options { get; }

    public DirectoryCache Directory { get; }

    public ReplicatedWriter Writer { get; }

    public NodesArchiveTarget Target { get; }

    public MemoryStorage KeyStorage { get; } = new();

    public JournalKeyManager Keys { get; }

    public IReadOnlyList<SimulatedNode> Nodes => nodes;

    /// <summary>How likely each request meets trouble, in percent.</summary>
    public int TroublePercent { get; set; }

    private static string KeysFolder => Path.GetFullPath("/keys");

    public SimulatedNode Node(string unit) => nodes.Single(n => n.Name == DirectoryCache.NodeOf(unit));

    public IStorageNode Connect(string url) => new Way(this, nodes.Single(n => n.Url == url));

    public ValueTask<IReadOnlyList<StorageServerRecord>> ListAsync(CancellationToken cancellationToken = default) =>
        ValueTask.FromResult<IReadOnlyList<StorageServerRecord>>([.. nodes.Where(n => n.IsRegistered).Select(n => n.Record())]);

    public ValueTask RegisterAsync(StorageServerRecord record, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    public ValueTask RefreshAsync(StorageServerRecord record, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    public ValueTask<bool> WithdrawAsync(string name, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    /// <summary>Sends records and records the keys of all copies, as the archive agent does.</summary>
    public async Task<IReadOnlyList<HopAnswer>> StoreAsync(params IReadOnlyList<IncomingRecord> records)
    {
        IReadOnlyList<HopAnswer> answers = await Writer.WriteAsync([.. records.Select(r => new SentRecord(r.Bytes, MessageStore.IO.Crc32C.Compute(r.Bytes.Span)))]);
        Keys.Put([.. answers.SelectMany(a => records.Select((r, n) => (r.Info with { Offset = a.Places[n].Offset, Length = a.Places[n].Length }).ToKey("nodes", a.Unit, a.Places[n].Volume)))]);
        return answers;
    }

    /// <summary>Repairs message by message, so that everything follows from the seed.</summary>
    public Task<ReplicaRepairRun> RepairAsync(ReplicaRepairOptions? options = null) =>
        new ReplicaRepair(Keys, Target, Writer, Directory, this, Clock, DatabaseId, messagesInFlight: 1).RunAsync(options ?? new ReplicaRepairOptions { Repair = true }, null, CancellationToken.None);

    /// <summary>Lets requests arrive that were under way for too long.</summary>
    public async Task DeliverLateAsync()
    {
        while (late.TryDequeue(out Func<Task>? request)) await request();
    }

    public void Dispose()
    {
        Keys.Dispose();
        foreach (SimulatedNode node in nodes) node.Dispose();
    }

    private static MessageStoreException NoAnswer(SimulatedNode node, string why) =>
        new(ErrorIds.NodeUnavailable, ErrorKind.Device, $"The storage node {node.Name} is not available: {why}", node.Url);

    /// <summary>A way over the network to a node.</summary>
    private sealed class Way(SimulatedCluster cluster, SimulatedNode node) : IStorageNode
    {
        public async ValueTask<IReadOnlyList<HopAnswer>> AppendAsync(AppendRequest request, CancellationToken cancellationToken = default)
        {
            StorageNode at = Reach();
            if (cluster.Random.Next(100) >= cluster.TroublePercent) return await at.AppendAsync(Copy(request), cancellationToken);
            switch (cluster.Random.Next(5))
            {
                case 0:
                    throw NoAnswer(node, "the request was lost");
                case 1:
                    await IgnoreAsync(at, Copy(request));
                    throw NoAnswer(node, "the answer was lost");
                case 2:
                    AppendRequest twin = Copy(request);
                    await IgnoreAsync(at, twin);
                    return await at.AppendAsync(twin, cancellationToken);
                case 3:
                    AppendRequest delayed = Copy(request);
                    cluster.late.Enqueue(() => node.Running is { } running ? IgnoreAsync(running, delayed) : Task.CompletedTask);
                    throw NoAnswer(node, "it did not answer in time");
                default:
                    return await at.AppendAsync(Damage(Copy(request)), cancellationToken);
            }
        }

        public ValueTask<byte[]> ReadAsync(string unit, string volume, long offset, int length, CancellationToken cancellationToken = default) =>
            Reach().ReadAsync(unit, volume, offset, length, cancellationToken);

        public ValueTask<IReadOnlyList<StorageUnitStatus>> GetStatusAsync(CancellationToken cancellationToken = default) => Reach().GetStatusAsync(cancellationToken);

        public ValueTask<IReadOnlyList<string>> ListVolumesAsync(string unit, CancellationToken cancellationToken = default) => Reach().ListVolumesAsync(unit, cancellationToken);

        public ValueTask<IReadOnlyList<ListedRecord>> ListRecordsAsync(string unit, string volume, CancellationToken cancellationToken = default) =>
            Reach().ListRecordsAsync(unit, volume, cancellationToken);

        public ValueTask<long> EraseAsync(string unit, Guid database, IReadOnlyCollection<ErasedRecord> records, CancellationToken cancellationToken = default) =>
            Reach().EraseAsync(unit, database, records, cancellationToken);

        public ValueTask<long> ExpireAsync(string unit, Guid database, DateTimeOffset now, IReadOnlySet<Guid> held, CancellationToken cancellationToken = default) =>
            Reach().ExpireAsync(unit, database, now, held, cancellationToken);

        private StorageNode Reach()
        {
            if (node.IsCutOff) throw NoAnswer(node, "no route");
            return node.Running ?? throw NoAnswer(node, "connection refused");
        }

        private static async Task IgnoreAsync(StorageNode at, AppendRequest request)
        {
            try
            {
                await at.AppendAsync(request);
            }
            catch (MessageStoreException)
            {
                // Nobody waits for this answer.
            }
        }

        /// <summary>The bytes that were sent: the sender may use its memory again meanwhile.</summary>
        private static AppendRequest Copy(AppendRequest request) =>
            request with { Records = [.. request.Records.Select(r => r with { Bytes = r.Bytes.ToArray() })] };

        private AppendRequest Damage(AppendRequest request)
        {
            byte[] bytes = request.Records[0].Bytes.ToArray();
            bytes[cluster.Random.Next(bytes.Length)] ^= 0x10;
            return request with { Records = [request.Records[0] with { Bytes = bytes }, .. request.Records.Skip(1)] };
        }
    }
}
