using MessageStore.Archiving;
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
    public async Task Whatever_byte_of_the_index_is_damaged_no_hit_is_missing()
    {
        var samples = new SearchSamples(3);
        SearchFixture fixture = SearchFixture.Create();
        await using (EmbeddedMessageStore store = fixture.Open())
        {
            for (int n = 0; n < 60; n++) await SearchFixture.AppendAsync(store, samples);
            await store.UpdateSearchIndexAsync(new SearchIndexOptions()).ToListAsync();
        }
        var random = new Random(3);
        for (int round = 0; round < 60; round++)
        {
            MemoryStorage copy = fixture.Storage.Fork(new Random(round));
            bool whileOpen = round % 2 == 0;
            EmbeddedMessageStore store = fixture.Open(copy);
            if (!whileOpen) await store.DisposeAsync();
            else await SearchFixture.FindAsync(store, new MessageSearch { Query = "alpha" });
            IReadOnlyList<string> files = copy.ListFiles("/db/store/sg1/search");
            string file = files[random.Next(files.Count)];
            copy.Corrupt(file, random.Next((int)copy.FileLength(file)), 0x20);
            if (!whileOpen) store = fixture.Open(copy);
            foreach (string query in (string[])["alpha", "beta -gamma", "a*", "subject:delta", "from:alice"]) await SearchFixture.AssertAgreesAsync(store, new MessageSearch { Query = query });
            await store.DisposeAsync();
        }
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
    public async Task A_message_that_cannot_be_read_is_counted_and_the_answer_says_that_it_may_be_incomplete()
    {
        var samples = new SearchSamples(5);
        SearchFixture fixture = SearchFixture.Create();
        await using EmbeddedMessageStore store = fixture.Open();
        for (int n = 0; n < 20; n++) await SearchFixture.AppendAsync(store, samples);
        string segment = fixture.Storage.ListFiles("/db/store/sg1/segments").Single();
        fixture.Storage.Corrupt(segment, fixture.Storage.FileLength(segment) / 2, 0x20);
        var told = new Told();
        await SearchFixture.FindAsync(store, new MessageSearch { Query = "alpha" }, told);
        SearchIndexStatus status = Assert.Single(told.Reports);
        Assert.Equal((1, 1), (status.WaitingCount, status.UnreadableCount));
        Assert.Contains("damaged", status.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Who_does_not_want_to_wait_is_told_what_is_missing()
    {
        var samples = new SearchSamples(6);
        SearchFixture fixture = SearchFixture.Create();
        await using EmbeddedMessageStore store = fixture.Open();
        for (int n = 0; n < 50; n++) await SearchFixture.AppendAsync(store, samples);
        var told = new Told();
        await foreach (StoredMessage message in store.FindAsync(new MessageSearch { Query = "alpha", MaximumWait = TimeSpan.Zero }, told)) Assert.NotNull(message);
        if (told.Reports.Count > 0) Assert.True(told.Reports[0].WaitingCount > 0);
        Assert.Empty(await Reports(store));
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

    private static async Task<List<SearchIndexStatus>> Reports(IMessageStore store)
    {
        var told = new Told();
        await SearchFixture.FindAsync(store, new MessageSearch { Query = "alpha" }, told);
        return told.Reports;
    }

    private sealed class Told : IProgress<SearchIndexStatus>
    {
        public List<SearchIndexStatus> Reports { get; } = [];

        public void Report(SearchIndexStatus value) => Reports.Add(value);
    }
}
