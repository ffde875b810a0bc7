using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;
using MessageStore.Archiving;
using MessageStore.IO;
using MessageStore.Messages;
using MessageStore.Searching;
using MessageStore.Storage;

namespace MessageStore;

internal sealed partial class EmbeddedMessageStore
{
    /// <summary>How often a question is asked again because a part of the index turned out to be damaged.</summary>
    private const int AskAgain = 8;

    private const int UpdatesPerSecond = 4;

    public async IAsyncEnumerable<StoredMessage> FindAsync(MessageSearch search, IProgress<SearchNotice>? notices = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        (SearchPlan plan, search) = SearchQueryParser.Parse(search);
        Dictionary<StorageGroup, HashSet<int>?> mailboxes = MailboxesOf(search);
        var said = new SearchNotices(notices);
        Dictionary<StorageGroup, HashSet<int>> barred = plan.NeedsText ? BarredIn(search, said) : [];
        if (search.Mailbox is null || Wildcard.IsPattern(search.Mailbox)) TellFailedGroups(said);
        List<(GroupSearch Group, SearchHits Hits)> asked = [];
        try
        {
            if (plan.Clauses.Count == 0) asked.AddRange(mailboxes.Keys.Select(g => database.Search.Of(g)).Select(g => (g, g.FindAll())));
            else asked.AddRange(await AskAsync(plan, mailboxes.Keys, search.MaximumWait, said, cancellationToken).ConfigureAwait(false));
            var verifier = new SearchVerifier(plan);
            bool Wanted(StorageGroup group, IndexEntry entry) =>
                Matches(search, mailboxes[group], entry) && !(entry.IsArchived && barred.GetValueOrDefault(group)?.Contains(entry.Mailbox) == true);
            foreach ((StorageGroup group, SearchCandidate candidate) in NewestFirst(asked, Wanted))
            {
                cancellationToken.ThrowIfCancellationRequested();
                if (!group.TryName(candidate.Entry, out string? mailbox, out string? folder)) continue;
                if (search.Folder is not null && !Wildcard.Matches(search.Folder, folder)) continue;
                if ((plan.NeedsReading || !candidate.IsHit) && !await MatchesAsync(verifier, group, candidate.Entry, said, cancellationToken).ConfigureAwait(false)) continue;
                if (Summarize(group, candidate.Entry) is { } found) yield return Describe(found.Image, found.Summary, mailbox, folder, found.Flags);
            }
            said.Complete();
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

    /// <summary>The mailboxes whose archived messages may not be read, so that words in their texts are not looked for. One notice a block.</summary>
    private Dictionary<StorageGroup, HashSet<int>> BarredIn(MessageSearch search, SearchNotices said)
    {
        var barred = new Dictionary<StorageGroup, HashSet<int>>();
        var left = new Dictionary<Guid, (GroupRecord Record, RecordNote Note, long Count)>();
        if (InForce(GroupRecordKind.Block).Count == 0) return barred;
        foreach ((StorageGroup group, string name) in MatchingMailboxes(search.Mailbox))
        {
            if (!group.TryFindMailbox(name, out int number) || AdministratorRecords.BlockOn(group, name) is not { } block) continue;
            if (!barred.TryGetValue(group, out HashSet<int>? numbers)) barred.Add(group, numbers = []);
            numbers.Add(number);
            left[block.Record.Id] = (block.Record, block.Note, group.ArchivedCount(number) + left.GetValueOrDefault(block.Record.Id).Count);
        }
        foreach ((GroupRecord record, RecordNote note, long count) in left.Values.Where(l => l.Count > 0 && search.IsArchived != false))
            said.Tell(new SearchNotice
            {
                Id = ErrorIds.ArchiveAccessDenied, Target = record.Mailboxes, Count = count, MayMissHits = true,
                Message = string.Create(CultureInfo.InvariantCulture, $"{count} archived messages of {record.Mailboxes} were not searched, for {note.By} barred them on {note.Time:u}: {note.Reason}"),
            });
        return barred;
    }

    /// <summary>Says which storage groups are not open.</summary>
    private void TellFailedGroups(SearchNotices said)
    {
        foreach ((GroupSettings settings, MessageStoreException reason) in Mail.FailedGroups)
            said.Tell(new SearchNotice { Id = reason.ErrorId, Target = settings.Name, MayMissHits = true, Message = $"Storage group {settings.Name} is not open and was not searched: {reason.Message}" });
    }

    /// <summary>Waits until the index has everything, or as long as is wished, and asks it. What it does not have is read later, and said if it is much.</summary>
    private async Task<List<(GroupSearch, SearchHits)>> AskAsync(SearchPlan plan, IEnumerable<StorageGroup> groups, TimeSpan patience, SearchNotices said, CancellationToken cancellationToken)
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
                    hits = await Task.Run(() => group.Find(plan, cancellationToken), cancellationToken).ConfigureAwait(false);
                }
                asked.Add((group, hits));
                said.Tell(group, hits, trouble);
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

    /// <summary>The candidates of all groups, newest first.</summary>
    private static IEnumerable<(StorageGroup, SearchCandidate)> NewestFirst(List<(GroupSearch Group, SearchHits Hits)> asked, Func<StorageGroup, IndexEntry, bool> wanted)
    {
        var next = new PriorityQueue<(StorageGroup Group, IEnumerator<SearchCandidate> Found), (long, ulong, ulong)>(Comparer<(long, ulong, ulong)>.Create((a, b) => b.CompareTo(a)));
        foreach ((GroupSearch group, SearchHits hits) in asked)
        {
            IEnumerator<SearchCandidate> found = group.NewestFirst(hits, e => wanted(group.Group, e)).GetEnumerator();
            if (found.MoveNext()) next.Enqueue((group.Group, found), GroupSearch.RankOf(found.Current.Entry));
        }
        while (next.TryDequeue(out (StorageGroup Group, IEnumerator<SearchCandidate> Found) first, out _))
        {
            yield return (first.Group, first.Found.Current);
            if (first.Found.MoveNext()) next.Enqueue(first, GroupSearch.RankOf(first.Found.Current.Entry));
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

    /// <summary>Reads a message to see whether it has the words. One that cannot be read is told of and left out: it must not keep the others from being found.</summary>
    private async Task<bool> MatchesAsync(SearchVerifier verifier, StorageGroup group, IndexEntry entry, SearchNotices said, CancellationToken cancellationToken)
    {
        try
        {
            Stream? body = await OpenAnywhereAsync(database, group, entry, cancellationToken).ConfigureAwait(false);
            if (body is null) return false;
            await using (body.ConfigureAwait(false)) return verifier.Matches(body, cancellationToken);
        }
        catch (Exception error) when (error is MessageStoreException or IOException or UnauthorizedAccessException)
        {
            said.TellUnread(error as MessageStoreException ?? StorageErrors.Wrap(error, "searching a message", Path), entry.Id.ToGuid());
            return false;
        }
    }
}
