using MessageStore.IO;
using MessageStore.Storage;

namespace MessageStore.Searching;

/// <summary>
/// Keeps the search indexes of a database's groups up, in the background: begins when enough mail came in or somebody asks, reads what is not covered, writes out, merges. Mail is never
/// stored later because of it. Its own end writes out what is worth it.
/// </summary>
internal sealed class SearchIndexer : IDisposable
{
    /// <summary>How long it works before somebody else's turn comes.</summary>
    private static readonly TimeSpan Turn = TimeSpan.FromMilliseconds(25);

    /// <summary>The same while mail comes in. A thread that is woken while both of two processors are busy waits until one's turn is over; left alone, Linux gives 4 ms.</summary>
    private static readonly TimeSpan ShortTurn = TimeSpan.FromMicroseconds(500);

    /// <summary>How long after the last message mail is taken to be coming in.</summary>
    private static readonly TimeSpan BusyFor = TimeSpan.FromMilliseconds(100);

    private readonly Func<StorageGroup, GroupSearch> begin;
    private volatile List<GroupSearch> groups;
    private CancellationTokenSource stop = new();
    private readonly SemaphoreSlim wake = new(0, 1);
    private readonly SemaphoreSlim wakeMerging = new(0, 1);
    private readonly SemaphoreSlim urgent = new(0, 1);
    private readonly TimeProvider clock;
    private readonly int restFactor;
    private readonly Lock gate = new();
    private List<TaskCompletionSource> waiting = [];
    private List<GroupSearch> toClear = [];
    private Task? indexing;
    private Task? merging;
    private bool isStopping;
    private long? grown;

    public SearchIndexer(IReadOnlyList<StorageGroup> groups, IStorage storage, MessageOpener open, SearchOptions options, TimeProvider clock)
    {
        this.clock = clock;
        restFactor = options.RestFactor;
        double share = 1.0 / groups.Count;
        begin = group => new GroupSearch(group, storage, open, options, share, clock, Wake);
        this.groups = [.. groups.Select(begin)];
    }

    public IReadOnlyList<GroupSearch> Groups => groups;

    /// <exception cref="MessageStoreException">GroupRestoring: the group is just going out of service, or coming back.</exception>
    public GroupSearch Of(StorageGroup group) => groups.Find(g => g.Group == group) ?? throw new MessageStoreException(
        ErrorIds.GroupRestoring, ErrorKind.Busy, $"Storage group {group.Name} is just going out of service, or coming back. Ask again.", group.Name);

    /// <summary>Goes on with the groups that are open now: one that has gone is given up, one that has come is taken in, all others keep what they have. Not concurrently with itself.</summary>
    public void Follow(IReadOnlyList<StorageGroup> open)
    {
        lock (gate)
        {
            if (isStopping) return;
            isStopping = true;
        }
        stop.Cancel();
        Task.WaitAll([.. new[] { indexing, merging }.OfType<Task>()]);
        List<GroupSearch> before = groups;
        groups = [.. open.Select(group => before.Find(g => g.Group == group) ?? begin(group))];
        foreach (GroupSearch gone in before.Except(groups)) gone.Dispose();
        lock (gate)
        {
            stop.Dispose();
            stop = new CancellationTokenSource();
            (indexing, merging, isStopping) = (null, null, false);
        }
        Wake();
    }

    /// <summary>Ends when all messages that were there when it was called are indexed, as far as they can be read.</summary>
    /// <exception cref="MessageStoreException">What keeps the index from being made.</exception>
    public Task CatchUpAsync(CancellationToken cancellationToken)
    {
        return groups.TrueForAll(g => g.IsComplete) ? Task.CompletedTask : WaitAsync([], cancellationToken);
    }

    /// <summary>Gives up what is indexed of some groups and makes it anew.</summary>
    /// <inheritdoc cref="CatchUpAsync"/>
    public Task RebuildAsync(IReadOnlyList<GroupSearch> which, CancellationToken cancellationToken) => WaitAsync(which, cancellationToken);

    public void Dispose()
    {
        lock (gate)
        {
            if (isStopping) return;
            isStopping = true;
        }
        stop.Cancel();
        Task.WaitAll([.. new[] { indexing, merging }.OfType<Task>()]);
        foreach (GroupSearch group in groups) group.Dispose();
        foreach (TaskCompletionSource waiter in waiting) waiter.TrySetCanceled();
        stop.Dispose();
    }

    private Task WaitAsync(IReadOnlyList<GroupSearch> clear, CancellationToken cancellationToken)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (gate)
        {
            if (isStopping) return Task.FromCanceled(new CancellationToken(canceled: true));
            toClear.AddRange(clear);
            waiting.Add(done);
        }
        Hurry();
        return done.Task.WaitAsync(cancellationToken);
    }

    /// <summary>Begins a pass, or another behind the one that is under way. Brief: a committer may be the caller.</summary>
    private void Wake()
    {
        lock (gate)
        {
            if (isStopping) return;
            indexing ??= Task.Run(IndexAsync);
            merging ??= Task.Run(MergeAsync);
            if (wake.CurrentCount == 0) wake.Release();
        }
    }

    /// <summary>Somebody waits: no rest before all is indexed.</summary>
    private void Hurry()
    {
        Wake();
        lock (gate)
            if (urgent.CurrentCount == 0)
                urgent.Release();
    }

    private async Task IndexAsync()
    {
        while (!stop.IsCancellationRequested)
        {
            List<TaskCompletionSource> served = [];
            try
            {
                await wake.WaitAsync(stop.Token).ConfigureAwait(false);
                List<GroupSearch> cleared;
                lock (gate)
                {
                    (served, waiting) = (waiting, []);
                    (cleared, toClear) = (toClear, []);
                }
                foreach (GroupSearch group in groups) group.Load(stop.Token);
                foreach (GroupSearch group in cleared.Distinct()) group.Clear();
                bool more = true, yields = false;
                while (more)
                {
                    more = false;
                    foreach (GroupSearch group in groups)
                    {
                        long began = clock.GetTimestamp();
                        if (!await group.IndexSomeAsync(yields ? ShortTurn : Turn, stop.Token).ConfigureAwait(false)) continue;
                        more = true;
                        yields = await RestAsync(clock.GetElapsedTime(began), served).ConfigureAwait(false);
                    }
                    // Merging can wait, too, until all is indexed: then more runs are merged at once, and each posting is written less often.
                    bool isMergeDue = !more || groups.Exists(g => g.HasManyRuns);
                    lock (gate)
                        if (isMergeDue && wakeMerging.CurrentCount == 0)
                            wakeMerging.Release();
                }
                foreach (TaskCompletionSource waiter in served) waiter.TrySetResult();
            }
            catch (OperationCanceledException)
            {
                foreach (TaskCompletionSource waiter in served) waiter.TrySetCanceled();
            }
            catch (Exception error)
            {
                // Whoever waits is told, and the next who asks tries again; nobody else is kept from anything.
                Exception told = error is IOException or UnauthorizedAccessException ? StorageErrors.Wrap(error, "reading the search index", groups.Count > 0 ? groups[0].Group.StoreFolder : "") : error;
                foreach (TaskCompletionSource waiter in served) waiter.TrySetException(told);
            }
        }
    }

    /// <summary>While mail comes in and nobody waits, the processor belongs to those who store it: some work, then a longer rest. Who comes to wait during a rest is served in the same pass.</summary>
    /// <returns>Whether that is so still.</returns>
    private async Task<bool> RestAsync(TimeSpan worked, List<TaskCompletionSource> served)
    {
        foreach (GroupSearch group in groups)
            if (group.TakeHasGrown()) grown = clock.GetTimestamp();
        bool isBusy = grown is { } last && clock.GetElapsedTime(last) < BusyFor;
        if (served.Count > 0 || !isBusy || restFactor == 0) return false;
        bool isUrgent = await urgent.WaitAsync(worked * restFactor, stop.Token).ConfigureAwait(false);
        if (!isUrgent) return true;
        lock (gate)
        {
            if (toClear.Count > 0) return false;
            served.AddRange(waiting);
            waiting = [];
        }
        return false;
    }

    private async Task MergeAsync()
    {
        while (!stop.IsCancellationRequested)
        {
            try
            {
                await wakeMerging.WaitAsync(stop.Token).ConfigureAwait(false);
                foreach (GroupSearch group in groups)
                    while (group.MergeIfDue(stop.Token))
                    {
                    }
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (MessageStoreException)
            {
                // Kept by the group and shown in its status. The runs stay as they are, and the next pass tries again.
            }
        }
    }
}
