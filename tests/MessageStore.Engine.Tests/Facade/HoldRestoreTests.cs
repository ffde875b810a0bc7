using MessageStore.Storage;

namespace MessageStore.Tests.Facade;

/// <summary>What the administrator said outlives a restore to a time before it was said, where the database that is replaced or logs that survived can be read.</summary>
public sealed class HoldRestoreTests
{
    private static readonly DateTimeOffset Old = new(2001, 1, 1, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public async Task In_place_holds_and_blocks_of_the_database_that_is_replaced_are_carried_over()
    {
        using StoreFixture fixture = await StoreFixture.CreateAsync("SG1", "SG2");
        Case then = await PrepareAsync(fixture);

        RestoreRun run = await MessageDatabase.RestoreAsync(new RestoreOptions { BackupPath = then.Backup, Destination = fixture.Database, PointInTime = then.Point, Force = true });

        Assert.Contains(run.Warnings, w => w.StartsWith("2 holds ", StringComparison.Ordinal) && w.Contains("were carried over", StringComparison.Ordinal));
        Assert.Contains(run.Warnings, w => w.StartsWith("1 blocks of archives ", StringComparison.Ordinal));
        Assert.Contains(run.Warnings, w => w.StartsWith("1 holds or blocks of archives had been lifted since", StringComparison.Ordinal));
        Assert.DoesNotContain(run.Warnings, w => w.Contains("may be missing", StringComparison.Ordinal));
        await AssertSaidAsync(fixture, fixture.Database, then);

        // Once more, from what was carried over and from a checkpoint: nothing is said twice.
        run = await MessageDatabase.RestoreAsync(new RestoreOptions { BackupPath = then.Backup, Destination = fixture.Database, PointInTime = then.Point, Force = true });
        Assert.Contains(run.Warnings, w => w.StartsWith("2 holds ", StringComparison.Ordinal));
        await AssertSaidAsync(fixture, fixture.Database, then);
    }

    [Fact]
    public async Task In_place_with_the_store_lost_the_logs_that_survived_say_it()
    {
        using StoreFixture fixture = await StoreFixture.CreateAsync("SG1", "SG2");
        Case then = await PrepareAsync(fixture);
        Directory.Delete(Path.Combine(fixture.Database, "store"), recursive: true);
        RestoreRun run = await MessageDatabase.RestoreAsync(new RestoreOptions { BackupPath = then.Backup, Destination = fixture.Database, PointInTime = then.Point, Force = true });
        Assert.Contains(run.Warnings, w => w.StartsWith("2 holds ", StringComparison.Ordinal));
        Assert.DoesNotContain(run.Warnings, w => w.Contains("may be missing", StringComparison.Ordinal));
        await AssertSaidAsync(fixture, fixture.Database, then);
    }

    [Fact]
    public async Task In_place_with_the_logs_lost_the_checkpoint_says_it_and_the_result_that_more_may_be_missing()
    {
        using StoreFixture fixture = await StoreFixture.CreateAsync();
        Case then = await PrepareAsync(fixture, checkpoint: true);
        Directory.Delete(Path.Combine(fixture.Database, "logs"), recursive: true);
        RestoreRun run = await MessageDatabase.RestoreAsync(new RestoreOptions { BackupPath = then.Backup, Destination = fixture.Database, Force = true });
        Assert.Contains(run.Warnings, w => w.StartsWith("2 holds ", StringComparison.Ordinal));
        Assert.Contains(run.Warnings, w => w.Contains("may be missing: There is no log in", StringComparison.Ordinal));
        await AssertSaidAsync(fixture, fixture.Database, then);
    }

    [Fact]
    public async Task Where_neither_can_be_read_nothing_is_made_up_and_the_result_says_so()
    {
        using StoreFixture fixture = await StoreFixture.CreateAsync();
        Case then = await PrepareAsync(fixture);
        Directory.Delete(Path.Combine(fixture.Database, "store"), recursive: true);
        Directory.Delete(Path.Combine(fixture.Database, "logs"), recursive: true);
        RestoreRun run = await MessageDatabase.RestoreAsync(new RestoreOptions { BackupPath = then.Backup, Destination = fixture.Database, Force = true });
        Assert.Contains(run.Warnings, w => w.Contains("may be missing", StringComparison.Ordinal));
        await using IMessageStore store = await MessageDatabase.OpenAsync(fixture.Database);
        Assert.Equal(then.Early, Assert.Single(await store.ListHoldsAsync(includeLifted: true).ToListAsync()).Id);
        Assert.Empty(await store.ListArchiveBlocksAsync().ToListAsync());
    }

    [Fact]
    public async Task Elsewhere_they_are_carried_over_from_logs_that_are_named_and_not_otherwise()
    {
        using StoreFixture fixture = await StoreFixture.CreateAsync("SG1", "SG2");
        Case then = await PrepareAsync(fixture);
        string plain = Path.Combine(fixture.Root, "plain"), named = Path.Combine(fixture.Root, "named");
        RestoreRun run = await MessageDatabase.RestoreAsync(new RestoreOptions { BackupPath = then.Backup, Destination = plain });
        Assert.Empty(run.Warnings);
        await using (IMessageStore store = await MessageDatabase.OpenAsync(plain))
            Assert.Equal(then.Early, Assert.Single(await store.ListHoldsAsync(includeLifted: true).ToListAsync()).Id);
        run = await MessageDatabase.RestoreAsync(new RestoreOptions { BackupPath = then.Backup, Destination = named, LogPath = Path.Combine(fixture.Database, "logs"), PointInTime = then.Point });
        Assert.Contains(run.Warnings, w => w.StartsWith("2 holds ", StringComparison.Ordinal));
        await AssertSaidAsync(fixture, named, then);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_group_restored_while_the_others_serve_keeps_what_it_or_they_know(bool isLost)
    {
        using StoreFixture fixture = await StoreFixture.CreateAsync("SG1", "SG2");
        Case then = await PrepareAsync(fixture);
        await using (IMessageStore store = await fixture.OpenAsync())
        {
            string group = then.Group.ToLowerInvariant();
            if (isLost && !OperatingSystem.IsWindows())
            {
                Directory.Delete(Path.Combine(fixture.Database, "store", group), recursive: true);
                Directory.Delete(Path.Combine(fixture.Database, "logs", group), recursive: true);
            }
            RestoreRun run = await store.RestoreGroupsAsync(new RestoreOptions { BackupPath = then.Backup, Destination = fixture.Database, StorageGroups = [then.Group], PointInTime = isLost ? null : then.Point, Force = true });
            Assert.Contains(run.Warnings, w => w.StartsWith("2 holds ", StringComparison.Ordinal));
            Assert.Equal(ErrorIds.MessageOnHold, (await Assert.ThrowsAsync<MessageStoreException>(() => store.RemoveMailboxAsync("alice"))).ErrorId);
        }
        await using IMessageStore again = await fixture.OpenAsync();
        Assert.Equal(ErrorIds.MessageOnHold, (await Assert.ThrowsAsync<MessageStoreException>(() => again.DeleteAsync(then.Alice))).ErrorId);
        await fixture.AssertAllThereAsync(again);
    }

    /// <summary>A backup with one hold in force; after it a hold on a mailbox, one on a message, a block, and the end of the first hold.</summary>
    private static async Task<Case> PrepareAsync(StoreFixture fixture, bool checkpoint = false)
    {
        await using IMessageStore store = await fixture.OpenAsync();
        Guid alice = (await fixture.AppendAsync(store, 1, received: Old)).Id, bob = (await fixture.AppendAsync(store, 2, "bob", received: Old)).Id, carol = (await fixture.AppendAsync(store, 3, "carol", received: Old)).Id;
        MessageHold early = await store.AddHoldAsync(new HoldRequest { Ids = [carol], Reason = "Case 1.", By = "root" });
        string backup = (await store.BackupAsync(new BackupOptions())).Path;
        DateTimeOffset point = DateTimeOffset.UtcNow;
        await store.AddHoldAsync(new HoldRequest { Mailbox = "al*", Reason = "Case 12.", By = "judge" });
        await store.AddHoldAsync(new HoldRequest { Ids = [bob], Reason = "Case 13.", By = "judge" });
        await store.BlockArchiveAsync("carol", "Left.", "root");
        await store.RemoveHoldAsync(early.Id, "Closed.", "root");
        if (checkpoint)
            foreach (StorageGroup one in ((EmbeddedMessageStore)store).Database.Mail.Groups) one.Checkpoint(CancellationToken.None);
        string group = (await store.ListMailboxesAsync("alice").SingleAsync()).StorageGroup;
        return new Case(backup, point, early.Id, alice, bob, carol, group);
    }

    private static async Task AssertSaidAsync(StoreFixture fixture, string database, Case then)
    {
        await using IMessageStore store = await MessageDatabase.OpenAsync(database);
        List<MessageHold> holds = await store.ListHoldsAsync().ToListAsync();
        Assert.Equal(["Case 1.", "Case 12.", "Case 13."], holds.Select(h => h.Reason).Order());
        Assert.Equal(("judge", "al*"), (holds.Single(h => h.Reason == "Case 12.").By, holds.Single(h => h.Reason == "Case 12.").Mailbox));
        Assert.Equal("Left.", Assert.Single(await store.ListArchiveBlocksAsync().ToListAsync()).Reason);
        foreach (Guid id in (Guid[])[then.Alice, then.Bob, then.Carol])
            Assert.Equal(ErrorIds.MessageOnHold, (await Assert.ThrowsAsync<MessageStoreException>(() => store.DeleteAsync(id))).ErrorId);
        await fixture.AssertAllThereAsync(store);
        Assert.Equal(DatabaseTestResult.Whole, (await store.TestAsync(new DatabaseTestOptions())).Result);
    }

    private sealed record Case(string Backup, DateTimeOffset Point, Guid Early, Guid Alice, Guid Bob, Guid Carol, string Group);
}
