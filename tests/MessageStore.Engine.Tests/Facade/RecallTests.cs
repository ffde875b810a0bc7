using MessageStore.Messages;
using MessageStore.Tests.Support;

namespace MessageStore.Tests.Facade;

public sealed class RecallTests
{
    private static readonly DateTimeOffset Old = new(2001, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly ArchiveOptions Everything = new() { Before = new DateTimeOffset(2020, 1, 1, 0, 0, 0, TimeSpan.Zero) };

    [Fact]
    public async Task A_recalled_message_is_hot_again_and_the_same_to_the_byte()
    {
        using StoreFixture fixture = await StoreFixture.CreateAsync();
        await using IMessageStore store = await fixture.OpenAsync();
        Guid small = (await fixture.AppendAsync(store, 1, received: Old, flags: MessageFlags.Read)).Id;
        Guid large = (await fixture.AppendAsync(store, 2, received: Old, size: 3 << 20)).Id;
        await fixture.AppendAsync(store, 3, received: Old);
        await store.ArchiveAsync(Everything);
        await store.MoveAsync(small, "Kept");

        List<MessageRecall> recalled = await RecallAsync(store, new MessageQuery { Ids = [small, large] });

        Assert.Equal([small, large], recalled.Select(r => r.Id).Order());
        Assert.All(recalled, r => Assert.False(r.Message!.IsArchived));
        StoredMessage message = recalled.Single(r => r.Id == small).Message!;
        Assert.Equal(("Kept", MessageFlags.Read), (message.Folder, message.Flags));
        await fixture.AssertAllThereAsync(store);
        DatabaseStatus status = await store.GetStatusAsync();
        Assert.Equal((2, 1), (status.HotMessageCount, status.ArchivedMessageCount));
        Assert.Empty(await store.ListKeysAsync(small).ToListAsync());
    }

    [Fact]
    public async Task A_recall_survives_reopening_and_proves_itself_in_a_backup()
    {
        using StoreFixture fixture = await StoreFixture.CreateAsync("SG1", "SG2");
        await using (IMessageStore store = await fixture.OpenAsync())
        {
            for (int i = 0; i < 20; i++) await fixture.AppendAsync(store, i, mailbox: i % 2 == 0 ? "alice" : "bob", received: Old, size: i == 4 ? 2 << 20 : 0);
            await store.ArchiveAsync(Everything);
            Assert.Equal(10, (await RecallAsync(store, new MessageQuery { Mailbox = "alice" })).Count);
            BackupRun backup = await store.BackupAsync(new BackupOptions());
            Assert.Equal(DrillResult.Verified, (await MessageDatabase.TestBackupAsync(backup.Path)).Result);
        }
        await using IMessageStore reopened = await fixture.OpenAsync();
        Assert.Equal(10, (await reopened.GetStatusAsync()).HotMessageCount);
        await fixture.AssertAllThereAsync(reopened);
    }

    [Fact]
    public async Task What_is_archived_again_uses_the_record_that_is_there()
    {
        using StoreFixture fixture = await StoreFixture.CreateAsync();
        await using IMessageStore store = await fixture.OpenAsync();
        Guid id = (await fixture.AppendAsync(store, 1, received: Old)).Id;
        await store.ArchiveAsync(Everything);
        ArchiveInfo before = Assert.Single(await store.ListArchivesAsync().ToListAsync());
        await RecallAsync(store, new MessageQuery { Ids = [id] });

        ArchiveRun again = await store.ArchiveAsync(Everything);

        Assert.Equal((1, 1, 0), (again.Matched, again.Moved, again.Failed));
        Assert.Equal(before.FileBytes, Assert.Single(await store.ListArchivesAsync().ToListAsync()).FileBytes);
        await fixture.AssertAllThereAsync(store);
    }

    [Fact]
    public async Task Another_retention_gets_a_record_of_its_own()
    {
        using StoreFixture fixture = await StoreFixture.CreateAsync();
        await using IMessageStore store = await fixture.OpenAsync();
        Guid id = (await fixture.AppendAsync(store, 1, received: Old)).Id;
        await store.ArchiveAsync(Everything);
        await RecallAsync(store, new MessageQuery { Ids = [id] });
        await store.ArchiveAsync(Everything with { RetainFor = TimeSpan.FromDays(30) });
        ArchiveKey key = Assert.Single(await store.ListKeysAsync(id).ToListAsync());
        Assert.Equal(key.StorageDate + TimeSpan.FromDays(30), key.DeletionDate);
        Assert.True(key.Offset > 0);
        await fixture.AssertAllThereAsync(store);
    }

    [Fact]
    public async Task A_message_deleted_while_it_comes_back_stays_deleted()
    {
        using StoreFixture fixture = await StoreFixture.CreateAsync();
        await using IMessageStore store = await fixture.OpenAsync();
        var group = ((EmbeddedMessageStore)store).Database.Mail.Groups[0];
        Guid small = (await fixture.AppendAsync(store, 1, received: Old)).Id;
        Guid large = (await fixture.AppendAsync(store, 2, received: Old, size: 3 << 20)).Id;
        await store.ArchiveAsync(Everything);
        foreach (Guid id in (Guid[])[small, large])
        {
            // What a recall holds in its hands when the deletion overtakes it.
            Assert.True(group.TryGet(id, out var entry));
            var found = group.ReadSummary(entry)!.Value;
            using var body = MessageBody.FromStream(await store.OpenReadAsync(id));
            await store.DeleteAsync(id);
            await group.RecallAsync(found.Image, found.Summary, body, default);
            Assert.False(group.TryGet(id, out _));
        }
        Assert.Empty(await store.ListAsync(new MessageQuery()).ToListAsync());
        Assert.Equal(0, (await store.GetStatusAsync()).HotBytes);
    }

    [Fact]
    public async Task One_message_that_cannot_come_back_does_not_keep_the_others()
    {
        using StoreFixture fixture = await StoreFixture.CreateAsync();
        await using IMessageStore store = await fixture.OpenAsync();
        Guid bad = (await fixture.AppendAsync(store, 1, mailbox: "bad", received: Old)).Id;
        Guid good = (await fixture.AppendAsync(store, 2, received: Old)).Id;
        await store.ArchiveAsync(Everything);
        File.Delete(Directory.GetFiles(Path.Combine(fixture.Database, "archive", "bad"))[0]);
        Guid unknown = Guid.CreateVersion7();

        Dictionary<Guid, MessageRecall> results = (await RecallAsync(store, new MessageQuery { Ids = [bad, good, unknown] })).ToDictionary(r => r.Id);

        Assert.Equal((ErrorIds.ArchiveFileMissing, 1L), (results[bad].ErrorId, results[bad].Messages));
        Assert.Contains("missing", results[bad].Reason, StringComparison.Ordinal);
        Assert.Equal(ErrorIds.MessageNotFound, results[unknown].ErrorId);
        Assert.False(results[good].Message!.IsArchived);
    }

    [Fact]
    public async Task The_records_of_a_removed_mailbox_with_recalled_mail_are_dead()
    {
        using StoreFixture fixture = await StoreFixture.CreateAsync();
        await using IMessageStore store = await fixture.OpenAsync();
        Guid id = (await fixture.AppendAsync(store, 1, received: Old)).Id;
        await store.ArchiveAsync(Everything);
        await RecallAsync(store, new MessageQuery { Ids = [id] });
        await store.RemoveMailboxAsync("alice");
        Assert.Equal(1, (await store.TestArchiveAsync(new ArchiveTestOptions())).Deleted);
        ExpiryRun run = await store.ExpireAsync(new ExpiryOptions { KeepDeletedFor = TimeSpan.Zero });
        Assert.Equal((1, 1), (run.Reclaimed, run.FilesDeleted));
        Assert.Equal(0, ((EmbeddedMessageStore)store).Database.Keys.Count);
    }

    private static async Task<List<MessageRecall>> RecallAsync(IMessageStore store, MessageQuery query) => await store.RecallAsync(query).ToListAsync();
}
