using System.Text.Json;
using MessageStore.IO;
using MessageStore.Replication;
using MessageStore.Replication.Dns;
using MessageStore.Tests.Support;

namespace MessageStore.Tests.Replication;

/// <summary>A unit serves one database and no other.</summary>
public sealed class UnitBindingTests
{
    private static readonly Guid Ours = Guid.NewGuid(), Theirs = Guid.NewGuid();
    private static readonly HashSet<Guid> Nobody = [];

    [Fact]
    public async Task An_empty_unit_becomes_the_first_database_s_durably_and_refuses_every_other()
    {
        MemoryStorage storage = UnitSamples.Fresh();
        using (StorageNode node = Node(storage))
        {
            Assert.Null(node.Units[0].Database);
            Assert.Null((await AppendAsync(node, Ours, 1)).Error);
            await RefusesAsync(node);
        }
        using StorageNode again = Node(storage.Crash(new Random(1)));
        Assert.Equal(Ours, again.Units[0].GetStatus().Database);
        await RefusesAsync(again);
        Assert.Null((await AppendAsync(again, Ours, 2)).Error);

        async Task RefusesAsync(StorageNode node)
        {
            foreach (Guid stranger in (Guid[])[Theirs, Guid.Empty])
            {
                Assert.Equal(ErrorIds.UnitOfAnotherDatabase, (await AppendAsync(node, stranger, 3)).Error!.ErrorId);
                Assert.Equal(ErrorIds.UnitOfAnotherDatabase, (await Assert.ThrowsAsync<MessageStoreException>(async () => await node.EraseAsync("u1", stranger, []))).ErrorId);
                Assert.Equal(ErrorIds.UnitOfAnotherDatabase, (await Assert.ThrowsAsync<MessageStoreException>(async () => await node.ExpireAsync("u1", stranger, DateTimeOffset.MaxValue, Nobody))).ErrorId);
            }
            Assert.Equal(Ours, node.Units[0].Database);
        }
    }

    [Fact]
    public async Task A_unit_of_the_older_format_that_holds_records_goes_on_and_is_bound_when_it_is_told_to_whom()
    {
        MemoryStorage storage = UnitSamples.Fresh();
        using (StorageNode node = Node(storage)) Assert.Null((await AppendAsync(node, Guid.Empty, 1)).Error);
        string path = Path.Combine(UnitSamples.Folder, UnitMarker.FileName);
        UnitMarker marker = JsonSerializer.Deserialize<UnitMarker>(storage.Content(path))!;
        storage.Put(path, JsonSerializer.SerializeToUtf8Bytes(new { Format = 1, marker.UnitId, marker.Node, marker.Unit, marker.Salt }));
        using (StorageNode node = Node(storage))
        {
            Assert.Null((await AppendAsync(node, Ours, 2)).Error);
            Assert.Null(node.Units[0].Database);
        }
        using (StorageNode node = Node(storage, Theirs)) Assert.Equal(Theirs, node.Units[0].Database);
        using (StorageNode node = Node(storage)) Assert.Equal(ErrorIds.UnitOfAnotherDatabase, (await AppendAsync(node, Ours, 3)).Error!.ErrorId);
        Assert.Equal(ErrorIds.UnitOfAnotherDatabase, Assert.Throws<MessageStoreException>(() => Node(storage, Ours)).ErrorId);
    }

    [Fact]
    public async Task A_unit_that_lost_power_while_it_was_bound_is_nobody_s_or_the_first_one_s()
    {
        for (int seed = 0; seed < 40; seed++)
        {
            MemoryStorage storage = UnitSamples.Fresh(seed);
            StorageNode node = Node(storage);
            storage.FailAt(1 + seed % 12, new IOException("no"));
            HopAnswer answer = await AppendAsync(node, Ours, 1);
            MemoryStorage survivor = storage.Crash(new Random(seed));
            node.Dispose();
            using StorageNode again = Node(survivor);
            if (answer.IsAcknowledged) Assert.Equal((Ours, 1), (again.Units[0].Database, (int)again.Units[0].GetStatus().RecordCount));
            else Assert.True(again.Units[0].Database is null || again.Units[0].Database == Ours);
        }
    }

    [Fact]
    public void Units_of_other_databases_are_not_chosen()
    {
        StorageServerRecord[] records =
        [
            Record("n1", ("u1", Theirs), ("u2", null)), Record("n2", ("u1", Theirs)), Record("n3", ("u1", Ours), ("u2", Theirs)),
        ];
        IReadOnlyList<NodeChoice> order = new NodeSelector(new Random(1), TimeProvider.System, Ours).Order(records);
        Assert.Equal(["n1/u2", "n3/u1"], order.SelectMany(c => c.Units).Order());
    }

    [Fact]
    public void Whose_a_unit_is_goes_through_a_TXT_record()
    {
        var text = new NodeText("https", Record("n1", ("u1", Ours), ("u2", null)).Units, null, null);
        NodeText read = NodeText.TryParse(DnsRecord.Text(DnsName.Parse("_messagestore.n1.example.org"), 30, text.ToStrings()))!;
        Assert.Equal(text.Units, read.Units);
    }

    private static StorageServerRecord Record(string name, params (string Unit, Guid? Database)[] units) => new()
    {
        Name = name, Url = "http://127.0.0.1:1", Units = [.. units.Select(u => new StorageUnitRecord { Name = u.Unit, Database = u.Database })],
    };

    private static StorageNode Node(MemoryStorage storage, Guid? database = null) =>
        new(UnitSamples.Node, [UnitSamples.Open(storage, UnitSamples.Small with { Database = database })], new NoWay());

    private static async Task<HopAnswer> AppendAsync(StorageNode node, Guid database, int number)
    {
        ReadOnlyMemory<byte> bytes = UnitSamples.Record(number).Bytes;
        return (await node.AppendAsync(new AppendRequest([new Hop("", "n1/u1")], [new SentRecord(bytes, Crc32C.Compute(bytes.Span))]) { Database = database })).Single();
    }

    private sealed class NoWay : INodeConnector
    {
        public IStorageNode Connect(string url) => throw new NotSupportedException();
    }
}
