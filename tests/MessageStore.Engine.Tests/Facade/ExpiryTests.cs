using MessageStore.Archiving;
using MessageStore.IO;
using MessageStore.Tests.Support;

namespace MessageStore.Tests.Facade;

public sealed class ExpiryTests
{
    private static readonly DateTimeOffset Old = new(2001, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly ArchiveOptions Keep = new() { Before = new DateTimeOffset(2020, 1, 1, 0, 0, 0, TimeSpan.Zero) };
    private static readonly ArchiveOptions Expire = Keep with { RetainFor = TimeSpan.FromTicks(1) };

    [Fact]
    public async Task A_file_of_which_nothing_is_left_goes_and_its_name_is_not_used_again()
    {
        using StoreFixture fixture = await StoreFixture.CreateAsync("SG1", "SG2");
        await using IMessageStore store = await fixture.OpenAsync();
        await AppendAsync(fixture, store, 0, 5, "alice");
        await store.ArchiveAsync(Expire);
        string file = Assert.Single(Files(fixture, "alice"));

        ExpiryRun run = await store.ExpireAsync(new ExpiryOptions());

        Assert.Equal((5, 5, 0, 0, 1, 0), (run.Due, run.Removed, run.Held, run.Failed, run.FilesDeleted, run.FilesRewritten));
        Assert.True(run.BytesFreed > 0);
        Assert.Empty(Files(fixture, "alice"));
        fixture.Digests.Clear();
        await fixture.AssertAllThereAsync(store);
        await AppendAsync(fixture, store, 10, 3, "alice");
        Assert.Equal(3, (await store.ArchiveAsync(Keep)).Moved);
        Assert.NotEqual(file, Assert.Single(Files(fixture, "alice")));
        Assert.EndsWith(".2.mbox.gz", Files(fixture, "alice")[0], StringComparison.Ordinal);
        await fixture.AssertAllThereAsync(store);
        Assert.Equal(DatabaseTestResult.Whole, (await store.TestAsync(new DatabaseTestOptions())).Result);
        Assert.Equal(0, (await store.ExpireAsync(new ExpiryOptions())).Due);
    }

    [Fact]
    public async Task A_file_with_other_records_is_written_anew_without_what_has_expired()
    {
        using StoreFixture fixture = await StoreFixture.CreateAsync();
        await using (IMessageStore store = await fixture.OpenAsync())
        {
            List<Guid> expired = await AppendAsync(fixture, store, 0, 4, "alice");
            await store.ArchiveAsync(Expire);
            await AppendAsync(fixture, store, 10, 4, "alice");
            await store.ArchiveAsync(Keep);
            long before = Files(fixture, "alice").Sum(f => new FileInfo(f).Length);

            ExpiryRun run = await store.ExpireAsync(new ExpiryOptions());

            Assert.Equal((4, 0, 1), (run.Removed, run.FilesDeleted, run.FilesRewritten));
            Assert.Equal(before - run.BytesFreed, new FileInfo(Assert.Single(Files(fixture, "alice"))).Length);
            foreach (Guid id in expired) fixture.Digests.Remove(id);
            await fixture.AssertAllThereAsync(store);
            await AppendAsync(fixture, store, 20, 4, "alice");
            Assert.Equal(4, (await store.ArchiveAsync(Keep)).Moved);
            Assert.Single(Files(fixture, "alice"));
        }
        await using IMessageStore reopened = await fixture.OpenAsync();
        await fixture.AssertAllThereAsync(reopened);
        Assert.Equal(DatabaseTestResult.Whole, (await reopened.TestAsync(new DatabaseTestOptions())).Result);
    }

    [Fact]
    public async Task What_is_held_stays_and_the_receipt_says_why()
    {
        using StoreFixture fixture = await StoreFixture.CreateAsync("SG1", "SG2");
        await using IMessageStore store = await fixture.OpenAsync();
        List<Guid> alice = await AppendAsync(fixture, store, 0, 3, "alice");
        List<Guid> bob = await AppendAsync(fixture, store, 10, 3, "bob");
        await store.ArchiveAsync(Expire);
        MessageHold hold = await store.AddHoldAsync(new HoldRequest { Ids = [alice[1]], Reason = "Case 12.", By = "root" });

        ExpiryRun counted = await store.ExpireAsync(new ExpiryOptions { DryRun = true });
        Assert.Equal((6, 0, 1), (counted.Due, counted.Removed, counted.Held));
        await fixture.AssertAllThereAsync(store);
        ExpiryRun run = await store.ExpireAsync(new ExpiryOptions());

        Assert.Equal((6, 5, 1, 0, 1, 1), (run.Due, run.Removed, run.Held, run.Failed, run.FilesDeleted, run.FilesRewritten));
        ExpiryReceipt receipt = run.Receipts.Single(r => r.Mailbox == "alice");
        Assert.Equal((3, 2, 1), (receipt.Due, receipt.Removed, receipt.Held));
        Assert.Contains("Case 12.", receipt.Reason, StringComparison.Ordinal);
        foreach (Guid id in (Guid[])[alice[0], alice[2], .. bob]) fixture.Digests.Remove(id);
        await fixture.AssertAllThereAsync(store);
        await store.RemoveHoldAsync(hold.Id, "", "root");
        Assert.Equal((1, 1), ((await store.ExpireAsync(new ExpiryOptions())).Removed, run.FilesDeleted));
        Assert.Empty(await store.ListAsync(new MessageQuery()).ToListAsync());
    }

    [Fact]
    public async Task An_older_backup_does_not_bring_back_what_has_expired_since()
    {
        using StoreFixture fixture = await StoreFixture.CreateAsync();
        BackupRun hot, archived;
        List<Guid> expired;
        await using (IMessageStore store = await fixture.OpenAsync())
        {
            expired = await AppendAsync(fixture, store, 0, 4, "alice");
            hot = await store.BackupAsync(new BackupOptions());
            await store.ArchiveAsync(Expire);
            await AppendAsync(fixture, store, 10, 4, "alice");
            await store.ArchiveAsync(Keep);
            archived = await store.BackupAsync(new BackupOptions());
            await store.ExpireAsync(new ExpiryOptions());
            foreach (Guid id in expired) fixture.Digests.Remove(id);
        }
        Dictionary<Guid, string> all = new(fixture.Digests);
        string first = Path.Combine(fixture.Root, "first"), second = Path.Combine(fixture.Root, "second");

        RestoreRun fromHot = await MessageDatabase.RestoreAsync(new RestoreOptions { BackupPath = hot.Path, Destination = first });
        RestoreRun fromArchived = await MessageDatabase.RestoreAsync(new RestoreOptions { BackupPath = archived.Path, Destination = second });

        Assert.Contains(fromHot.Warnings, w => w.Contains("4 messages had expired", StringComparison.Ordinal));
        Assert.Contains(fromArchived.Warnings, w => w.Contains("4 messages had expired", StringComparison.Ordinal));
        await using (IMessageStore restored = await MessageDatabase.OpenAsync(second)) await fixture.AssertAllThereAsync(restored);
        await using IMessageStore empty = await MessageDatabase.OpenAsync(first);
        Assert.Empty(await empty.ListAsync(new MessageQuery()).ToListAsync());
        Assert.Equal(4, all.Count);
    }

    [Fact]
    public async Task Messages_taken_one_by_one_from_an_older_backup_leave_out_what_has_expired_and_bring_what_users_deleted()
    {
        using StoreFixture fixture = await StoreFixture.CreateAsync();
        await using IMessageStore store = await fixture.OpenAsync();
        List<Guid> expired = await AppendAsync(fixture, store, 0, 4, "alice");
        StoredMessage young = await fixture.AppendAsync(store, 20, "alice");
        string backup = (await store.BackupAsync(new BackupOptions())).Path;
        await store.ArchiveAsync(Expire);
        await store.ExpireAsync(new ExpiryOptions());
        await store.DeleteAsync(young.Id);
        var options = new MessageRestoreOptions { BackupPath = backup, Mailbox = "alice" };

        List<MessageRestore> results = await store.RestoreMessagesAsync(options).ToListAsync();

        Assert.Equal(expired.Order(), results.Where(r => r.Result == MessageRestoreResult.Expired).Select(r => r.Id).Order());
        Assert.Equal((young.Id, ""), (Assert.Single(results, r => r.Result == MessageRestoreResult.Restored).Id, results.Single(r => r.Result == MessageRestoreResult.Restored).Reason));
        Assert.Equal(young.Id, Assert.Single(await store.ListAsync(new MessageQuery()).ToListAsync()).Id);
        // Where nobody can be asked, a message comes back and says so.
        await store.DeleteAsync(young.Id);
        Directory.Move(Path.Combine(fixture.Database, "archive"), Path.Combine(fixture.Root, "away"));
        results = await store.RestoreMessagesAsync(options with { Ids = [young.Id] }).ToListAsync();
        Assert.Contains("not known", Assert.Single(results).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_recalled_message_outlives_its_record()
    {
        using StoreFixture fixture = await StoreFixture.CreateAsync();
        await using IMessageStore store = await fixture.OpenAsync();
        Guid id = Assert.Single(await AppendAsync(fixture, store, 0, 1, "alice"));
        await store.ArchiveAsync(Expire);
        await store.RecallAsync(new MessageQuery { Ids = [id] }).ToListAsync();

        ExpiryRun run = await store.ExpireAsync(new ExpiryOptions());

        Assert.Equal((1, 1), (run.Removed, run.FilesDeleted));
        await fixture.AssertAllThereAsync(store);
        Assert.Equal(1, (await store.ArchiveAsync(Keep)).Moved);
        await fixture.AssertAllThereAsync(store);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3 << 20)]
    public async Task The_record_of_a_recalled_message_stays_until_a_backup_has_the_message(int size)
    {
        using StoreFixture fixture = await StoreFixture.CreateAsync();
        await using IMessageStore store = await fixture.OpenAsync();
        Guid id = (await fixture.AppendAsync(store, 0, "alice", Old, size)).Id;
        await store.ArchiveAsync(Expire);
        string before = (await store.BackupAsync(new BackupOptions())).Path;
        await store.RecallAsync(new MessageQuery { Ids = [id] }).ToListAsync();

        ExpiryRun first = await store.ExpireAsync(new ExpiryOptions());

        Assert.Equal((0L, 0, 0L), (first.Removed, first.FilesDeleted, first.Failed));
        Assert.Contains("in no backup yet", Assert.Single(first.Receipts).Reason, StringComparison.Ordinal);
        await MessageDatabase.RestoreAsync(new RestoreOptions { BackupPath = before, Destination = Path.Combine(fixture.Root, "again") });
        await using (IMessageStore again = await MessageDatabase.OpenAsync(Path.Combine(fixture.Root, "again"))) await fixture.AssertAllThereAsync(again);

        await store.BackupAsync(new BackupOptions { Kind = BackupKind.Incremental });
        ExpiryRun second = await store.ExpireAsync(new ExpiryOptions());
        Assert.Equal((1L, 1), (second.Removed, second.FilesDeleted));
        await fixture.AssertAllThereAsync(store);
    }

    [Fact]
    public async Task The_record_of_a_recalled_message_stays_while_the_message_is_damaged_in_the_store()
    {
        using StoreFixture fixture = await StoreFixture.CreateAsync();
        Guid id;
        await using (IMessageStore store = await fixture.OpenAsync())
        {
            id = (await fixture.AppendAsync(store, 0, "alice", Old)).Id;
            await store.ArchiveAsync(Expire);
            await store.RecallAsync(new MessageQuery { Ids = [id] }).ToListAsync();
        }
        int flipped = 0;
        foreach (string file in Directory.GetFiles(Path.Combine(fixture.Database, "store"), "*", SearchOption.AllDirectories))
        {
            byte[] bytes = File.ReadAllBytes(file);
            for (int at = 0, found; (found = bytes.AsSpan(at).IndexOf("text 0"u8)) >= 0; at += found + 1, flipped++) bytes[at + found] ^= 1;
            File.WriteAllBytes(file, bytes);
        }
        Assert.True(flipped > 0);
        await using IMessageStore again = await fixture.OpenAsync();

        ExpiryRun run = await again.ExpireAsync(new ExpiryOptions());

        Assert.Equal((0L, 0), (run.Removed, run.FilesDeleted));
        Assert.Contains("damaged in the store", Assert.Single(run.Receipts).Reason, StringComparison.Ordinal);
        Assert.Single(Files(fixture, "alice"));
        DatabaseTest repaired = await again.TestAsync(new DatabaseTestOptions { Repair = true });
        Assert.Equal(1, repaired.Repaired);
        await fixture.AssertAllThereAsync(again);
    }

    [Fact]
    public async Task A_run_that_was_interrupted_between_copy_and_keys_is_finished_by_the_next()
    {
        using StoreFixture fixture = await StoreFixture.CreateAsync();
        await using IMessageStore store = await fixture.OpenAsync();
        List<Guid> expired = await AppendAsync(fixture, store, 0, 2, "alice");
        await store.ArchiveAsync(Expire);
        List<Guid> kept = await AppendAsync(fixture, store, 10, 2, "alice");
        await store.ArchiveAsync(Keep);
        // The second generation as such a run leaves it: the survivors are copied, no key points at them.
        string file = Assert.Single(Files(fixture, "alice")), copy = file.Replace(".mbox.gz", ".2.mbox.gz", StringComparison.Ordinal);
        long start = (await store.ListKeysAsync(kept[0]).ToListAsync())[0].Offset;
        File.WriteAllBytes(copy, File.ReadAllBytes(file)[(int)start..]);

        ExpiryRun run = await store.ExpireAsync(new ExpiryOptions());

        Assert.Equal((2, 0), (run.Removed, run.Failed));
        Assert.Equal([copy], Files(fixture, "alice"));
        foreach (Guid id in expired) fixture.Digests.Remove(id);
        await fixture.AssertAllThereAsync(store);
    }

    [Fact]
    public async Task A_damaged_file_is_left_as_it_is_and_named()
    {
        using StoreFixture fixture = await StoreFixture.CreateAsync();
        await using IMessageStore store = await fixture.OpenAsync();
        await AppendAsync(fixture, store, 0, 2, "alice");
        await store.ArchiveAsync(Expire);
        await AppendAsync(fixture, store, 10, 2, "alice");
        await store.ArchiveAsync(Keep);
        await AppendAsync(fixture, store, 20, 2, "bob");
        await store.ArchiveAsync(Expire);
        string file = Assert.Single(Files(fixture, "alice"));
        byte[] bytes = File.ReadAllBytes(file);
        bytes[20] ^= 1; // the first record's header
        File.WriteAllBytes(file, bytes);

        ExpiryRun run = await store.ExpireAsync(new ExpiryOptions());

        Assert.Equal((4, 1, 1), (run.Removed, run.Failed, run.FilesDeleted));
        Assert.Contains(file, run.Receipts.Single(r => r.Mailbox == "alice").Reason, StringComparison.Ordinal);
        Assert.Equal(bytes, File.ReadAllBytes(file));
    }

    [Fact]
    public async Task Nothing_is_removed_while_the_archive_is_away()
    {
        using StoreFixture fixture = await StoreFixture.CreateAsync();
        await using IMessageStore store = await fixture.OpenAsync();
        await AppendAsync(fixture, store, 0, 2, "alice");
        await store.ArchiveAsync(Expire);
        Directory.Move(Path.Combine(fixture.Database, "archive"), Path.Combine(fixture.Root, "away"));
        Assert.Equal(ErrorIds.ArchiveUnavailable, (await Assert.ThrowsAsync<MessageStoreException>(() => store.ExpireAsync(new ExpiryOptions()))).ErrorId);
        Directory.Move(Path.Combine(fixture.Root, "away"), Path.Combine(fixture.Database, "archive"));
        await fixture.AssertAllThereAsync(store);
    }

    [Fact]
    public void Tombstones_are_read_back_up_to_a_torn_tail()
    {
        using var folder = new TemporaryFolder();
        Guid database = Guid.NewGuid();
        var file = new TombstoneFile(DiskStorage.Instance, folder.Path, database, TimeProvider.System);
        Guid[] ids = [Guid.CreateVersion7(), Guid.CreateVersion7(), Guid.CreateVersion7()];
        file.Add([new Tombstones(TombstoneFrameType.Expired, "a/2026-01.mbox.gz", ids[..2]), new Tombstones(TombstoneFrameType.Superfluous, "b/2026-01.mbox.gz", [])]);
        string path = folder[TombstoneFile.FileName];
        File.AppendAllText(path, "MSF1 torn");
        Assert.Equal(2, file.Read().Count());
        file.Add([new Tombstones(TombstoneFrameType.Reclaimed, "c/2026-01.mbox.gz", ids[2..])]);
        Assert.Equal(ids, file.Read().SelectMany(t => t.Ids));
        var other = new TombstoneFile(DiskStorage.Instance, folder.Path, Guid.NewGuid(), TimeProvider.System);
        Assert.Equal(ErrorIds.ArchiveUnavailable, Assert.Throws<MessageStoreException>(() => other.Read().Count()).ErrorId);
        byte[] bytes = File.ReadAllBytes(path);
        bytes[100] ^= 1; // an acknowledged frame
        File.WriteAllBytes(path, bytes);
        Assert.Equal(ErrorIds.ArchiveDamaged, Assert.Throws<MessageStoreException>(() => file.Read().Count()).ErrorId);
    }

    [Theory]
    [InlineData("a/2026-07.mbox.gz", 1)]
    [InlineData("a/2026-07.2.mbox.gz", 2)]
    [InlineData("a.3/2026-07.mbox.gz", 1)]
    [InlineData("a.3/2026-07.12.mbox.gz", 12)]
    public void A_generation_is_read_from_its_name(string volume, int generation)
    {
        Assert.Equal(generation, ArchivePaths.GenerationOf(volume));
        Assert.Equal(volume, ArchivePaths.Generation(ArchivePaths.Generation(volume, 1), generation));
    }

    private static async Task<List<Guid>> AppendAsync(StoreFixture fixture, IMessageStore store, int first, int count, string mailbox)
    {
        var ids = new List<Guid>();
        for (int i = first; i < first + count; i++) ids.Add((await fixture.AppendAsync(store, i, mailbox, Old)).Id);
        return ids;
    }

    private static string[] Files(StoreFixture fixture, string mailbox)
    {
        string folder = Path.Combine(fixture.Database, "archive", mailbox);
        return Directory.Exists(folder) ? Directory.GetFiles(folder) : [];
    }
}
