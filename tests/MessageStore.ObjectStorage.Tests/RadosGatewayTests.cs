using System.Net;
using System.Security;
using Amazon.Runtime;
using MessageStore.Archiving;
using MessageStore.IO;
using MessageStore.Keys;
using MessageStore.ObjectStorage;
using MessageStore.Tests.Archiving;
using MessageStore.Tests.Support;

namespace MessageStore.Tests.ObjectStorage;

/// <summary>The archive on a real S3 server.</summary>
public sealed class RadosGatewayTests(RadosGateway gateway) : IClassFixture<RadosGateway>
{
    private const string Spool = "/spool";

    [ToolFact("ceph", "ceph-mon", "ceph-osd", "ceph-authtool", "monmaptool", "radosgw", "radosgw-admin")]
    public async Task Packs_are_created_read_listed_taken_over_and_given_back()
    {
        MemoryStorage storage = Fresh();
        using JournalKeyManager keys = JournalKeyManager.Open(storage, "/keys", TimeProvider.System);
        using ObjectArchiveTarget target = Target("one", storage, keys);
        await target.CheckAsync();
        await target.CheckAsync();

        byte[] small = ArchiveSamples.Body(new Random(1), 20_000);
        byte[] large = new byte[18 << 20]; // three parts, the last short
        new Random(2).NextBytes(large);
        IReadOnlyList<ArchiveKey> first = await AppendAsync(target, storage, ArchiveSamples.Entry(small, 1));
        IReadOnlyList<ArchiveKey> second = await AppendAsync(target, storage, ArchiveSamples.LargeEntry(large, 2), ArchiveSamples.Entry(small, 3));
        Assert.Equal(small, ArchiveSamples.ReadAll(await target.OpenAsync(first[0])));
        Assert.Equal(large, ArchiveSamples.ReadAll(await target.OpenAsync(second[0])));
        Assert.Equal(small, ArchiveSamples.ReadAll(await target.OpenAsync(second[1])));
        keys.Put(first);
        using (IArchiveSession session = await target.OpenSessionAsync(ArchiveSamples.Mailbox, ArchiveSamples.Day))
            Assert.Equal(second.Select(k => k.Id), session.Unrecorded.Select(r => r.Key.Id));

        ObjectBucket bucket = Bucket("one");
        string missing = first[0].Volume[..^3] + "xx";
        var error = await Assert.ThrowsAsync<MessageStoreException>(async () => await target.OpenAsync(first[0] with { Volume = missing }));
        Assert.Equal(ErrorIds.ArchiveDamaged, error.ErrorId);
        var taken = await Assert.ThrowsAnyAsync<AmazonServiceException>(() => bucket.PutAsync(first[0].Volume, new MemoryStream([1]), CancellationToken.None));
        Assert.Equal(HttpStatusCode.PreconditionFailed, taken.StatusCode);

        string folder = ArchivePaths.FolderOf(ArchiveSamples.Mailbox) + "/";
        string upload = await bucket.BeginUploadAsync(folder + "2026-07/abandoned.mbox.gz", CancellationToken.None);
        await bucket.AbortUploadsAsync(folder, CancellationToken.None);
        await Assert.ThrowsAnyAsync<AmazonServiceException>(() => bucket.UploadPartAsync(folder + "2026-07/abandoned.mbox.gz", upload, 1, new MemoryStream([1]), CancellationToken.None));
        bucket.Dispose();
    }

    [ToolFact("ceph", "ceph-mon", "ceph-osd", "ceph-authtool", "monmaptool", "radosgw", "radosgw-admin")]
    public async Task Wrong_credentials_and_a_missing_bucket_are_said()
    {
        MemoryStorage storage = Fresh();
        using JournalKeyManager keys = JournalKeyManager.Open(storage, "/keys", TimeProvider.System);
        using ObjectArchiveTarget stranger = Target("one", storage, keys, secret: "wrong");
        var error = await Assert.ThrowsAsync<MessageStoreException>(async () => await stranger.CheckAsync());
        Assert.Equal(ErrorIds.ArchiveUnavailable, error.ErrorId);
        Assert.Contains("403 SignatureDoesNotMatch", error.Message);
        using ObjectArchiveTarget nowhere = Target("one", storage, keys, "no-such-bucket");
        error = await Assert.ThrowsAsync<MessageStoreException>(async () => await nowhere.CheckAsync());
        Assert.Equal(ErrorIds.ArchiveUnavailable, error.ErrorId);
        Assert.Contains("NoSuchBucket", error.Message);
    }

    private static MemoryStorage Fresh()
    {
        var storage = new MemoryStorage();
        storage.CreateFolder(Spool);
        storage.CreateFolder("/keys");
        JournalKeyManager.Create(storage, "/keys");
        return storage;
    }

    private ObjectBucket Bucket(string prefix, string? name = null, string secret = RadosGateway.SecretKey)
    {
        var secure = new SecureString();
        foreach (char c in secret) secure.AppendChar(c);
        return new ObjectBucket(
            new ObjectSettings { Bucket = name ?? RadosGateway.Bucket, Prefix = prefix, Endpoint = gateway.Endpoint }, ObjectCredentials.FromSecret(RadosGateway.AccessKey, secure));
    }

    private ObjectArchiveTarget Target(string prefix, IStorage storage, IKeyManager keys, string? name = null, string secret = RadosGateway.SecretKey) =>
        new(Bucket(prefix, name, secret), ArchiveSamples.DatabaseId, keys, storage, Spool, TimeProvider.System);

    private static async Task<IReadOnlyList<ArchiveKey>> AppendAsync(ObjectArchiveTarget target, IStorage storage, params ArchiveEntry[] entries)
    {
        using var writer = new ArchiveRecordWriter(ArchiveCompression.Stored, storage, Spool);
        using var batch = new ArchiveBatch(writer);
        foreach (ArchiveEntry entry in entries) batch.Add(entry);
        using IArchiveSession session = await target.OpenSessionAsync(ArchiveSamples.Mailbox, ArchiveSamples.Day);
        return await session.AppendAsync(batch);
    }
}
