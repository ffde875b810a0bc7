using System.Collections.Concurrent;
using MessageStore.Archiving;
using MessageStore.Keys;
using MessageStore.Storage;
using MessageStore.Tests.Keys;
using MessageStore.Tests.Support;

namespace MessageStore.Tests.Facade;

/// <summary>What a run has in its hands at once does not follow the number of messages in a mailbox.</summary>
public sealed class ArchiveMemoryTests
{
    /// <summary>Messages that an archiver has in its hands at most.</summary>
    private const int Batch = 4096;

    private static readonly DateTimeOffset Old = new(2020, 1, 1, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public async Task A_mailbox_is_moved_batch_by_batch()
    {
        using MemoryDatabase database = await FillAsync(Batch + 500);
        using var keys = new CountedKeys(database.Database.Keys);
        ArchiveRun run = await RunAsync(database, database.Database.Archive, keys);
        Assert.Equal(Batch + 500, run.Moved);
        Assert.Equal(Batch + 500, keys.Put.Sum());
        Assert.InRange(keys.Put.Max(), 1, Batch);
    }

    /// <summary>Where keys are those of long ago the rest of a file may be a mailbox.</summary>
    [Fact]
    public async Task What_an_interrupted_run_left_is_taken_over_batch_by_batch()
    {
        using MemoryDatabase database = await FillAsync(1);
        using var keys = new CountedKeys(database.Database.Keys);
        ArchiveRun run = await RunAsync(database, new LeftOver(database.Database.Archive, 2 * Batch + 7), keys);
        Assert.Equal(1, run.Moved);
        Assert.Equal([1, 7, Batch, Batch], keys.Put.Order());
        Assert.Equal([7, Batch, Batch], keys.Removed.Order());
        Assert.Contains($"{2 * Batch + 7} records of an interrupted run were taken over.", Assert.Single(run.Receipts).Reason, StringComparison.Ordinal);
    }

    private static async Task<MemoryDatabase> FillAsync(int messages)
    {
        var storage = new MemoryStorage();
        GroupOptions options = MemoryDatabase.Small with { Clock = new FixedClock(Old.AddYears(6)), SegmentLimit = 4 << 20, LogFileLimit = 4 << 20, CheckpointLogBytes = long.MaxValue };
        MessageDatabase.CreateNow(storage, MemoryDatabase.Options("SG1"), options.Clock);
        MemoryDatabase opened = MemoryDatabase.Open(storage, options);
        var model = new MailModel();
        var random = new Random(3);
        for (int i = 0; i < messages; i++) await opened.AppendAsync(model, "alice", "Inbox", MessageFlags.None, MemoryDatabase.Body(random, 10), Old);
        return opened;
    }

    private static Task<ArchiveRun> RunAsync(MemoryDatabase opened, IArchiveTarget target, IKeyManager keys)
    {
        OpenDatabase database = opened.Database;
        return new ArchiveAgent(database.Mail.Groups, target, keys, database.Clock, database.Storage, database.SpoolPath)
            .RunAsync(database.Path, new ArchiveOptions { Before = Old.AddYears(1) }, new Dictionary<string, ArchivePolicy>(), null, default);
    }

    /// <summary>Says how many keys come at once.</summary>
    private sealed class CountedKeys(IKeyManager inner) : IKeyManager
    {
        public ConcurrentQueue<int> Put { get; } = [];

        public ConcurrentQueue<int> Removed { get; } = [];

        public Lock Updating => inner.Updating;

        public long Count => inner.Count;

        void IKeyManager.Put(IReadOnlyList<ArchiveKey> keys)
        {
            Put.Enqueue(keys.Count);
            inner.Put(keys);
        }

        public long Remove(IReadOnlyList<Guid> ids)
        {
            Removed.Enqueue(ids.Count);
            return inner.Remove(ids);
        }

        public long RemoveCopies(IReadOnlyCollection<ArchiveKey> copies) => inner.RemoveCopies(copies);

        public void Cover(IReadOnlyList<CoveredVolume> volumes) => inner.Cover(volumes);

        public IReadOnlyList<ArchiveKey> Find(Guid id) => inner.Find(id);

        public IEnumerable<ArchiveKey> List() => inner.List();

        public IEnumerable<CoveredVolume> ListVolumes() => inner.ListVolumes();

        public long EndOf(string target, string unit, string volume) => inner.EndOf(target, unit, volume);

        public void Dispose()
        {
        }
    }

    /// <summary>An archive in which an interrupted run left records of messages that have been deleted since.</summary>
    private sealed class LeftOver(IArchiveTarget inner, int count) : IArchiveTarget
    {
        public string Name => inner.Name;

        public ValueTask CheckAsync(CancellationToken cancellationToken = default) => inner.CheckAsync(cancellationToken);

        public async ValueTask<IArchiveSession> OpenSessionAsync(string mailbox, DateTimeOffset storageDate, CancellationToken cancellationToken = default) =>
            new Session(await inner.OpenSessionAsync(mailbox, storageDate, cancellationToken), count);

        public ValueTask<Stream> OpenAsync(ArchiveKey key, CancellationToken cancellationToken = default) => inner.OpenAsync(key, cancellationToken);

        public ValueTask<Stream> OpenRecordAsync(ArchiveKey key, CancellationToken cancellationToken = default) => inner.OpenRecordAsync(key, cancellationToken);

        public ValueTask<ArchivedRecordInfo> VerifyAsync(ArchiveKey key, CancellationToken cancellationToken = default) => inner.VerifyAsync(key, cancellationToken);
    }

    private sealed class Session(IArchiveSession inner, int count) : IArchiveSession
    {
        public IReadOnlyList<ArchivedRecord> Unrecorded { get; } = [.. SampleKeys.Keys(count).Select(key => new ArchivedRecord(
            new ArchivedRecordInfo
            {
                Id = key.Id, Mailbox = key.Mailbox, Folder = "Inbox", ReceivedDate = Old, StorageDate = key.StorageDate, Length = key.Length,
                HeaderLength = 1, EntryLength = 1, FromLineLength = 1, BodyLength = 1, Sha256 = key.Sha256,
            }, key))];

        public IReadOnlyList<string> Notes => inner.Notes;

        public ValueTask<IReadOnlyList<ArchiveKey>> AppendAsync(ArchiveBatch batch, CancellationToken cancellationToken = default) => inner.AppendAsync(batch, cancellationToken);

        public void Dispose() => inner.Dispose();
    }
}
