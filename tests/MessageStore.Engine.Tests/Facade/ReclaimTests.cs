namespace MessageStore.Tests.Facade;

/// <summary>The space of archived messages that users delete, or that go with their mailbox, comes back; and only theirs.</summary>
public sealed class ReclaimTests
{
    private static readonly DateTimeOffset Old = new(2001, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly ArchiveOptions Everything = new() { Before = new DateTimeOffset(2020, 1, 1, 0, 0, 0, TimeSpan.Zero) };
    private static readonly ExpiryOptions Now = new() { KeepDeletedFor = TimeSpan.Zero };

    [Fact]
    public async Task The_files_of_a_removed_mailbox_go()
    {
        using StoreFixture fixture = await StoreFixture.CreateAsync("SG1", "SG2");
        await using IMessageStore store = await fixture.OpenAsync();
        List<Guid> bob = await ArchiveAsync(fixture, store, "bob", 5);
        await ArchiveAsync(fixture, store, "alice", 5);
        await store.RemoveMailboxAsync("bob");
        bob.ForEach(id => fixture.Digests.Remove(id));

        ArchiveTest test = await store.TestArchiveAsync(new ArchiveTestOptions());
        Assert.Equal((DatabaseTestResult.Whole, 5L, 0L), (test.Result, test.Deleted, test.Orphans));
        Assert.True(test.DeletedBytes > 0);
        Assert.Equal(DatabaseTestResult.Whole, (await store.TestAsync(new DatabaseTestOptions())).Result);
        ExpiryRun early = await store.ExpireAsync(new ExpiryOptions());
        Assert.Equal((0, 0), (early.Reclaimed, early.FilesDeleted));

        ExpiryRun counted = await store.ExpireAsync(Now with { DryRun = true });
        ExpiryRun run = await store.ExpireAsync(Now);

        Assert.Equal((5, 0, 0), (counted.Reclaimed, counted.FilesDeleted, counted.BytesFreed));
        Assert.Equal((5, 0, 1, 0, test.DeletedBytes), (run.Reclaimed, run.Due, run.FilesDeleted, run.Failed, run.BytesFreed));
        Assert.Equal("bob", Assert.Single(run.Receipts).Mailbox);
        Assert.False(Directory.Exists(Path.Combine(fixture.Database, "archive", "bob")));
        await fixture.AssertAllThereAsync(store);
        ArchiveTest after = await store.TestArchiveAsync(new ArchiveTestOptions());
        Assert.Equal((DatabaseTestResult.Whole, 0L, 0L, 0L), (after.Result, after.Deleted, after.Orphans, after.FindingCount));
    }

    [Fact]
    public async Task A_file_is_written_anew_when_enough_of_it_is_dead()
    {
        using StoreFixture fixture = await StoreFixture.CreateAsync();
        await using (IMessageStore store = await fixture.OpenAsync())
        {
            List<Guid> ids = await ArchiveAsync(fixture, store, "alice", 10);
            await DeleteAsync(fixture, store, ids[0]);
            Assert.Equal(0, (await store.ExpireAsync(Now)).Reclaimed);
            await DeleteAsync(fixture, store, ids[1]);
            await DeleteAsync(fixture, store, ids[5]);

            ExpiryRun run = await store.ExpireAsync(Now);

            Assert.Equal((3, 1, 0), (run.Reclaimed, run.FilesRewritten, run.FilesDeleted));
            Assert.EndsWith(".2.mbox.gz", Assert.Single(Directory.GetFiles(Path.Combine(fixture.Database, "archive", "alice"))), StringComparison.Ordinal);
            await DeleteAsync(fixture, store, ids[2]);
            Assert.Equal(1, (await store.ExpireAsync(Now with { MinimumDeadShare = 0 })).Reclaimed);
            await fixture.AssertAllThereAsync(store);
        }
        await using IMessageStore reopened = await fixture.OpenAsync();
        await fixture.AssertAllThereAsync(reopened);
        Assert.Equal(0, (await reopened.TestArchiveAsync(new ArchiveTestOptions())).FindingCount);
    }

    [Fact]
    public async Task A_mark_outlives_the_rewriting_of_its_file()
    {
        using StoreFixture fixture = await StoreFixture.CreateAsync();
        await using IMessageStore store = await fixture.OpenAsync();
        List<Guid> expired = await ArchiveAsync(fixture, store, "alice", 4, Everything with { RetainFor = TimeSpan.FromTicks(1) });
        List<Guid> kept = await ArchiveAsync(fixture, store, "alice", 4, first: 10);
        await DeleteAsync(fixture, store, kept[0]);
        expired.ForEach(id => fixture.Digests.Remove(id));

        Assert.Equal((4, 0, 1), Counts(await store.ExpireAsync(new ExpiryOptions())));
        Assert.Equal((0, 1, 1), Counts(await store.ExpireAsync(Now with { MinimumDeadShare = 0 })));

        await fixture.AssertAllThereAsync(store);
        Assert.Equal(0, (await store.TestArchiveAsync(new ArchiveTestOptions())).FindingCount);

        static (long, long, int) Counts(ExpiryRun run) => (run.Removed, run.Reclaimed, run.FilesRewritten);
    }

    [Fact]
    public async Task A_hold_keeps_the_records_of_a_mailbox_that_is_gone()
    {
        using StoreFixture fixture = await StoreFixture.CreateAsync();
        await using IMessageStore store = await fixture.OpenAsync();
        await ArchiveAsync(fixture, store, "bob", 3);
        await store.RemoveMailboxAsync("bob");
        MessageHold hold = await store.AddHoldAsync(new HoldRequest { Mailbox = "b*", Reason = "Case 12.", By = "root" });

        ExpiryRun run = await store.ExpireAsync(Now);

        Assert.Equal((0, 0), (run.Reclaimed, run.FilesDeleted));
        Assert.Contains("Case 12.", Assert.Single(run.Receipts).Reason, StringComparison.Ordinal);
        await store.RemoveHoldAsync(hold.Id, "", "root");
        Assert.Equal((3, 1), ((run = await store.ExpireAsync(Now)).Reclaimed, run.FilesDeleted));
    }

    [Fact]
    public async Task Records_that_are_newer_than_the_backup_the_database_was_restored_from_are_nobodys_dead()
    {
        using StoreFixture fixture = await StoreFixture.CreateAsync();
        BackupRun backup;
        await using (IMessageStore store = await fixture.OpenAsync())
        {
            await ArchiveAsync(fixture, store, "alice", 2);
            backup = await store.BackupAsync(new BackupOptions());
            await ArchiveAsync(fixture, store, "alice", 3, first: 10);
        }
        Directory.Delete(Path.Combine(fixture.Database, "logs"), recursive: true);
        string place = Path.Combine(fixture.Root, "restored");
        await MessageDatabase.RestoreAsync(new RestoreOptions { BackupPath = backup.Path, Destination = place });
        await using IMessageStore restored = await MessageDatabase.OpenAsync(place);

        ExpiryRun run = await restored.ExpireAsync(Now with { MinimumDeadShare = 0 });

        Assert.Equal((0, 0, 0), (run.Reclaimed, run.FilesDeleted, run.FilesRewritten));
        Assert.Equal(3, (await restored.TestArchiveAsync(new ArchiveTestOptions())).Orphans);
    }

    [Fact]
    public async Task A_restore_to_before_the_deletion_finds_the_record_until_it_is_given_up_and_then_says_so()
    {
        using StoreFixture fixture = await StoreFixture.CreateAsync();
        BackupRun hot, archived;
        List<Guid> ids;
        await using (IMessageStore store = await fixture.OpenAsync())
        {
            ids = await AppendAsync(fixture, store, "alice", 4);
            hot = await store.BackupAsync(new BackupOptions());
            await store.ArchiveAsync(Everything);
            archived = await store.BackupAsync(new BackupOptions());
            await store.DeleteAsync(ids[0]);
        }
        string early = Path.Combine(fixture.Root, "early"), late = Path.Combine(fixture.Root, "late"), first = Path.Combine(fixture.Root, "first");
        RestoreRun before = await MessageDatabase.RestoreAsync(new RestoreOptions { BackupPath = archived.Path, Destination = early });
        Assert.Empty(before.Warnings);
        await using (IMessageStore restored = await MessageDatabase.OpenAsync(early)) await fixture.AssertAllThereAsync(restored);
        await using (IMessageStore store = await fixture.OpenAsync()) Assert.Equal(1, (await store.ExpireAsync(Now with { MinimumDeadShare = 0 })).Reclaimed);

        RestoreRun after = await MessageDatabase.RestoreAsync(new RestoreOptions { BackupPath = archived.Path, Destination = late });
        await MessageDatabase.RestoreAsync(new RestoreOptions { BackupPath = hot.Path, Destination = first });

        Assert.Contains(after.Warnings, w => w.Contains("1 archived messages were deleted by their users", StringComparison.Ordinal));
        await using (IMessageStore whole = await MessageDatabase.OpenAsync(first)) await fixture.AssertAllThereAsync(whole); // that backup has its body
        fixture.Digests.Remove(ids[0]);
        await using (IMessageStore restored = await MessageDatabase.OpenAsync(late)) await fixture.AssertAllThereAsync(restored);
    }

    [Fact]
    public async Task A_message_that_came_back_under_its_Id_is_not_dead()
    {
        using StoreFixture fixture = await StoreFixture.CreateAsync();
        await using IMessageStore store = await fixture.OpenAsync();
        List<Guid> ids = await AppendAsync(fixture, store, "alice", 2);
        BackupRun backup = await store.BackupAsync(new BackupOptions());
        await store.ArchiveAsync(Everything);
        await store.DeleteAsync(ids[0]);
        await store.RestoreMessagesAsync(new MessageRestoreOptions { BackupPath = backup.Path, Ids = [ids[0]] }).ToListAsync();
        Assert.Equal(1, (await store.ArchiveAsync(Everything)).Moved);

        Assert.Equal(0, (await store.ExpireAsync(Now with { MinimumDeadShare = 0 })).Reclaimed);

        await fixture.AssertAllThereAsync(store);
        Assert.Equal(0, (await store.TestArchiveAsync(new ArchiveTestOptions())).FindingCount);
    }

    private static async Task<List<Guid>> ArchiveAsync(StoreFixture fixture, IMessageStore store, string mailbox, int count, ArchiveOptions? options = null, int first = 0)
    {
        List<Guid> ids = await AppendAsync(fixture, store, mailbox, count, first);
        Assert.Equal(count, (await store.ArchiveAsync(options ?? Everything)).Moved);
        return ids;
    }

    private static async Task<List<Guid>> AppendAsync(StoreFixture fixture, IMessageStore store, string mailbox, int count, int first = 0)
    {
        var ids = new List<Guid>();
        for (int i = first; i < first + count; i++) ids.Add((await fixture.AppendAsync(store, i, mailbox, Old)).Id);
        return ids;
    }

    private static async Task DeleteAsync(StoreFixture fixture, IMessageStore store, Guid id)
    {
        await store.DeleteAsync(id);
        fixture.Digests.Remove(id);
    }
}
