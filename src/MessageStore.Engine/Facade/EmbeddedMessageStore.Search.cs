using System.Diagnostics;
using System.Runtime.CompilerServices;
using MessageStore.Messages;
using MessageStore.Searching;
using MessageStore.Storage;

namespace MessageStore;

internal sealed partial class EmbeddedMessageStore
{
    /// <summary>How often a question is asked again because a part of the index turned out to be damaged.</summary>
    private const int AskAgain = 8;

    private const int UpdatesPerSecond = 4;

    public async IAsyncEnumerable<StoredMessage> FindAsync(
        MessageSearch search, IProgress<SearchIndexStatus>? incomplete = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        (SearchPlan plan, search) = SearchQueryParser.Parse(search);
        Dictionary<StorageGroup, HashSet<int>?> mailboxes = MailboxesOf(search);
        List<(GroupSearch Group, SearchHits Hits)> asked = [];
        try
        {
            if (plan.Clauses.Count == 0) asked.AddRange(mailboxes.Keys.Select(g => database.Search.Of(g)).Select(g => (g, g.FindAll())));
            else asked.AddRange(await AskAsync(plan, mailboxes.Keys, search.MaximumWait, incomplete, cancellationToken).ConfigureAwait(false));
            SearchVerifier? verifier = plan.NeedsReading ? new SearchVerifier(plan) : null;
            foreach ((StorageGroup group, IndexEntry entry) in NewestFirst(asked, search, mailboxes))
            {
                cancellationToken.ThrowIfCancellationRequested();
                if (!group.TryName(entry, out string? mailbox, out string? folder)) continue;
                if (search.Folder is not null && !Wildcard.Matches(search.Folder, folder)) continue;
                if (verifier is not null && !await MatchesAsync(verifier, group, entry, cancellationToken).ConfigureAwait(false)) continue;
                if (Summarize(group, entry) is { } found) yield return Describe(found.Image, found.Summary, mailbox, folder, found.Flags);
            }
        }
        finally
        {
            foreach ((_, SearchHits hits) in asked) hits.Dispose();
        }
    }

    public async IAsyncEnumerable<SearchIndexStatus> UpdateSearchIndexAsync(
        SearchIndexOptions options, IProgress<RunProgress>? progress = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        List<GroupSearch> groups = [.. ChooseGroups(options.StorageGroups).Select(database.Search.Of)];
        var watch = Stopwatch.StartNew();
        foreach (GroupSearch group in groups) group.TryUnreadableAgain();
        Task done = options.Rebuild ? database.Search.RebuildAsync(groups, cancellationToken) : database.Search.CatchUpAsync(cancellationToken);
        using (var timer = new PeriodicTimer(TimeSpan.FromSeconds(1.0 / UpdatesPerSecond)))
        {
            while (!done.IsCompleted)
            {
                await Task.WhenAny(done, timer.WaitForNextTickAsync(cancellationToken).AsTask()).ConfigureAwait(false);
                List<SearchIndexStatus> now = [.. groups.Select(g => g.Status)];
                progress?.Report(new RunProgress("Indexing", "messages", now.Sum(s => s.MessageCount - s.WaitingCount), now.Sum(s => s.MessageCount)));
            }
        }
        await done.ConfigureAwait(false);
        foreach (GroupSearch group in groups) yield return group.Status with { Duration = watch.Elapsed };
    }

    /// <summary>Opens a message for whoever reads on the database's own behalf, wherever it lies; what people may read is asked elsewhere.</summary>
    /// <returns><see langword="null"/> where the message is gone.</returns>
    internal static async ValueTask<Stream?> OpenAnywhereAsync(OpenDatabase database, StorageGroup group, IndexEntry entry, CancellationToken cancellationToken)
    {
        for (int attempt = 0; attempt < LookAgain; attempt++)
        {
            Stream? body = entry.IsArchived
                ? await new EmbeddedMessageStore(database).OpenArchivedAsync(group, entry, cancellationToken).ConfigureAwait(false)
                : group.OpenBody(entry);
            if (body is not null) return body;
            if (!group.TryGet(entry.Id.ToGuid(), out entry)) return null;
        }
        throw new MessageStoreException(ErrorIds.MessageNotFound, ErrorKind.Busy, $"Message {entry.Id.ToGuid()} keeps moving between store and archive; try again.", entry.Id.ToGuid());
    }

    /// <summary>The groups that are asked, and the numbers of the mailboxes that are meant in each; <see langword="null"/> for all.</summary>
    private Dictionary<StorageGroup, HashSet<int>?> MailboxesOf(MessageSearch search)
    {
        if (search.Mailbox is null) return Mail.Groups.ToDictionary(g => g, _ => (HashSet<int>?)null);
        if (!Wildcard.IsPattern(search.Mailbox)) GroupOf(search.Mailbox);
        var found = new Dictionary<StorageGroup, HashSet<int>?>();
        foreach ((StorageGroup group, string name) in MatchingMailboxes(search.Mailbox))
        {
            if (!group.TryFindMailbox(name, out int number)) continue;
            if (!found.TryGetValue(group, out HashSet<int>? numbers)) found.Add(group, numbers = []);
            numbers!.Add(number);
        }
        return found;
    }

    /// <summary>Waits until the index has everything, or as long as is wished, and asks it. What it does not have is said.</summary>
    private async Task<List<(GroupSearch, SearchHits)>> AskAsync(
        SearchPlan plan, IEnumerable<StorageGroup> groups, TimeSpan patience, IProgress<SearchIndexStatus>? incomplete, CancellationToken cancellationToken)
    {
        var asked = new List<(GroupSearch, SearchHits)>();
        try
        {
            string trouble = await CatchUpAsync(patience, cancellationToken).ConfigureAwait(false);
            foreach (GroupSearch group in groups.Select(database.Search.Of))
            {
                SearchHits? hits = null;
                for (int attempt = 0; hits is null; attempt++)
                {
                    if (attempt == AskAgain)
                        throw new MessageStoreException(ErrorIds.DatabaseDamaged, ErrorKind.Damaged, $"The search index of storage group {group.Group.Name} keeps being damaged: mend its disk.", group.Group.Name);
                    if (attempt > 0) trouble = await CatchUpAsync(patience, cancellationToken).ConfigureAwait(false);
                    SearchIndexStatus before = group.Status;
                    hits = await Task.Run(() => group.Find(plan, cancellationToken), cancellationToken).ConfigureAwait(false);
                    if (hits is not null && !before.IsComplete && !group.IsWhole) incomplete?.Report(before with { Reason = trouble.Length > 0 ? trouble : before.Reason });
                }
                asked.Add((group, hits));
            }
            return asked;
        }
        catch
        {
            foreach ((_, SearchHits hits) in asked) hits.Dispose();
            throw;
        }
    }

    /// <returns>Why it may not have caught up; empty where it has.</returns>
    private async Task<string> CatchUpAsync(TimeSpan patience, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        try
        {
            limit.CancelAfter(patience);
            await database.Search.CatchUpAsync(limit.Token).ConfigureAwait(false);
            return "";
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return "the index is still being made";
        }
        catch (MessageStoreException error)
        {
            return error.Message;
        }
    }

    /// <summary>The hits of all groups, newest first.</summary>
    private static IEnumerable<(StorageGroup, IndexEntry)> NewestFirst(List<(GroupSearch Group, SearchHits Hits)> asked, MessageSearch search, Dictionary<StorageGroup, HashSet<int>?> mailboxes)
    {
        var next = new PriorityQueue<(StorageGroup Group, IEnumerator<IndexEntry> Hits), (long, ulong, ulong)>(Comparer<(long, ulong, ulong)>.Create((a, b) => b.CompareTo(a)));
        foreach ((GroupSearch group, SearchHits hits) in asked)
        {
            HashSet<int>? wanted = mailboxes[group.Group];
            IEnumerator<IndexEntry> entries = group.NewestFirst(hits, e => Matches(search, wanted, e)).GetEnumerator();
            if (entries.MoveNext()) next.Enqueue((group.Group, entries), GroupSearch.RankOf(entries.Current));
        }
        while (next.TryDequeue(out (StorageGroup Group, IEnumerator<IndexEntry> Hits) first, out _))
        {
            yield return (first.Group, first.Hits.Current);
            if (first.Hits.MoveNext()) next.Enqueue(first, GroupSearch.RankOf(first.Hits.Current));
        }
    }

    private static bool Matches(MessageSearch search, HashSet<int>? mailboxes, in IndexEntry entry) =>
        (mailboxes is null || mailboxes.Contains(entry.Mailbox))
        && (search.ReceivedAfter is not { } after || entry.ReceivedTicks >= after.UtcTicks)
        && (search.ReceivedBefore is not { } before || entry.ReceivedTicks < before.UtcTicks)
        && (search.LargerThan is not { } larger || entry.Length > larger)
        && (search.SmallerThan is not { } smaller || entry.Length < smaller)
        && (search.IsRead is not { } read || read == (((MessageFlags)entry.Flags & MessageFlags.Read) != 0))
        && (search.IsArchived is not { } archived || archived == entry.IsArchived);

    private async Task<bool> MatchesAsync(SearchVerifier verifier, StorageGroup group, IndexEntry entry, CancellationToken cancellationToken)
    {
        Stream? body = await OpenAnywhereAsync(database, group, entry, cancellationToken).ConfigureAwait(false);
        if (body is null) return false;
        await using (body.ConfigureAwait(false)) return verifier.Matches(body, cancellationToken);
    }
}
