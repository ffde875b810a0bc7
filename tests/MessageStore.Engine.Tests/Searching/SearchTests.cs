using System.Text;
using MessageStore.Archiving;
using MessageStore.Messages;
using MessageStore.Searching;
using MessageStore.Tests.Support;

namespace MessageStore.Tests.Searching;

public class SearchTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Index_and_reading_everything_agree_while_mail_comes_moves_and_goes(int seed)
    {
        var samples = new SearchSamples(seed);
        SearchFixture fixture = SearchFixture.Create("SG1", "SG2");
        var ids = new List<Guid>();
        EmbeddedMessageStore store = fixture.Open();
        for (int round = 0; round < 12; round++)
        {
            for (int n = samples.Next(60); n > 0; n--) ids.Add(await SearchFixture.AppendAsync(store, samples));
            for (int n = samples.Next(6); n > 0 && ids.Count > 0; n--)
            {
                int at = samples.Next(ids.Count);
                await store.DeleteAsync(ids[at]);
                ids.RemoveAt(at);
            }
            if (round == 4) await store.ArchiveAsync(new ArchiveOptions { Before = SearchSamples.Start.AddHours(60) });
            if (round == 6) await store.RemoveMailboxAsync("carol");
            if (round == 6) ids = [.. (await store.ListAsync(new MessageQuery()).ToListAsync()).Select(m => m.Id)];
            if (round is 5 or 8)
            {
                await store.DisposeAsync();
                store = fixture.Open();
            }
            for (int n = 0; n < 12; n++) await SearchFixture.AssertAgreesAsync(store, samples.Question());
        }
        Assert.Contains(fixture.Storage.ListFiles("/db/store/sg1/search"), f => RunFormat.TryParseName(f, out int first, out int last) && first != last);
        Assert.True(SearchFixture.Status(store).IsComplete);
        await store.DisposeAsync();
    }

    [Fact]
    public async Task The_index_is_used_again_after_a_close_and_only_what_is_new_is_read()
    {
        var samples = new SearchSamples(1);
        SearchFixture fixture = SearchFixture.Create();
        await using (EmbeddedMessageStore store = fixture.Open())
        {
            for (int n = 0; n < 100; n++) await SearchFixture.AppendAsync(store, samples);
            await store.UpdateSearchIndexAsync(new SearchIndexOptions()).ToListAsync();
        }
        await using EmbeddedMessageStore again = fixture.Open();
        again.Database.Search.Groups[0].Load(CancellationToken.None);
        Assert.Equal(0, SearchFixture.Status(again).WaitingCount);
        await SearchFixture.AppendAsync(again, samples);
        Assert.Equal(1, SearchFixture.Status(again).WaitingCount);
        await SearchFixture.AssertAgreesAsync(again, new MessageSearch { Query = "alpha" });
        Assert.Equal(0, SearchFixture.Status(again).WaitingCount);
    }

    [Fact]
    public async Task Rebuilding_makes_the_same_index_anew()
    {
        var samples = new SearchSamples(2);
        SearchFixture fixture = SearchFixture.Create();
        await using EmbeddedMessageStore store = fixture.Open();
        for (int n = 0; n < 120; n++) await SearchFixture.AppendAsync(store, samples);
        await SearchFixture.AssertAgreesAsync(store, new MessageSearch { Query = "beta" });
        string[] before = [.. fixture.Storage.ListFiles("/db/store/sg1/search")];
        SearchIndexStatus done = Assert.Single(await store.UpdateSearchIndexAsync(new SearchIndexOptions { Rebuild = true }).ToListAsync());
        Assert.Equal((120, 0, 0), (done.MessageCount, done.WaitingCount, done.UnreadableCount));
        Assert.Empty(before.Intersect(fixture.Storage.ListFiles("/db/store/sg1/search")));
        for (int n = 0; n < 20; n++) await SearchFixture.AssertAgreesAsync(store, samples.Question());
    }

    [Fact]
    public async Task Missing_files_are_made_again()
    {
        var samples = new SearchSamples(4);
        SearchFixture fixture = SearchFixture.Create();
        await using (EmbeddedMessageStore store = fixture.Open())
        {
            for (int n = 0; n < 80; n++) await SearchFixture.AppendAsync(store, samples);
            await store.UpdateSearchIndexAsync(new SearchIndexOptions()).ToListAsync();
        }
        fixture.Storage.DeleteFile(fixture.Storage.ListFiles("/db/store/sg1/search")[0]);
        await using EmbeddedMessageStore again = fixture.Open();
        for (int n = 0; n < 10; n++) await SearchFixture.AssertAgreesAsync(again, samples.Question());
        fixture.Storage.DeleteFolder("/db/store/sg1/search");
    }

    [Fact]
    public async Task A_message_that_cannot_be_read_is_counted_and_said_to_be_left_out()
    {
        var samples = new SearchSamples(5);
        SearchFixture fixture = SearchFixture.Create();
        await using EmbeddedMessageStore store = fixture.Open();
        for (int n = 0; n < 20; n++) await SearchFixture.AppendAsync(store, samples);
        string segment = fixture.Storage.ListFiles("/db/store/sg1/segments").Single();
        fixture.Storage.Corrupt(segment, fixture.Storage.FileLength(segment) / 2, 0x20);
        SearchNotice notice = Assert.Single((await AskAsync(store, "alpha")).Notices);
        Assert.Equal((ErrorIds.SearchIndexIncomplete, 1, true, "SG1"), (notice.Id, notice.Count, notice.MayMissHits, notice.Target));
        Assert.Contains("damaged", notice.Message, StringComparison.Ordinal);
        MessageStoreException error = await Assert.ThrowsAsync<MessageStoreException>(async () => await store.FindAsync(new MessageSearch { Query = "alpha" }).ToListAsync());
        Assert.Equal((ErrorIds.SearchIndexIncomplete, "SG1"), (error.ErrorId, error.Target));
    }

    [Fact]
    public async Task A_phrase_is_looked_for_in_all_messages_but_those_that_cannot_be_read_which_is_said()
    {
        SearchFixture fixture = SearchFixture.Create();
        await using EmbeddedMessageStore store = fixture.Open();
        for (int n = 0; n < 20; n++) await AppendAsync(store, "alice", "lorem ipsum");
        await store.UpdateSearchIndexAsync(new SearchIndexOptions()).ToListAsync();
        string segment = fixture.Storage.ListFiles("/db/store/sg1/segments").Single();
        fixture.Storage.Corrupt(segment, fixture.Storage.FileLength(segment) / 2, 0x20);
        (List<Guid> found, List<SearchNotice> notices) = await AskAsync(store, "\"lorem ipsum\"");
        Assert.Equal(19, found.Count);
        Assert.Equal((ErrorIds.MessageDamaged, true), (Assert.Single(notices).Id, notices[0].MayMissHits));
        Assert.Equal(20, (await AskAsync(store, "lorem ipsum")).Found.Count);
    }

    [Fact]
    public async Task Who_does_not_want_to_wait_for_the_index_has_its_messages_read_instead()
    {
        var samples = new SearchSamples(6);
        SearchFixture fixture = SearchFixture.Create();
        await using EmbeddedMessageStore store = fixture.Open();
        for (int n = 0; n < 50; n++) await SearchFixture.AppendAsync(store, samples);
        var search = new MessageSearch { Query = "alpha -beta", MaximumWait = TimeSpan.Zero };
        List<Guid> found = [.. (await store.FindAsync(search).ToListAsync()).Select(m => m.Id)];
        Assert.Equal((await SearchFixture.ReadAllAsync(store, search)).Order(), found.Order());
    }

    [Fact]
    public async Task Words_in_the_texts_of_a_barred_archive_are_not_looked_for_and_that_is_said()
    {
        SearchFixture fixture = SearchFixture.Create();
        await using EmbeddedMessageStore store = fixture.Open();
        for (int n = 0; n < 3; n++) await AppendAsync(store, "alice", "secret");
        await AppendAsync(store, "bob", "secret");
        await store.ArchiveAsync(new ArchiveOptions { Before = DateTimeOffset.MaxValue });
        await AppendAsync(store, "alice", "secret");
        Assert.Equal(5, (await AskAsync(store, "secret")).Found.Count);
        await store.BlockArchiveAsync("al*", "an inquiry", "carol");
        (List<Guid> found, List<SearchNotice> notices) = await AskAsync(store, "secret");
        Assert.Equal(2, found.Count);
        SearchNotice notice = Assert.Single(notices);
        Assert.Equal((ErrorIds.ArchiveAccessDenied, "al*", 3, true), (notice.Id, notice.Target, notice.Count, notice.MayMissHits));
        Assert.Contains("an inquiry", notice.Message, StringComparison.Ordinal);
        // What a listing shows is found as a listing shows it.
        (found, notices) = await AskAsync(store, "subject:hello from:alice");
        Assert.Equal((5, 0), (found.Count, notices.Count));
        await store.UnblockArchiveAsync("al*", "done", "carol");
        Assert.Equal(5, (await AskAsync(store, "secret")).Found.Count);
    }

    [Fact]
    public async Task Where_the_index_cannot_be_written_mail_goes_on_and_is_found_by_reading()
    {
        var samples = new SearchSamples(8);
        SearchFixture fixture = SearchFixture.Create();
        await using (EmbeddedMessageStore store = fixture.Open(new FailingFolder(fixture.Storage, "/db/store/sg1/search", StorageOperations.Write)))
        {
            for (int n = 0; n < 150; n++) await SearchFixture.AppendAsync(store, samples);
            (List<Guid> found, List<SearchNotice> notices) = await AskAsync(store, "alpha");
            Assert.Equal((await SearchFixture.ReadAllAsync(store, new MessageSearch { Query = "alpha" })).Order(), found.Order());
            Assert.Equal((ErrorIds.SearchIndexIncomplete, false), (Assert.Single(notices).Id, notices[0].MayMissHits));
            Assert.Contains("/db/store/sg1/search", notices[0].Message, StringComparison.Ordinal);
            Assert.InRange(notices[0].Count, 1, 150);
            Assert.Null(store.Database.Mail.Groups[0].ClosedForWriting);
            await Assert.ThrowsAsync<MessageStoreException>(async () => await store.UpdateSearchIndexAsync(new SearchIndexOptions()).ToListAsync());
        }
        await using EmbeddedMessageStore mended = fixture.Open();
        await SearchFixture.AssertAgreesAsync(mended, new MessageSearch { Query = "alpha" });
        Assert.True(SearchFixture.Status(mended).IsComplete);
        Assert.Equal(150, SearchFixture.Status(mended).MessageCount);
    }

    [Fact]
    public async Task Closing_twice_is_closing_once()
    {
        SearchFixture fixture = SearchFixture.Create();
        await using EmbeddedMessageStore store = fixture.Open();
        await AppendAsync(store, "alice", "one");
        SearchIndexer indexer = store.Database.Search;
        await indexer.CatchUpAsync(CancellationToken.None);
        indexer.Dispose();
        indexer.Dispose();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => indexer.RebuildAsync(indexer.Groups, CancellationToken.None));
    }

    [Theory]
    [InlineData("")]
    [InlineData("after:2026-03-02 before:2026-03-05")]
    [InlineData("larger:300 is:hot mailbox:a*")]
    public async Task A_question_without_words_lists_newest_first(string query)
    {
        var samples = new SearchSamples(7);
        SearchFixture fixture = SearchFixture.Create("SG1", "SG2");
        await using EmbeddedMessageStore store = fixture.Open();
        for (int n = 0; n < 300; n++) await SearchFixture.AppendAsync(store, samples);
        await SearchFixture.AssertAgreesAsync(store, new MessageSearch { Query = query });
    }

    private static async Task<Guid> AppendAsync(EmbeddedMessageStore store, string mailbox, string text)
    {
        using MessageBody body = MessageBody.FromMemory(Encoding.ASCII.GetBytes($"From: alice@example.org\nSubject: hello\n\n{text}\n"));
        return (await store.AppendAsync(new MessageToAppend { Mailbox = mailbox, Body = body, ReceivedDate = SearchSamples.Start })).Id;
    }

    private static async Task<(List<Guid> Found, List<SearchNotice> Notices)> AskAsync(IMessageStore store, string query)
    {
        var told = new Told();
        return (await SearchFixture.FindAsync(store, new MessageSearch { Query = query }, told), told.Notices);
    }

    private sealed class Told : IProgress<SearchNotice>
    {
        public List<SearchNotice> Notices { get; } = [];

        public void Report(SearchNotice value) => Notices.Add(value);
    }
}
