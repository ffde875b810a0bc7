using MessageStore.Tests.Support;

namespace MessageStore.Tests.Facade;

/// <summary>An archive file that is missing is said once, with the number of messages in it, and not once for each of them.</summary>
public sealed class MissingFileTests
{
    private static readonly DateTimeOffset Old = new(2001, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly ArchiveOptions Everything = new() { Before = new DateTimeOffset(2020, 1, 1, 0, 0, 0, TimeSpan.Zero) };

    [Fact]
    public async Task Export_gives_one_error_and_the_rest()
    {
        (StoreFixture fixture, IMessageStore store, string file) = await WithoutAliceAsync();
        using StoreFixture folder = fixture;
        await using IMessageStore open = store;
        var errors = new List<MessageStoreException>();

        ExportResult result = await MessageExporter.ExportAsync(store, new MessageQuery(), new ExportOptions { Path = Path.Combine(fixture.Root, "out") }, errors.Add);

        Assert.Equal((7, 5), (result.Exported, result.Failed));
        MessageStoreException error = Assert.Single(errors);
        Assert.Equal((ErrorIds.ArchiveFileMissing, file), (error.ErrorId, error.Target));
        Assert.Contains("5 of the messages", error.Message, StringComparison.Ordinal);
        Assert.Equal([error.Message], result.Errors);
    }

    [Fact]
    public async Task Recall_gives_one_result_for_the_file_and_one_for_each_of_the_others()
    {
        (StoreFixture fixture, IMessageStore store, string file) = await WithoutAliceAsync();
        using StoreFixture folder = fixture;
        await using IMessageStore open = store;

        List<MessageRecall> recalls = await store.RecallAsync(new MessageQuery()).ToListAsync();

        Assert.Equal(5, recalls.Count(r => r.Message is not null));
        MessageRecall lost = Assert.Single(recalls, r => r.Message is null);
        Assert.Equal((ErrorIds.ArchiveFileMissing, 5L), (lost.ErrorId, lost.Messages));
        Assert.Contains(file, lost.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Listing_needs_no_file_and_a_read_says_which_is_missing()
    {
        (StoreFixture fixture, IMessageStore store, string file) = await WithoutAliceAsync();
        using StoreFixture folder = fixture;
        await using IMessageStore open = store;

        List<StoredMessage> listed = await store.ListAsync(new MessageQuery { Mailbox = "alice", IsArchived = true }).ToListAsync();

        Assert.Equal(5, listed.Count);
        var error = await Assert.ThrowsAsync<MessageStoreException>(() => store.OpenReadAsync(listed[0].Id));
        Assert.Equal((ErrorIds.ArchiveFileMissing, file), (error.ErrorId, error.Target));
    }

    [Fact]
    public async Task Both_tests_have_one_finding()
    {
        (StoreFixture fixture, IMessageStore store, string file) = await WithoutAliceAsync();
        using StoreFixture folder = fixture;
        await using IMessageStore open = store;

        DatabaseTest database = await store.TestAsync(new DatabaseTestOptions());
        ArchiveTest archive = await store.TestArchiveAsync(new ArchiveTestOptions());

        DatabaseFinding found = Assert.Single(database.Findings);
        Assert.Equal((DatabaseTestResult.Damaged, file), (database.Result, found.File));
        Assert.Contains("5 messages", found.Problem, StringComparison.Ordinal);
        Assert.Equal((5L, file), (Assert.Single(archive.Findings).Messages, archive.Findings[0].File));
    }

    /// <summary>Five archived messages each of alice and bob, two current ones; then alice's archive file is lost.</summary>
    private static async Task<(StoreFixture, IMessageStore, string)> WithoutAliceAsync()
    {
        StoreFixture fixture = await StoreFixture.CreateAsync("SG1", "SG2");
        IMessageStore store = await fixture.OpenAsync();
        for (int i = 0; i < 10; i++) await fixture.AppendAsync(store, i, i % 2 == 0 ? "alice" : "bob", Old);
        Assert.Equal(10, (await store.ArchiveAsync(Everything)).Moved);
        for (int i = 10; i < 12; i++) await fixture.AppendAsync(store, i);
        string file = Directory.GetFiles(Path.Combine(fixture.Database, "archive", "alice")).Single();
        File.Delete(file);
        return (fixture, store, file);
    }
}
