using MessageStore.Archiving;
using MessageStore.IO;
using MessageStore.Messages;
using MessageStore.Searching;
using MessageStore.Storage;
using MessageStore.Tests.Support;

namespace MessageStore.Tests.Searching;

/// <summary>A database whose search index is made of many small files, on a disk in memory, and the answers that reading every message gives.</summary>
internal sealed class SearchFixture
{
    public const string Root = "/db";

    public static readonly SearchOptions Small = new() { DeltaPostings = 400, MergeFactor = 3, SmallestRun = 300, KeepAtClose = 1 };

    public MemoryStorage Storage { get; init; } = new();

    public TimeProvider Clock { get; init; } = TimeProvider.System;

    public static SearchFixture Create(params string[] groups)
    {
        var fixture = new SearchFixture();
        MessageDatabase.CreateNow(fixture.Storage, new MessageDatabaseOptions { Path = Root, StorageGroups = groups.Length > 0 ? groups : ["SG1"] }, fixture.Clock);
        return fixture;
    }

    public EmbeddedMessageStore Open() => Open(Storage);

    public EmbeddedMessageStore Open(IStorage storage, SearchOptions? options = null) => new(OpenDatabase.OpenNow(storage, Root, new GroupOptions { Clock = Clock }, options ?? Small));

    public static async Task<Guid> AppendAsync(IMessageStore store, SearchSamples samples)
    {
        using MessageBody body = MessageBody.FromMemory(samples.Message());
        return (await store.AppendAsync(new MessageToAppend { Mailbox = samples.Pick(SearchSamples.Mailboxes), Body = body, ReceivedDate = samples.Date() })).Id;
    }

    public static async Task<List<Guid>> FindAsync(IMessageStore store, MessageSearch search, IProgress<SearchNotice>? notices = null)
    {
        var found = new List<Guid>();
        await foreach (StoredMessage message in store.FindAsync(search with { MaximumWait = TimeSpan.FromMinutes(5) }, notices ?? new Complete())) found.Add(message.Id);
        return found;
    }

    /// <summary>The answer without an index: every message is listed and read.</summary>
    public static async Task<List<Guid>> ReadAllAsync(EmbeddedMessageStore store, MessageSearch search)
    {
        (SearchPlan plan, MessageSearch conditions) = SearchQueryParser.Parse(search);
        var verifier = new SearchVerifier(plan);
        var found = new List<StoredMessage>();
        var query = new MessageQuery
        {
            Mailbox = conditions.Mailbox, Folder = conditions.Folder, ReceivedAfter = conditions.ReceivedAfter, ReceivedBefore = conditions.ReceivedBefore, IsArchived = conditions.IsArchived, IsRead = conditions.IsRead,
        };
        await foreach (StoredMessage message in store.ListAsync(query))
        {
            if (conditions.LargerThan is { } larger && message.Size <= larger || conditions.SmallerThan is { } smaller && message.Size >= smaller) continue;
            await using Stream body = await store.OpenReadAsync(message.Id);
            if (verifier.Matches(body, CancellationToken.None)) found.Add(message);
        }
        return [.. found.OrderByDescending(m => m.ReceivedDate.UtcTicks).Select(m => m.Id)];
    }

    /// <summary>Both ways give the same messages, and the index gives the newest first.</summary>
    public static async Task AssertAgreesAsync(EmbeddedMessageStore store, MessageSearch search)
    {
        List<Guid> expected = await ReadAllAsync(store, search);
        List<Guid> found = await FindAsync(store, search);
        Assert.True(expected.Order().SequenceEqual(found.Order()), $"{search}: expected {expected.Count}, found {found.Count}; missing {string.Join(' ', expected.Except(found))}; too many {string.Join(' ', found.Except(expected))}");
        Dictionary<Guid, DateTimeOffset> dates = [];
        await foreach (StoredMessage message in store.ListAsync(new MessageQuery { Ids = found })) dates.Add(message.Id, message.ReceivedDate);
        Assert.True(found.Zip(found.Skip(1)).All(p => dates[p.First] >= dates[p.Second]), $"{search}: not newest first");
    }

    public static SearchIndexStatus Status(EmbeddedMessageStore store, int group = 0) => store.Database.Search.Groups[group].Status;

    /// <summary>Asks the index alone, as it is at this moment: whoever has the words is a hit, or is to be read; and nobody else is a hit.</summary>
    /// <returns>Hits; -1 where the index turned out to be damaged, which is an answer too.</returns>
    public static int AssertReaches(GroupSearch group, string query, IReadOnlySet<Guid> expected)
    {
        (SearchPlan plan, _) = SearchQueryParser.Parse(new MessageSearch { Query = query });
        using SearchHits? hits = group.Find(plan, CancellationToken.None);
        if (hits is null) return -1;
        List<SearchCandidate> found = [.. group.NewestFirst(hits, _ => true)];
        Assert.Empty(expected.Except(found.Select(c => c.Entry.Id.ToGuid())));
        Assert.Empty(found.Where(c => c.IsHit).Select(c => c.Entry.Id.ToGuid()).Except(expected));
        return found.Count(c => c.IsHit);
    }

    /// <summary>Nothing may be missing where nobody expects it.</summary>
    private sealed class Complete : IProgress<SearchNotice>
    {
        public void Report(SearchNotice value) => Assert.False(value.MayMissHits, value.Message);
    }
}
