using MessageStore.Keys;
using MessageStore.Storage;

namespace MessageStore.Tests.Facade;

/// <summary>What is not as it was written is found, named, and repaired where a good copy is left.</summary>
public class DatabaseTestTests
{
    [Fact]
    public async Task A_database_that_is_whole_is_called_whole()
    {
        using StoreFixture fixture = await StoreFixture.CreateAsync("SG1", "SG2");
        await using IMessageStore store = await fixture.OpenAsync();
        for (int i = 0; i < 20; i++) await fixture.AppendAsync(store, i, i % 2 == 0 ? "alice" : "bob", size: i == 3 ? 3_000_000 : 0);
        await store.ArchiveAsync(new ArchiveOptions { Mailboxes = ["bob"] });
        DatabaseTest test = await store.TestAsync(new DatabaseTestOptions());
        Assert.Empty(test.Findings);
        Assert.Equal((DatabaseTestResult.Whole, 20L, 0L), (test.Result, test.Messages, test.Damaged));
        Assert.True(test.Bytes > 3_000_000);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3_000_000)]
    public async Task A_flipped_byte_is_found_and_repaired_from_the_log(int size)
    {
        using StoreFixture fixture = await StoreFixture.CreateAsync();
        Guid id;
        await using (IMessageStore store = await fixture.OpenAsync())
        {
            for (int i = 0; i < 5; i++) await fixture.AppendAsync(store, i);
            id = (await fixture.AppendAsync(store, 100, size: size)).Id;
            FlipInImage(store, id);
            DatabaseTest test = await store.TestAsync(new DatabaseTestOptions());
            DatabaseFinding finding = Assert.Single(test.Findings);
            Assert.Equal(DatabaseTestResult.Damaged, test.Result);
            Assert.Equal(("alice", id, "message 100", "SG1"), (finding.Mailbox, finding.Id!.Value, finding.Subject, finding.StorageGroup));
            Assert.EndsWith(".seg", finding.File, StringComparison.Ordinal);
            Assert.True(finding.Offset > 0);
            Assert.Contains("checksum", finding.Problem, StringComparison.Ordinal);
            Assert.Equal("the log", await RepairAsync(store));
            await fixture.AssertAllThereAsync(store);
        }
        await AssertWholeAsync(fixture);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3_000_000)]
    public async Task It_is_repaired_from_a_backup_when_the_logs_are_gone(int size)
    {
        using StoreFixture fixture = await StoreFixture.CreateAsync();
        await using (IMessageStore store = await fixture.OpenAsync())
        {
            for (int i = 0; i < 5; i++) await fixture.AppendAsync(store, i);
            Guid id = (await fixture.AppendAsync(store, 100, size: size)).Id;
            BackupRun backup = await store.BackupAsync(new BackupOptions());
            await TrimLogsAsync(store);
            FlipInImage(store, id);
            Assert.Equal(backup.Path, await RepairAsync(store));
            await fixture.AssertAllThereAsync(store);
        }
        await AssertWholeAsync(fixture);
    }

    [Fact]
    public async Task What_came_during_the_backup_is_found_in_its_logs()
    {
        using StoreFixture fixture = await StoreFixture.CreateAsync();
        await using IMessageStore store = await fixture.OpenAsync();
        await fixture.AppendAsync(store, 1);
        Guid during = default;
        BackupRun backup = await store.BackupAsync(new BackupOptions(), new DuringBackup(async () => during = (await fixture.AppendAsync(store, 2)).Id));
        Assert.Equal(1, backup.PatchTransactions);
        await TrimLogsAsync(store);
        FlipInImage(store, during);
        Assert.NotEqual("", await RepairAsync(store));
        await fixture.AssertAllThereAsync(store);
    }

    [Fact]
    public async Task It_is_repaired_from_the_archive_when_there_is_nothing_else()
    {
        using StoreFixture fixture = await StoreFixture.CreateAsync();
        await using (IMessageStore store = await fixture.OpenAsync())
        {
            Guid id = (await fixture.AppendAsync(store, 1)).Id;
            await store.ArchiveAsync(new ArchiveOptions());
            BackupRun backup = await store.BackupAsync(new BackupOptions());
            await TrimLogsAsync(store);
            File.Delete(backup.Path);
            FlipInImage(store, id);
            Assert.EndsWith(".mbox.gz", await RepairAsync(store), StringComparison.Ordinal);
            await fixture.AssertAllThereAsync(store);
        }
        await AssertWholeAsync(fixture);
    }

    [Fact]
    public async Task Damage_without_a_good_copy_stays_damage_and_is_left_alone()
    {
        using StoreFixture fixture = await StoreFixture.CreateAsync();
        await using IMessageStore store = await fixture.OpenAsync();
        Guid id = (await fixture.AppendAsync(store, 1)).Id;
        BackupRun backup = await store.BackupAsync(new BackupOptions());
        await TrimLogsAsync(store);
        File.Delete(backup.Path);
        string path = FlipInImage(store, id);
        byte[] before = await File.ReadAllBytesAsync(path);
        DatabaseTest test = await store.TestAsync(new DatabaseTestOptions { Repair = true });
        Assert.Equal(DatabaseTestResult.Damaged, test.Result);
        Assert.Equal("", Assert.Single(test.Findings).RepairedFrom);
        Assert.Equal(before, (await File.ReadAllBytesAsync(path))[..before.Length]);
    }

    [Fact]
    public async Task A_group_that_cannot_be_opened_for_a_segment_cut_short_is_reported()
    {
        using StoreFixture fixture = await StoreFixture.CreateAsync("SG1", "SG2");
        string segment;
        await using (IMessageStore store = await fixture.OpenAsync())
        {
            await store.CreateMailboxAsync("alice", "SG1");
            await store.CreateMailboxAsync("bob", "SG2");
            Guid id = (await fixture.AppendAsync(store, 1)).Id;
            await fixture.AppendAsync(store, 2, "bob");
            // With the logs still there the older checkpoint would serve.
            await store.BackupAsync(new BackupOptions());
            await TrimLogsAsync(store);
            segment = PathOf(store, id, out _);
        }
        Cut(segment, new FileInfo(segment).Length - 50);
        await using IMessageStore reopened = await fixture.OpenAsync();
        DatabaseTest test = await reopened.TestAsync(new DatabaseTestOptions());
        DatabaseFinding finding = Assert.Single(test.Findings);
        Assert.Equal((DatabaseTestResult.Damaged, "SG1", segment, 1L), (test.Result, finding.StorageGroup, finding.File, test.Messages));
    }

    [Fact]
    public async Task A_segment_cut_short_under_an_open_group_is_found_and_repaired()
    {
        using StoreFixture fixture = await StoreFixture.CreateAsync();
        await using IMessageStore store = await fixture.OpenAsync();
        for (int i = 0; i < 5; i++) await fixture.AppendAsync(store, i);
        Guid last = (await fixture.AppendAsync(store, 100)).Id;
        Cut(PathOf(store, last, out IndexEntry entry), entry.Offset + 60);
        Assert.Equal("the log", await RepairAsync(store));
        await fixture.AssertAllThereAsync(store);
    }

    [Fact]
    public async Task A_lost_key_is_found_and_rebuilt_from_the_archive()
    {
        using StoreFixture fixture = await StoreFixture.CreateAsync();
        await using (IMessageStore store = await fixture.OpenAsync())
        {
            for (int i = 0; i < 5; i++) await fixture.AppendAsync(store, i);
            await store.ArchiveAsync(new ArchiveOptions());
            Guid id = fixture.Digests.Keys.First();
            Keys(store).Remove([id]);
            DatabaseTest test = await store.TestAsync(new DatabaseTestOptions { SkipArchive = true });
            Assert.Equal(id, Assert.Single(test.Findings).Id);
            Assert.EndsWith(".mbox.gz", await RepairAsync(store), StringComparison.Ordinal);
            await fixture.AssertAllThereAsync(store);
        }
        await AssertWholeAsync(fixture);
    }

    [Fact]
    public async Task A_damaged_archive_record_is_found_where_it_lies()
    {
        using StoreFixture fixture = await StoreFixture.CreateAsync();
        await using IMessageStore store = await fixture.OpenAsync();
        for (int i = 0; i < 5; i++) await fixture.AppendAsync(store, i);
        await store.ArchiveAsync(new ArchiveOptions());
        Guid id = fixture.Digests.Keys.Last();
        ArchiveKey key = Assert.Single(Keys(store).Find(id));
        string path = Directory.GetFiles(Path.Combine(fixture.Database, "archive"), "*.mbox.gz", SearchOption.AllDirectories)[0];
        Flip(path, key.Offset + key.Length - 20);
        DatabaseTest test = await store.TestAsync(new DatabaseTestOptions());
        DatabaseFinding finding = Assert.Single(test.Findings);
        Assert.Equal((id, path, key.Offset), (finding.Id!.Value, finding.File, finding.Offset!.Value));
        Assert.Equal(DatabaseTestResult.Damaged, test.Result);
        Assert.Equal(DatabaseTestResult.Whole, (await store.TestAsync(new DatabaseTestOptions { SkipArchive = true })).Result);
    }

    [Fact]
    public async Task A_key_without_a_message_is_found_and_removed()
    {
        using StoreFixture fixture = await StoreFixture.CreateAsync();
        await using IMessageStore store = await fixture.OpenAsync();
        await fixture.AppendAsync(store, 1);
        await store.ArchiveAsync(new ArchiveOptions());
        ArchiveKey key = Keys(store).List().First() with { Id = Guid.CreateVersion7() };
        Keys(store).Put([key]);
        DatabaseTest test = await store.TestAsync(new DatabaseTestOptions());
        Assert.Equal(key.Id, Assert.Single(test.Findings).Id);
        await RepairAsync(store);
        Assert.Empty(Keys(store).Find(key.Id));
        Assert.Equal(DatabaseTestResult.Whole, (await store.TestAsync(new DatabaseTestOptions())).Result);
    }

    [Fact]
    public async Task A_damaged_log_is_found_and_opening_does_without_it_after_a_repair()
    {
        using StoreFixture fixture = await StoreFixture.CreateAsync();
        await using (IMessageStore store = await fixture.OpenAsync())
        {
            for (int i = 0; i < 10; i++) await fixture.AppendAsync(store, i);
            Flip(Directory.GetFiles(Path.Combine(fixture.Database, "logs", "sg1"))[0], 900);
            DatabaseTest test = await store.TestAsync(new DatabaseTestOptions { Repair = true });
            DatabaseFinding finding = Assert.Single(test.Findings);
            Assert.EndsWith(".log", finding.File, StringComparison.Ordinal);
            Assert.Contains("back up", finding.Problem, StringComparison.Ordinal);
            Assert.Equal(DatabaseTestResult.Damaged, test.Result);
        }
        await using IMessageStore reopened = await fixture.OpenAsync();
        await fixture.AssertAllThereAsync(reopened);
        await reopened.BackupAsync(new BackupOptions());
        await TrimLogsAsync(reopened);
        Assert.Equal(DatabaseTestResult.Whole, (await reopened.TestAsync(new DatabaseTestOptions())).Result);
    }

    [Fact]
    public async Task A_damaged_checkpoint_is_found_and_replaced()
    {
        using StoreFixture fixture = await StoreFixture.CreateAsync();
        await using (IMessageStore store = await fixture.OpenAsync())
        {
            for (int i = 0; i < 10; i++) await fixture.AppendAsync(store, i);
            Group(store).Checkpoint(CancellationToken.None);
            Flip(Directory.GetFiles(Path.Combine(fixture.Database, "store", "sg1"), "*.idx").Max()!, 400);
            Assert.Equal(DatabaseTestResult.Damaged, (await store.TestAsync(new DatabaseTestOptions())).Result);
            await RepairAsync(store);
            await fixture.AssertAllThereAsync(store);
        }
        await AssertWholeAsync(fixture);
    }

    [Fact]
    public async Task Users_who_go_on_are_not_taken_for_damage()
    {
        using StoreFixture fixture = await StoreFixture.CreateAsync();
        await using IMessageStore store = await fixture.OpenAsync();
        for (int i = 0; i < 200; i++) await fixture.AppendAsync(store, i);
        using var stop = new CancellationTokenSource();
        int next = 1000;
        Task[] users = [.. Enumerable.Range(0, 3).Select(n => Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                StoredMessage message = await fixture.AppendAsync(store, Interlocked.Increment(ref next), size: 5000);
                if (n == 0) await store.DeleteAsync(message.Id);
            }
        }))];
        for (int i = 0; i < 5; i++)
        {
            DatabaseTest test = await store.TestAsync(new DatabaseTestOptions());
            Assert.Empty(test.Findings);
            await foreach (StorageGroupOptimization done in store.OptimizeAsync(new OptimizeOptions { MinimumDeadShare = 0.1 })) Assert.Equal("", done.Reason);
        }
        await stop.CancelAsync();
        await Task.WhenAll(users);
    }

    private static async Task<string> RepairAsync(IMessageStore store)
    {
        var told = new List<DatabaseFinding>();
        DatabaseTest test = await store.TestAsync(new DatabaseTestOptions { Repair = true }, found: new Listener(told));
        Assert.Equal(DatabaseTestResult.Repaired, test.Result);
        Assert.Equal(test.Findings, told);
        Assert.Equal(test.Damaged, test.Repaired);
        Assert.Equal(DatabaseTestResult.Whole, (await store.TestAsync(new DatabaseTestOptions())).Result);
        return test.Findings[0].RepairedFrom;
    }

    private static async Task AssertWholeAsync(StoreFixture fixture)
    {
        await using IMessageStore reopened = await fixture.OpenAsync();
        DatabaseTest test = await reopened.TestAsync(new DatabaseTestOptions());
        Assert.Empty(test.Findings);
        await fixture.AssertAllThereAsync(reopened);
    }

    private static StorageGroup Group(IMessageStore store, string name = "SG1") => ((EmbeddedMessageStore)store).Database.Mail.Group(name);

    private static KeySwitch Keys(IMessageStore store) => ((EmbeddedMessageStore)store).Database.Keys;

    private static string PathOf(IMessageStore store, Guid id, out IndexEntry entry)
    {
        ((EmbeddedMessageStore)store).Database.Mail.TryFind(id, out StorageGroup group, out entry);
        return Path.Combine(GroupRecovery.SegmentFolder(group.StoreFolder), SegmentStore.FileName(entry.Segment));
    }

    /// <summary>Flips a byte at the end of a message's image.</summary>
    private static string FlipInImage(IMessageStore store, Guid id)
    {
        string path = PathOf(store, id, out IndexEntry entry);
        Flip(path, entry.Offset + entry.ImageLength - 12);
        return path;
    }

    private static void Flip(string path, long offset)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
        file.Position = offset;
        int value = file.ReadByte();
        file.Position = offset;
        file.WriteByte((byte)(value ^ 4));
    }

    private static void Cut(string path, long length)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
        file.SetLength(length);
    }

    /// <summary>Takes the checkpoints after which no log from before the newest backup is left.</summary>
    private static async Task TrimLogsAsync(IMessageStore store)
    {
        StorageGroup group = Group(store);
        for (int i = 0; i < 3; i++)
        {
            await group.CommitAsync(Transaction.Vouch(group.Identity.Salt));
            group.Checkpoint(CancellationToken.None);
        }
    }

    private sealed class Listener(List<DatabaseFinding> told) : IProgress<DatabaseFinding>
    {
        public void Report(DatabaseFinding value) => told.Add(value);
    }
}
