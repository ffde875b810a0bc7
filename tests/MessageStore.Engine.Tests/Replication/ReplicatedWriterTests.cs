using MessageStore.Replication;
using MessageStore.Tests.Support;

namespace MessageStore.Tests.Replication;

/// <summary>The table of failures in docs/replication.md, for both ways.</summary>
public sealed class ReplicatedWriterTests
{
    [Theory]
    [InlineData(ReplicationTopology.FanOut, 2)]
    [InlineData(ReplicationTopology.FanOut, 3)]
    [InlineData(ReplicationTopology.Chain, 2)]
    [InlineData(ReplicationTopology.Chain, 3)]
    public async Task Stored_means_that_as_many_units_on_different_nodes_have_acknowledged(ReplicationTopology topology, int copies)
    {
        using SimulatedCluster cluster = Cluster(topology, nodes: 4, copies, units: 2);
        for (int n = 1; n <= 20; n++)
        {
            IncomingRecord record = UnitSamples.Record(n);
            IReadOnlyList<HopAnswer> answers = await cluster.StoreAsync(record);
            Assert.Equal(copies, answers.Select(a => DirectoryCache.NodeOf(a.Unit)).Distinct().Count());
            foreach (HopAnswer answer in answers)
            {
                // A loss of power right after the acknowledgement takes nothing away.
                SimulatedNode node = cluster.Node(answer.Unit);
                node.Crash();
                node.Start();
                UnitSamples.AssertHolds(node.Running!.Units.Single(u => u.Name == answer.Unit), record, answer.Places[0]);
            }
            Assert.Equal(copies, cluster.Keys.Find(record.Info.Id).Count);
        }
    }

    [Theory]
    [InlineData(ReplicationTopology.FanOut)]
    [InlineData(ReplicationTopology.Chain)]
    public async Task A_node_that_is_gone_is_replaced_by_another(ReplicationTopology topology)
    {
        using SimulatedCluster cluster = Cluster(topology, nodes: 3);
        cluster.Nodes[0].Crash();
        for (int n = 1; n <= 12; n++)
        {
            IReadOnlyList<HopAnswer> answers = await cluster.StoreAsync(UnitSamples.Record(n));
            Assert.Equal(["n2", "n3"], answers.Select(a => DirectoryCache.NodeOf(a.Unit)).Order());
        }
    }

    [Theory]
    [InlineData(ReplicationTopology.FanOut)]
    [InlineData(ReplicationTopology.Chain)]
    public async Task A_unit_that_fails_is_replaced_by_another_of_its_node(ReplicationTopology topology)
    {
        using SimulatedCluster cluster = Cluster(topology, nodes: 2, units: 2);
        cluster.Nodes[0].Disks[0].Storage.FailAt(1, new IOException("Input/output error"), StorageOperations.Flush);
        for (int n = 1; n <= 12; n++)
        {
            IReadOnlyList<HopAnswer> answers = await cluster.StoreAsync(UnitSamples.Record(n));
            Assert.Equal(["n1", "n2"], answers.Select(a => DirectoryCache.NodeOf(a.Unit)).Order());
            Assert.DoesNotContain(answers, a => a.Unit == "n1/u1");
            cluster.Nodes[0].Disks[0].Storage.FailAt(1, new IOException("Input/output error"), StorageOperations.Flush);
        }
    }

    [Theory]
    [InlineData(ReplicationTopology.FanOut)]
    [InlineData(ReplicationTopology.Chain)]
    public async Task Too_few_acknowledgements_are_an_error_that_lists_what_each_unit_said(ReplicationTopology topology)
    {
        using SimulatedCluster cluster = Cluster(topology, nodes: 3);
        cluster.Nodes[0].Crash();
        cluster.Nodes[1].IsCutOff = true;
        var error = await Assert.ThrowsAsync<MessageStoreException>(() => cluster.StoreAsync(UnitSamples.Record(1)));
        Assert.Equal(ErrorIds.NotEnoughCopies, error.ErrorId);
        Assert.Contains("n1/u1: The storage node n1 is not available: connection refused", error.Message);
        Assert.Contains("n2/u1: The storage node n2 is not available: no route", error.Message);
        Assert.Contains("n3/u1 has acknowledged", error.Message);
        Assert.Equal(0, cluster.Keys.Count);
    }

    [Fact]
    public async Task Fewer_nodes_than_copies_are_an_error_before_anything_is_sent()
    {
        using SimulatedCluster cluster = Cluster(ReplicationTopology.FanOut, nodes: 2, copies: 3);
        Assert.Equal(ErrorIds.NotEnoughCopies, (await Assert.ThrowsAsync<MessageStoreException>(() => cluster.StoreAsync(UnitSamples.Record(1)))).ErrorId);
        Assert.All(cluster.Nodes, n => Assert.Equal(0, n.Running!.Units[0].GetStatus().RecordCount));
    }

    [Theory]
    [InlineData(ReplicationTopology.FanOut)]
    [InlineData(ReplicationTopology.Chain)]
    public async Task With_all_of_group_one_down_group_two_acknowledges_and_repair_brings_copies_back(ReplicationTopology topology)
    {
        using var cluster = new SimulatedCluster(3, 4, 1, new ReplicationOptions { Topology = topology }, n => n < 2 ? 1 : 2);
        IncomingRecord before = UnitSamples.Record(1), during = UnitSamples.Record(2), after = UnitSamples.Record(3);
        Assert.Equal(["n1", "n2"], await NodesOf(before));
        cluster.Nodes[0].Crash();
        cluster.Nodes[1].Crash();
        Assert.Equal(["n3", "n4"], await NodesOf(during));
        cluster.Nodes[0].Start();
        cluster.Nodes[1].Start();
        cluster.Clock.Now += TimeSpan.FromMinutes(1);
        Assert.Equal(["n1", "n2"], await NodesOf(after));

        await cluster.RepairAsync();
        Assert.Superset(new HashSet<string> { "n1/u1", "n2/u1" }, cluster.Keys.Find(during.Info.Id).Select(k => k.Unit).ToHashSet());
        foreach (ArchiveKey key in cluster.Keys.List()) await cluster.Target.VerifyAsync(key);

        async Task<IEnumerable<string>> NodesOf(IncomingRecord record) => (await cluster.StoreAsync(record)).Select(a => DirectoryCache.NodeOf(a.Unit)).Order();
    }

    [Fact]
    public async Task Callers_at_the_same_time_share_requests()
    {
        using var network = new CountingConnector();
        var options = new ReplicationOptions { RequestsInFlight = 1 };
        var directory = new DirectoryCache(network, options, TimeProvider.System);
        var writer = new ReplicatedWriter(directory, network, new NodeSelector(new Random(1), TimeProvider.System), options);
        Task[] writes = [.. Enumerable.Range(1, 50).Select(n => writer.WriteAsync([new SentRecord(UnitSamples.Record(n).Bytes, 0)]))];
        network.Release();
        await Task.WhenAll(writes);
        Assert.Equal(4, network.Requests); // one each at once, and one each for the 49 that came meanwhile
    }

    [Theory]
    [InlineData(600, 4)] // one each at once, and one each for the 49 that came meanwhile
    [InlineData(40 << 10, 8)] // 49 of 40 KiB: another beside the first, and the rest shares two
    public async Task A_second_request_goes_beside_the_first_only_where_it_is_large(int size, int requests)
    {
        using var network = new CountingConnector();
        var options = new ReplicationOptions { RequestsInFlight = 2 };
        var directory = new DirectoryCache(network, options, TimeProvider.System);
        var writer = new ReplicatedWriter(directory, network, new NodeSelector(new Random(1), TimeProvider.System), options);
        byte[] bytes = new byte[size];
        Task[] writes = [.. Enumerable.Range(1, 50).Select(_ => writer.WriteAsync([new SentRecord(bytes, 0)]))];
        Assert.Equal(size < 1024 ? 2 : 4, network.Requests);
        network.Release();
        await Task.WhenAll(writes);
        Assert.Equal(requests, network.Requests);
    }

    [Fact]
    public async Task Chains_of_the_same_nodes_share_requests_whoever_was_drawn_first()
    {
        using var network = new CountingConnector();
        var options = new ReplicationOptions { Topology = ReplicationTopology.Chain, RequestsInFlight = 1 };
        var directory = new DirectoryCache(network, options, TimeProvider.System);
        var writer = new ReplicatedWriter(directory, network, new NodeSelector(new Random(1), TimeProvider.System), options);
        Task<IReadOnlyList<HopAnswer>>[] writes = [.. Enumerable.Range(1, 50).Select(n => writer.WriteAsync([new SentRecord(UnitSamples.Record(n).Bytes, 0)]))];
        network.Release();
        foreach (IReadOnlyList<HopAnswer> answers in await Task.WhenAll(writes)) Assert.Equal(["a", "b"], answers.Select(a => DirectoryCache.NodeOf(a.Unit)).Order());
        Assert.Equal(2, network.Requests);
    }

    private static SimulatedCluster Cluster(ReplicationTopology topology, int nodes, int copies = 2, int units = 1) =>
        new(1, nodes, units, new ReplicationOptions { Topology = topology, Copies = copies });

    /// <summary>Two nodes that acknowledge anything, once they are let.</summary>
    private sealed class CountingConnector : INodeConnector, IStorageDirectory, IDisposable
    {
        private readonly TaskCompletionSource released = new();
        private int requests;

        public int Requests => requests;

        public void Release() => released.SetResult();

        public IStorageNode Connect(string url) => new CountingNode(this);

        public ValueTask<IReadOnlyList<StorageServerRecord>> ListAsync(CancellationToken cancellationToken = default) =>
            ValueTask.FromResult<IReadOnlyList<StorageServerRecord>>([NodeSelectorTests.Node("a"), NodeSelectorTests.Node("b")]);

        public ValueTask RegisterAsync(StorageServerRecord record, CancellationToken cancellationToken = default) => throw new NotSupportedException();

        public ValueTask RefreshAsync(StorageServerRecord record, CancellationToken cancellationToken = default) => throw new NotSupportedException();

        public ValueTask<bool> WithdrawAsync(string name, CancellationToken cancellationToken = default) => throw new NotSupportedException();

        public void Dispose() => released.TrySetCanceled();

        private sealed class CountingNode(CountingConnector owner) : IStorageNode
        {
            public async ValueTask<IReadOnlyList<HopAnswer>> AppendAsync(AppendRequest request, CancellationToken cancellationToken = default)
            {
                Interlocked.Increment(ref owner.requests);
                await owner.released.Task;
                return [.. request.Hops.Select(h => new HopAnswer(h.Unit, [.. request.Records.Select((r, n) => new RecordPlace("2026-07-31/never-00000001.mbox.gz", n + 48, r.Bytes.Length))], null))];
            }

            public ValueTask<byte[]> ReadAsync(string unit, string volume, long offset, int length, CancellationToken cancellationToken = default) => throw new NotSupportedException();

            public ValueTask<IReadOnlyList<StorageUnitStatus>> GetStatusAsync(CancellationToken cancellationToken = default) => throw new NotSupportedException();

            public ValueTask<IReadOnlyList<string>> ListVolumesAsync(string unit, CancellationToken cancellationToken = default) => throw new NotSupportedException();

            public ValueTask<IReadOnlyList<ListedRecord>> ListRecordsAsync(string unit, string volume, CancellationToken cancellationToken = default) => throw new NotSupportedException();

            public ValueTask<long> EraseAsync(string unit, Guid database, IReadOnlyCollection<ErasedRecord> records, CancellationToken cancellationToken = default) => throw new NotSupportedException();

            public ValueTask<long> ExpireAsync(string unit, Guid database, DateTimeOffset now, IReadOnlySet<Guid> held, CancellationToken cancellationToken = default) => throw new NotSupportedException();
        }
    }
}
