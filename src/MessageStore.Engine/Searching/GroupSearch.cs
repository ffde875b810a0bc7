using MessageStore.IO;
using MessageStore.Storage;

namespace MessageStore.Searching;

/// <summary>
/// The search index of one storage group: runs on disk, a delta in memory, and which messages of the store they cover. Questions come from any thread; it grows by the one
/// <see cref="SearchIndexer"/>, and whoever finds a run damaged gives it up. Nothing here is waited for by anybody who stores mail.
/// </summary>
/// <remarks>
/// <b>What is covered is in the runs or the delta, whenever <see cref="gate"/> is free.</b> Runs, delta and coverage change together, with it held; a question takes all three with it held, and reads
/// what is not covered. So its answer is whole, whatever is lost, made anew or merged before, meanwhile or after. Held before <see cref="StorageGroup.SlotGate"/>, never after.
/// </remarks>
internal sealed partial class GroupSearch : IDisposable
{
    /// <summary>How many times the runs that are worth a merge are too many.</summary>
    private const int ManyRuns = 4;

    private readonly IStorage storage;
    private readonly SearchOptions options;
    private readonly MessageOpener open;
    private readonly TimeProvider clock;
    private readonly SearchCoverage coverage;
    private readonly string folder;
    private readonly int deltaPostings;
    private readonly long deltaBytes;
    private readonly Lock gate = new();
    private readonly Lock merging = new();
    private readonly DocumentWords words = new();
    private readonly MessageWords reader;
    private List<SearchRun> runs = [];
    private SearchDelta delta = new();
    private volatile bool isLoaded;
    private bool isClosed;
    private int cursor;
    private int nextNumber = 1;
    private MessageStoreException? trouble;
    private string unreadableReason = "";

    /// <param name="share">The part of the memory for what is not on disk yet that is this group's, 0 to 1.</param>
    /// <param name="added">Called when messages came that are not indexed.</param>
    public GroupSearch(StorageGroup group, IStorage storage, MessageOpener open, SearchOptions options, double share, TimeProvider clock, Action added)
    {
        Group = group;
        this.storage = storage;
        this.open = open;
        this.options = options;
        this.clock = clock;
        folder = RunFormat.FolderOf(group.StoreFolder);
        deltaPostings = (int)(options.DeltaPostings * share);
        deltaBytes = (long)(options.DeltaBytes * share);
        reader = new MessageWords(words);
        coverage = new SearchCoverage(group, added);
        group.Observe(coverage);
    }

    public StorageGroup Group { get; }

    /// <summary>The index in figures.</summary>
    public SearchIndexStatus Status
    {
        get
        {
            int waiting, unreadable;
            long messages;
            lock (Group.SlotGate) (waiting, unreadable, messages) = (coverage.WaitingCount, coverage.UnreadableCount, Group.MessageCount);
            lock (gate)
            {
                return new SearchIndexStatus
                {
                    StorageGroup = Group.Name,
                    MessageCount = messages,
                    WaitingCount = isLoaded ? Math.Min(waiting, messages) : messages,
                    UnreadableCount = unreadable,
                    CutCount = runs.Sum(r => r.CutCount) + delta.CutCount,
                    FileCount = runs.Count,
                    FileBytes = runs.Sum(r => r.FileLength),
                    TextLength = runs.Sum(r => r.TextLength) + delta.TextLength,
                    Reason = trouble?.Message ?? unreadableReason,
                };
            }
        }
    }

    /// <summary>Writes out what is worth it, and closes the files.</summary>
    public void Dispose()
    {
        Group.Observe(null);
        try
        {
            if (isLoaded && delta.DocumentCount >= options.KeepAtClose) Publish();
        }
        catch (MessageStoreException)
        {
            // The messages are indexed again when the database is open the next time.
        }
        lock (gate)
        {
            isClosed = true;
            foreach (SearchRun run in runs) run.Dispose();
            delta.Dispose();
        }
    }

    /// <summary>Whether all that can be read is indexed.</summary>
    public bool IsComplete
    {
        get
        {
            if (!isLoaded) return false;
            lock (Group.SlotGate) return coverage.Next(0) < 0;
        }
    }

    /// <summary>Whether there are so many runs that questions have to look into too many files.</summary>
    public bool HasManyRuns
    {
        get
        {
            lock (gate) return runs.Count >= ManyRuns * options.MergeFactor;
        }
    }

    /// <summary>Forgets everything that is indexed, on disk too. On the indexer's thread.</summary>
    public void Clear()
    {
        List<SearchRun> gone;
        lock (gate)
        {
            bool isAll = false;
            for (int start = 0; !isAll; start += SlotsAtOnce)
                lock (Group.SlotGate)
                {
                    isAll = Group.SlotLimit <= start + SlotsAtOnce;
                    for (int slot = start; slot < Math.Min(start + SlotsAtOnce, Group.SlotLimit); slot++) coverage.Uncover(slot);
                }
            (gone, runs) = (runs, []);
            delta.Dispose();
            delta = new SearchDelta();
        }
        foreach (SearchRun run in gone) Discard(run);
        TryUnreadableAgain();
        cursor = 0;
    }

    /// <summary>Whether messages came since this was asked last.</summary>
    public bool TakeHasGrown()
    {
        lock (Group.SlotGate)
        {
            bool grown = coverage.HasGrown;
            coverage.HasGrown = false;
            return grown;
        }
    }

    /// <summary>Messages that could not be read are tried again.</summary>
    public void TryUnreadableAgain()
    {
        lock (Group.SlotGate) coverage.ForgiveAll();
        unreadableReason = "";
    }

    private static void Discard(SearchRun run)
    {
        run.Doom();
        run.Dispose();
    }
}
