using System.Collections.Concurrent;
using MessageStore.Tests.Storage;
using MessageStore.Tests.Support;
using Xunit.Abstractions;

namespace MessageStore.Tests.Searching;

/// <summary>A loss of power before every operation with which runs are written, merged and deleted, and every such operation failing in its turn.</summary>
public sealed class SearchCrashTests(ITestOutputHelper output)
{
    private static readonly string[] Questions = ["alpha", "gamma -beta", "re*", "subject:the", "\"alpha beta\""];

    [Fact]
    public async Task After_a_crash_at_any_moment_of_indexing_and_merging_no_hit_is_missing()
    {
        (SearchFixture fixture, MemoryStorage storage) = await FilledAsync(1);
        var survivors = new ConcurrentQueue<MemoryStorage>();
        int point = 0;
        EmbeddedMessageStore store = fixture.Open(storage);
        // Only the index is written to from here on.
        storage.BeforeChange = _ => survivors.Enqueue(storage.Fork(new Random(point++)));
        await foreach (SearchIndexStatus status in store.UpdateSearchIndexAsync(new SearchIndexOptions())) Assert.True(status.IsComplete);
        await Task.Run(() => { while (store.Database.Search.Groups[0].MergeIfDue(CancellationToken.None)) { } });
        storage.BeforeChange = null;
        await store.DisposeAsync();
        foreach (MemoryStorage survivor in survivors)
        {
            await using EmbeddedMessageStore again = fixture.Open(survivor);
            foreach (string question in Questions) await SearchFixture.AssertAgreesAsync(again, new MessageSearch { Query = question });
        }
        Proof.Report(output, $"{survivors.Count} crash points");
        Assert.True(survivors.Count > 30, $"only {survivors.Count} crash points");
    }

    [Theory]
    [InlineData("write", 28)]
    [InlineData("flush", 5)]
    [InlineData("names", 5)]
    [InlineData("reading", 5)]
    public async Task An_operation_that_fails_costs_no_message_and_no_hit(string what, int error)
    {
        StorageOperations kinds = what switch
        {
            "write" => StorageOperations.Write | StorageOperations.SetLength,
            "flush" => StorageOperations.Flush,
            "names" => StorageOperations.Rename | StorageOperations.Delete | StorageOperations.FlushFolder,
            _ => StorageOperations.Open | StorageOperations.Read | StorageOperations.Look,
        };
        int failed = 0;
        for (int n = 1; n < 200; n += what == "reading" ? 7 : 1)
        {
            (SearchFixture fixture, MemoryStorage storage) = await FilledAsync(n, messages: 80);
            EmbeddedMessageStore store = fixture.Open(storage);
            storage.FailAt(n, new IOException($"error {error}", error), kinds);
            try
            {
                await foreach (SearchIndexStatus status in store.UpdateSearchIndexAsync(new SearchIndexOptions())) Assert.InRange(status.UnreadableCount, 0, 1);
            }
            catch (MessageStoreException)
            {
            }
            bool happened = storage.FaultHappened;
            storage.FaultsWait = true;
            await store.UpdateSearchIndexAsync(new SearchIndexOptions()).ToListAsync();
            foreach (string question in Questions) await SearchFixture.AssertAgreesAsync(store, new MessageSearch { Query = question });
            Assert.Null(store.Database.Mail.Groups[0].ClosedForWriting);
            await store.DisposeAsync();
            if (!happened) break;
            failed++;
        }
        Proof.Report(output, $"{failed} failing operations");
        Assert.True(failed > 3, $"only {failed} operations failed");
    }

    private static async Task<(SearchFixture, MemoryStorage)> FilledAsync(int seed, int messages = 120)
    {
        var samples = new SearchSamples(seed);
        SearchFixture fixture = SearchFixture.Create();
        EmbeddedMessageStore store = fixture.Open();
        for (int n = 0; n < 60 && n < messages; n++) await SearchFixture.AppendAsync(store, samples);
        await store.DisposeAsync();
        store = fixture.Open();
        for (int n = 60; n < messages; n++) await SearchFixture.AppendAsync(store, samples);
        await store.DisposeAsync();
        return (fixture, fixture.Storage);
    }
}
