using System.Security.Cryptography;
using MessageStore.Archiving;
using MessageStore.IO;
using MessageStore.Messages;
using MessageStore.Replication;
using MessageStore.Server.Nodes;
using MessageStore.Server.Tests.Support;

namespace MessageStore.Server.Tests.Nodes;

/// <summary>Storage nodes on loopback with units in a temporary folder, registered in a file.</summary>
internal sealed class NodeFixture : IAsyncDisposable
{
    public const string Key = "0123456789abcdef0123456789abcdef";

    private readonly TemporaryFolder folder = new();
    private readonly Dictionary<string, NodeServer> nodes = [];

    public NodeFixture()
    {
        Connector = new HttpNodeConnector(Key, TimeSpan.FromSeconds(120), TimeProvider.System);
        Directory = StorageDirectories.Open(DirectoryFile, DiskStorage.Instance, TimeProvider.System);
    }

    public HttpNodeConnector Connector { get; }

    public IStorageDirectory Directory { get; }

    public string Root => folder.Path;

    public string DirectoryFile => Path.Combine(folder.Path, "nodes.json");

    public NodeServer this[string name] => nodes[name];

    public NodeOptions Options(string name) => new()
    {
        Name = name, Units = [Path.Combine(folder.Path, name, "disk1")], Create = true, SharedKey = Key, Directory = DirectoryFile,
    };

    public async Task<NodeServer> StartAsync(string name, Func<NodeOptions, NodeOptions>? change = null)
    {
        NodeServer node = await NodeServer.StartAsync(change is null ? Options(name) : change(Options(name)), TimeProvider.System);
        nodes[name] = node;
        return node;
    }

    public async Task StopAsync(string name)
    {
        if (nodes.Remove(name, out NodeServer? node)) await node.DisposeAsync();
    }

    public ReplicatedWriter Writer(ReplicationOptions options) =>
        new(new DirectoryCache(Directory, options, TimeProvider.System), Connector, new NodeSelector(new Random(1), TimeProvider.System), options);

    /// <summary>A record of a made-up message.</summary>
    public IncomingRecord Record(int number, int size = 2000)
    {
        string spool = Path.Combine(folder.Path, "spool");
        System.IO.Directory.CreateDirectory(spool);
        byte[] body = new byte[size];
        new Random(number).NextBytes(body);
        using var writer = new ArchiveRecordWriter(ArchiveCompression.Stored, DiskStorage.Instance, spool);
        using var buffer = new PooledBuffer();
        writer.Write(new ArchiveEntry
        {
            Id = new Guid(number, 0, 0x7000, 0x80, 0, 0, 0, 0, 0, 0, 1), Mailbox = "alice", Folder = "Inbox", ReceivedDate = DateTimeOffset.UnixEpoch,
            StorageDate = new DateTimeOffset(2026, 7, 31, 0, 0, 0, TimeSpan.Zero), Body = MessageBody.FromMemory(body),
        }, buffer, out _, out _);
        byte[] bytes = buffer.Span.ToArray();
        return IncomingRecord.Check(bytes, Crc32C.Compute(bytes));
    }

    public static SentRecord Sent(IncomingRecord record) => new(record.Bytes, Crc32C.Compute(record.Bytes.Span));

    /// <summary>Reads a copy over HTTP and compares its digest.</summary>
    public async Task AssertHoldsAsync(string unit, RecordPlace place, IncomingRecord record)
    {
        StorageServerRecord node = (await Directory.ListAsync()).Single(n => n.Name == DirectoryCache.NodeOf(unit));
        byte[] bytes = await Connector.Connect(node.Url).ReadAsync(unit, place.Volume, place.Offset, (int)place.Length);
        Assert.Equal(Convert.ToHexString(SHA256.HashData(record.Bytes.Span)), Convert.ToHexString(SHA256.HashData(bytes)));
    }

    public async ValueTask DisposeAsync()
    {
        foreach (NodeServer node in nodes.Values) await node.DisposeAsync();
        Connector.Dispose();
        folder.Dispose();
    }
}
