using MessageStore.IO;
using MessageStore.Searching;
using MessageStore.Tests.Support;
using Xunit.Abstractions;

namespace MessageStore.Tests.Searching;

/// <summary>Whatever happens to the index, before a question or in the middle of it, every message that has the words is found.</summary>
public sealed class SearchDamageTests(ITestOutputHelper output)
{
    private static readonly string[] Questions = ["alpha", "beta -gamma", "a*", "subject:delta", "from:alice"];

    [Fact]
    [Trait(Sweeps.Trait, Sweeps.TraitValue)]
    public async Task Whatever_byte_of_the_index_is_damaged_no_hit_is_missing()
    {
        SearchFixture fixture = await FilledAsync(3, 60);
        await Task.Run(() => Sweeps.ForEachSeed(60, seed =>
        {
            DamageAsync(fixture, seed).GetAwaiter().GetResult();
            return 1;
        }));
    }

    private static async Task DamageAsync(SearchFixture fixture, int seed)
    {
        var random = new Random(seed);
        MemoryStorage copy = fixture.Storage.Fork(random);
        bool whileOpen = seed % 2 == 0;
        EmbeddedMessageStore store = fixture.Open(copy);
        if (!whileOpen) await store.DisposeAsync();
        else await SearchFixture.FindAsync(store, new MessageSearch { Query = "alpha" });
        while (!TryDamage(copy, random))
        {
        }
        if (!whileOpen) store = fixture.Open(copy);
        foreach (string query in Questions) await SearchFixture.AssertAgreesAsync(store, new MessageSearch { Query = query });
        await store.DisposeAsync();
    }

    /// <summary>What cost hits once: a merge gave damaged runs up between the look at whether everything was indexed and the question.</summary>
    [Theory]
    [InlineData("merge")]
    [InlineData("question")]
    [InlineData("rebuild")]
    public async Task A_question_that_comes_right_after_runs_were_given_up_reaches_their_messages(string by)
    {
        SearchFixture fixture = await FilledAsync(4, 90);
        await using EmbeddedMessageStore store = fixture.Open();
        GroupSearch group = store.Database.Search.Groups[0];
        Dictionary<string, HashSet<Guid>> expected = await ExpectedAsync(store);
        await store.Database.Search.CatchUpAsync(CancellationToken.None);
        store.Database.Search.Dispose(); // from here on only this thread touches the index
        using var alone = new GroupSearch(group.Group, fixture.Storage, (g, entry, token) => EmbeddedMessageStore.OpenAnywhereAsync(store.Database, g, entry, token), SearchFixture.Small with { MergeFactor = 2 }, 1, TimeProvider.System, () => { });
        alone.Load(CancellationToken.None);
        Assert.True(alone.IsComplete);
        foreach (string file in fixture.Storage.ListFiles(Folder).Where(f => RunFormat.TryParseName(f, out _, out _))) DamageBlocks(fixture.Storage, file);
        switch (by)
        {
            case "merge":
                Assert.Equal(ErrorKind.Damaged, Assert.Throws<MessageStoreException>(() => alone.MergeIfDue(CancellationToken.None)).Kind);
                break;
            case "question":
                Assert.Equal(-1, SearchFixture.AssertReaches(alone, Questions[0], expected[Questions[0]]));
                break;
            default:
                alone.Clear();
                break;
        }
        Assert.False(alone.IsComplete);
        foreach ((string query, HashSet<Guid> ids) in expected)
            while (SearchFixture.AssertReaches(alone, query, ids) < 0)
            {
            }
        while (await alone.IndexSomeAsync(TimeSpan.Zero, CancellationToken.None))
        {
        }
        foreach ((string query, HashSet<Guid> ids) in expected) Assert.Equal(ids.Count, SearchFixture.AssertReaches(alone, query, ids));
    }

    [Fact]
    public async Task A_question_in_the_middle_of_indexing_merging_and_rebuilding_reaches_every_message()
    {
        SearchFixture fixture = await FilledAsync(5, 100);
        await using EmbeddedMessageStore store = fixture.Open();
        Dictionary<string, HashSet<Guid>> expected = await ExpectedAsync(store);
        GroupSearch group = store.Database.Search.Groups[0];
        int asked = 0;
        fixture.Storage.Interleave = _ =>
        {
            string query = Questions[Interlocked.Increment(ref asked) % Questions.Length];
            SearchFixture.AssertReaches(group, query, expected[query]);
        };
        for (int round = 0; round < 8; round++) await store.UpdateSearchIndexAsync(new SearchIndexOptions { Rebuild = true }).ToListAsync();
        await Task.Run(() => { while (group.MergeIfDue(CancellationToken.None)) { } });
        fixture.Storage.Interleave = null;
        Assert.True(asked > 100, $"only {asked} questions");
    }

    [Fact]
    public async Task While_files_are_damaged_merged_and_made_anew_no_question_misses_a_message()
    {
        SearchFixture fixture = await FilledAsync(6, 80);
        await using EmbeddedMessageStore store = fixture.Open();
        Dictionary<string, HashSet<Guid>> expected = await ExpectedAsync(store);
        GroupSearch group = store.Database.Search.Groups[0];
        using var stop = new CancellationTokenSource();
        int damages = 0;
        Task churn = Task.Run(async () =>
        {
            var random = new Random(6);
            while (!stop.IsCancellationRequested)
            {
                if (TryDamage(fixture.Storage, random)) damages++;
                await store.UpdateSearchIndexAsync(new SearchIndexOptions { Rebuild = random.Next(4) == 0 }).ToListAsync();
            }
        });
        int answers = 0;
        for (int n = 0; (n < 3000 || answers == 0) && !churn.IsCompleted; n++)
        {
            string query = Questions[n % Questions.Length];
            if (SearchFixture.AssertReaches(group, query, expected[query]) >= 0) answers++;
        }
        await stop.CancelAsync();
        await churn;
        Proof.Report(output, $"{answers} answers while {damages} files were damaged");
        Assert.True(damages > 0);
    }

    private const string Folder = "/db/store/sg1/search";

    private static async Task<SearchFixture> FilledAsync(int seed, int messages)
    {
        var samples = new SearchSamples(seed);
        SearchFixture fixture = SearchFixture.Create();
        await using EmbeddedMessageStore store = fixture.Open();
        for (int n = 0; n < messages; n++) await SearchFixture.AppendAsync(store, samples);
        await store.UpdateSearchIndexAsync(new SearchIndexOptions()).ToListAsync();
        return fixture;
    }

    private static async Task<Dictionary<string, HashSet<Guid>>> ExpectedAsync(EmbeddedMessageStore store)
    {
        var expected = new Dictionary<string, HashSet<Guid>>();
        foreach (string query in Questions) expected[query] = [.. await SearchFixture.ReadAllAsync(store, new MessageSearch { Query = query })];
        Assert.All(expected.Values, Assert.NotEmpty);
        return expected;
    }

    /// <returns><see langword="false"/> where the file went away meanwhile: the index is at work.</returns>
    private static bool TryDamage(MemoryStorage storage, Random random)
    {
        IReadOnlyList<string> files = storage.ListFiles(Folder);
        if (files.Count == 0) return false;
        string file = files[random.Next(files.Count)];
        try
        {
            int length = (int)storage.FileLength(file);
            if (length == 0) return false;
            storage.Corrupt(file, random.Next(length), 0x20);
            return true;
        }
        catch (FileNotFoundException)
        {
            return false;
        }
    }

    /// <summary>Header, Ids, directory and footer of such a small run lie at its ends and stay whole: the damage is seen only when words are looked for.</summary>
    private static void DamageBlocks(MemoryStorage storage, string file) => storage.Corrupt(file, storage.FileLength(file) / 2, 0x20);
}
