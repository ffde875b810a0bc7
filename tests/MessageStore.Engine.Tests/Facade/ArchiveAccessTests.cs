using MessageStore.Tests.Support;

namespace MessageStore.Tests.Facade;

public sealed class ArchiveAccessTests
{
    private static readonly DateTimeOffset Old = new(2001, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly ArchiveOptions Everything = new() { Before = new DateTimeOffset(2020, 1, 1, 0, 0, 0, TimeSpan.Zero) };

    [Fact]
    public async Task A_barred_archive_is_listed_and_not_read_whoever_asks()
    {
        using StoreFixture fixture = await StoreFixture.CreateAsync("SG1", "SG2");
        await using IMessageStore store = await fixture.OpenAsync();
        Guid alice = (await fixture.AppendAsync(store, 1, received: Old)).Id;
        Guid bob = (await fixture.AppendAsync(store, 2, "bob", received: Old)).Id;
        await store.ArchiveAsync(Everything);
        Guid hot = (await fixture.AppendAsync(store, 3, received: DateTimeOffset.UtcNow)).Id;

        ArchiveBlock block = await store.BlockArchiveAsync("alice", "Case 12.", "root@here");

        var refusal = await Assert.ThrowsAsync<MessageStoreException>(() => store.OpenReadAsync(alice));
        Assert.Equal((ErrorIds.ArchiveAccessDenied, ErrorKind.Denied), (refusal.ErrorId, refusal.Kind));
        Assert.Contains("root@here", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("Case 12.", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(ErrorIds.ArchiveAccessDenied, Assert.Single(await store.RecallAsync(new MessageQuery { Mailbox = "alice" }).ToListAsync()).ErrorId);
        Assert.Equal(2, (await store.ListAsync(new MessageQuery { Mailbox = "alice" }).ToListAsync()).Count);
        await StoreFixture.DigestAsync(store, hot);
        await StoreFixture.DigestAsync(store, bob);
        ArchiveInfo info = Assert.Single(await store.ListArchivesAsync("alice").ToListAsync());
        Assert.Equal((true, "root@here", block.Since, "Case 12."), (info.IsBlocked, info.BlockedBy, info.BlockedSince, info.BlockReason));
        Assert.False(Assert.Single(await store.ListArchivesAsync("bob").ToListAsync()).IsBlocked);
    }

    [Fact]
    public async Task A_lifted_block_stays_on_record()
    {
        using StoreFixture fixture = await StoreFixture.CreateAsync();
        await using (IMessageStore store = await fixture.OpenAsync())
        {
            await fixture.AppendAsync(store, 1, received: Old);
            await store.ArchiveAsync(Everything);
            ArchiveBlock first = await store.BlockArchiveAsync("alice", "Case 12.", "root");
            Assert.Equal(first, await store.BlockArchiveAsync("ALICE", "again", "other"));
            await store.BlockArchiveAsync("*", "Migration.", "root");
            Assert.Equal(2, (await store.ListArchiveBlocksAsync().ToListAsync()).Count);
            Assert.Single(await store.UnblockArchiveAsync("alice", "Closed.", "judge"));
            var wider = await Assert.ThrowsAsync<MessageStoreException>(() => store.UnblockArchiveAsync("alice", "", "judge"));
            Assert.Equal(ErrorIds.BlockNotFound, wider.ErrorId);
            Assert.Contains("'*'", wider.Message, StringComparison.Ordinal);
        }
        await using IMessageStore reopened = await fixture.OpenAsync();
        Assert.Equal("*", Assert.Single(await reopened.ListArchiveBlocksAsync().ToListAsync()).Mailbox);
        ArchiveBlock lifted = Assert.Single(await reopened.ListArchiveBlocksAsync(includeLifted: true).ToListAsync(), b => !b.InForce);
        Assert.Equal(("alice", "root", "judge", "Closed."), (lifted.Mailbox, lifted.By, lifted.LiftedBy, lifted.LiftReason));
        await reopened.UnblockArchiveAsync("*", "", "root");
        await fixture.AssertAllThereAsync(reopened);
    }

    [Fact]
    public async Task Blocks_and_holds_come_back_with_a_backup_and_with_the_log()
    {
        using StoreFixture fixture = await StoreFixture.CreateAsync("SG1", "SG2");
        Guid kept;
        BackupRun backup;
        await using (IMessageStore store = await fixture.OpenAsync())
        {
            kept = (await fixture.AppendAsync(store, 1, received: Old)).Id;
            await fixture.AppendAsync(store, 2, "bob", received: Old);
            await store.ArchiveAsync(Everything);
            await store.BlockArchiveAsync("alice", "Before.", "root");
            await store.AddHoldAsync(new HoldRequest { Ids = [kept], Reason = "Before.", By = "root" });
            backup = await store.BackupAsync(new BackupOptions());
            Assert.Equal(DrillResult.Verified, (await MessageDatabase.TestBackupAsync(backup.Path)).Result);
            await store.BlockArchiveAsync("bob", "After.", "root");
        }
        string withoutLogs = Path.Combine(fixture.Root, "without"), withLogs = Path.Combine(fixture.Root, "with");
        await MessageDatabase.RestoreAsync(new RestoreOptions { BackupPath = backup.Path, Destination = withoutLogs });
        await MessageDatabase.RestoreAsync(new RestoreOptions { BackupPath = backup.Path, Destination = withLogs, LogPath = Path.Combine(fixture.Database, "logs") });
        await using (IMessageStore restored = await MessageDatabase.OpenAsync(withoutLogs))
        {
            Assert.Equal(["alice"], (await restored.ListArchiveBlocksAsync().ToListAsync()).Select(b => b.Mailbox));
            var refusal = await Assert.ThrowsAsync<MessageStoreException>(() => restored.DeleteAsync(kept));
            Assert.Equal(ErrorIds.MessageOnHold, refusal.ErrorId);
        }
        await using IMessageStore whole = await MessageDatabase.OpenAsync(withLogs);
        Assert.Equal(["alice", "bob"], (await whole.ListArchiveBlocksAsync().ToListAsync()).Select(b => b.Mailbox));
    }
}
