using MessageStore.Tests.Support;

namespace MessageStore.Tests.Facade;

public sealed class ArchiveTestTests
{
    private static readonly DateTimeOffset Old = new(2001, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly ArchiveOptions Everything = new() { Before = new DateTimeOffset(2020, 1, 1, 0, 0, 0, TimeSpan.Zero) };

    [Fact]
    public async Task A_whole_archive_is_whole_and_records_of_deleted_messages_are_counted()
    {
        using StoreFixture fixture = await StoreFixture.CreateAsync("SG1", "SG2");
        await using IMessageStore store = await fixture.OpenAsync();
        Guid deleted = await FillAsync(fixture, store);
        await store.DeleteAsync(deleted);
        fixture.Digests.Remove(deleted);

        ArchiveTest test = await store.TestArchiveAsync(new ArchiveTestOptions());

        Assert.Equal((DatabaseTestResult.Whole, 2, 10L, 1L, 0L, 0L), (test.Result, test.Files, test.Records, test.Deleted, test.Orphans, test.Missing));
        Assert.True(Assert.Single(test.Findings).IsHarmless);
    }

    [Fact]
    public async Task Lost_keys_come_back_from_the_files_alone()
    {
        using StoreFixture fixture = await StoreFixture.CreateAsync("SG1", "SG2");
        await using (IMessageStore store = await fixture.OpenAsync()) await FillAsync(fixture, store);
        Directory.Delete(Path.Combine(fixture.Database, "keys"), recursive: true);
        Assert.Equal(ErrorIds.KeysDamaged, (await Assert.ThrowsAsync<MessageStoreException>(fixture.OpenAsync)).ErrorId);

        await using (IMessageStore store = await MessageDatabase.OpenWithoutKeysAsync(fixture.Database))
        {
            ArchiveTest lost = await store.TestArchiveAsync(new ArchiveTestOptions());
            Assert.Equal(DatabaseTestResult.Damaged, lost.Result);
            Assert.Equal(2, lost.Findings.Count); // one a file, not one a message
            ArchiveTest rebuilt = await store.TestArchiveAsync(new ArchiveTestOptions { Rebuild = true });
            Assert.Equal((DatabaseTestResult.Repaired, 10L), (rebuilt.Result, rebuilt.KeysRebuilt));
        }
        await using IMessageStore reopened = await fixture.OpenAsync();
        Assert.Equal(DatabaseTestResult.Whole, (await reopened.TestArchiveAsync(new ArchiveTestOptions())).Result);
        await fixture.AssertAllThereAsync(reopened);
        await fixture.AppendAsync(reopened, 50, received: Old);
        Assert.Equal((1, 0), await MovedAsync(reopened));
        await fixture.AssertAllThereAsync(reopened);
    }

    [Fact]
    public async Task A_missing_file_is_one_finding()
    {
        using StoreFixture fixture = await StoreFixture.CreateAsync();
        await using IMessageStore store = await fixture.OpenAsync();
        await FillAsync(fixture, store);
        File.Delete(Directory.GetFiles(Path.Combine(fixture.Database, "archive", "alice")).Single());

        ArchiveTest test = await store.TestArchiveAsync(new ArchiveTestOptions());

        Assert.Equal((DatabaseTestResult.Damaged, 5L), (test.Result, test.Missing));
        ArchiveFinding finding = Assert.Single(test.Findings);
        Assert.Equal(("alice", 5L), (finding.Mailbox, finding.Messages));
        Assert.Equal(DatabaseTestResult.Whole, (await store.TestArchiveAsync(new ArchiveTestOptions { Mailboxes = ["bob"] })).Result);
    }

    [Fact]
    public async Task A_damaged_record_is_named_by_file_and_offset()
    {
        using StoreFixture fixture = await StoreFixture.CreateAsync();
        await using IMessageStore store = await fixture.OpenAsync();
        Guid id = await FillAsync(fixture, store);
        ArchiveKey key = (await store.ListKeysAsync(id).ToListAsync())[0];
        string file = Directory.GetFiles(Path.Combine(fixture.Database, "archive", "alice")).Single();
        byte[] bytes = File.ReadAllBytes(file);
        bytes[key.Offset + key.Length - 6] ^= 1;
        File.WriteAllBytes(file, bytes);

        ArchiveTest test = await store.TestArchiveAsync(new ArchiveTestOptions());

        ArchiveFinding finding = Assert.Single(test.Findings);
        Assert.Equal((id, file, key.Offset, 1L), (finding.Id, finding.File, finding.Offset, test.Missing));
    }

    private static async Task<(int, int)> MovedAsync(IMessageStore store)
    {
        ArchiveRun run = await store.ArchiveAsync(Everything);
        return ((int)run.Moved, (int)run.Failed);
    }

    private static async Task<Guid> FillAsync(StoreFixture fixture, IMessageStore store)
    {
        Guid first = default;
        for (int i = 0; i < 10; i++)
        {
            Guid id = (await fixture.AppendAsync(store, i, i % 2 == 0 ? "alice" : "bob", Old)).Id;
            if (i == 0) first = id;
        }
        Assert.Equal((10, 0), await MovedAsync(store));
        return first;
    }
}
