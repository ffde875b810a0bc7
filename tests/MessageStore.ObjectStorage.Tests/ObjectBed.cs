using System.Security;
using Amazon.Runtime;
using MessageStore.Archiving;
using MessageStore.IO;
using MessageStore.Keys;
using MessageStore.Messages;
using MessageStore.ObjectStorage;
using MessageStore.Storage;
using MessageStore.Tests.Support;

namespace MessageStore.Tests.ObjectStorage;

/// <summary>A database on a disk in memory with its archive on a server in memory.</summary>
internal sealed class ObjectBed : IDisposable
{
    public const string Database = "/db";
    public const string Secret = "very-secret-key";
    public const string AccessKey = "access-key-id";

    private const string Spool = Database + "/spool";
    private const int PartSize = 20_000;

    private static readonly GroupOptions Small = new() { SegmentLimit = 256 << 10, LogFileLimit = 64 << 10, CheckpointLogBytes = long.MaxValue };

    private readonly FakeObjectServer server;

    private ObjectBed(MemoryStorage storage, FakeObjectServer server, int retries)
    {
        this.server = server;
        Storage = storage;
        Mail = MailDatabase.Open(storage, Database, Small);
        storage.CreateFolder(Spool);
        Keys = JournalKeyManager.Open(storage, Database + "/keys", TimeProvider.System);
        Target = new ObjectArchiveTarget(Bucket(server, retries), Mail.Settings.DatabaseId, Keys, storage, Spool, TimeProvider.System, PartSize);
    }

    public MemoryStorage Storage { get; }

    public MailDatabase Mail { get; }

    public IKeyManager Keys { get; }

    public ObjectArchiveTarget Target { get; }

    public static async Task<ObjectBed> CreateAsync(FakeObjectServer server, int seed = 1, int retries = 0)
    {
        var storage = new MemoryStorage(seed);
        new DatabaseCreation(storage, new MessageDatabaseOptions { Path = Database }, TimeProvider.System).Run();
        storage.CreateFolder(Database + "/keys");
        JournalKeyManager.Create(storage, Database + "/keys");
        storage.FlushFolder(Database);
        var bed = new ObjectBed(storage, server, retries);
        await bed.Target.CheckAsync();
        return bed;
    }

    public static ObjectBucket Bucket(FakeObjectServer server, int retries, TimeSpan? timeout = null)
    {
        var secret = new SecureString();
        foreach (char c in Secret) secret.AppendChar(c);
        return new ObjectBucket(
            new ObjectSettings { Bucket = "mail", Prefix = "archive", Endpoint = "http://objects.test" }, ObjectCredentials.FromSecret(AccessKey, secret), retries, timeout, new Factory(server));
    }

    /// <summary>The process dies and the machine with it; what was flushed comes back.</summary>
    public ObjectBed Crash(int seed)
    {
        MemoryStorage survived = Storage.Crash(new Random(seed));
        return new ObjectBed(survived, server, 0);
    }

    public async Task<Guid> AppendAsync(byte[] bytes, string mailbox)
    {
        StorageGroup group = Mail.Groups[0];
        (int number, _) = await group.CreateMailboxAsync(mailbox, CancellationToken.None);
        using MessageBody body = MessageBody.FromMemory(bytes);
        Guid id = Guid.CreateVersion7();
        var image = new ImageHeader { Id = id, DigestLow = UInt128Bytes.Read(body.Sha256), DigestHigh = UInt128Bytes.Read(body.Sha256[16..]), BodyLength = bytes.Length, Mailbox = number };
        await group.AppendAsync(image, MessageSummary.Empty, body, CancellationToken.None);
        return id;
    }

    public Task<ArchiveRun> ArchiveAsync() => new ArchiveAgent(Mail.Groups, Target, Keys, TimeProvider.System, Storage, Spool).RunAsync(
        Database, new ArchiveOptions { Before = DateTimeOffset.MaxValue, Archivers = 1, Seekers = 1, Compression = ArchiveCompression.Stored }, null, CancellationToken.None);

    /// <summary>Reads a message where it is now: in the store, or by the first key of it that leads to it.</summary>
    public async Task<(byte[] Bytes, bool IsArchived)> ReadAsync(Guid id)
    {
        Assert.True(Mail.TryFind(id, out StorageGroup group, out IndexEntry entry), $"{id} is gone");
        if (!entry.IsArchived)
        {
            using Stream body = group.OpenBody(entry)!;
            return (ReadAll(body), false);
        }
        ArchiveKey key = Assert.Single(Keys.Find(id));
        using Stream archived = await Target.OpenAsync(key);
        return (ReadAll(archived), true);
    }

    /// <summary>Every record of an Id that lies in the bucket, in packs of any kind.</summary>
    public static Dictionary<Guid, int> RecordsIn(FakeObjectServer server)
    {
        var counts = new Dictionary<Guid, int>();
        foreach ((string name, byte[] bytes) in server.Objects)
        {
            if (!name.EndsWith(ArchivePaths.Suffix, StringComparison.Ordinal)) continue;
            var file = new PackFile(name, 0, bytes, null);
            file.Add(bytes.ToArray());
            foreach (ArchivedRecordInfo info in ArchiveWalker.Walk(file, 0)) counts[info.Id] = counts.GetValueOrDefault(info.Id) + 1;
        }
        return counts;
    }

    public static byte[] ReadAll(Stream stream)
    {
        var copy = new MemoryStream();
        stream.CopyTo(copy);
        return copy.ToArray();
    }

    public void Dispose()
    {
        Mail.Dispose();
        Keys.Dispose();
        Target.Dispose();
    }

    private sealed class Factory(FakeObjectServer server) : HttpClientFactory
    {
        public override HttpClient CreateHttpClient(IClientConfig clientConfig) => new(server, disposeHandler: false) { Timeout = clientConfig.Timeout!.Value };

        public override bool UseSDKHttpClientCaching(IClientConfig clientConfig) => false;

        public override bool DisposeHttpClientsAfterUse(IClientConfig clientConfig) => false;
    }
}
