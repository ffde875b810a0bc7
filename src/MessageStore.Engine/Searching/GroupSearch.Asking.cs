using MessageStore.Storage;

namespace MessageStore.Searching;

/// <summary>Answering questions.</summary>
internal sealed partial class GroupSearch
{
    /// <summary>Messages that are looked at while the store's index is locked.</summary>
    private const int HitsAtOnce = 1024;

    /// <summary>How many of the newest are found at first, and at most, in one pass over the hits.</summary>
    private const int FirstWindow = 64, LargestWindow = 16 << 10;

    /// <summary>Finds the messages that have the words, and those of which the index cannot tell.</summary>
    /// <returns><see langword="null"/> where a run turned out to be damaged: it is given up, its messages wait to be indexed again, and who asks again is answered without it.</returns>
    public SearchHits? Find(SearchPlan plan, CancellationToken cancellationToken)
    {
        // A slot is not used for another message before this question is answered.
        IDisposable hold = Group.HoldSlots();
        var slots = new List<int>();
        List<SearchRun> asked = [];
        SearchRun? now = null;
        try
        {
            SlotBits decided;
            int limit;
            lock (gate)
            {
                Group.ThrowIfRetired();
                ObjectDisposedException.ThrowIf(isClosed, this);
                lock (Group.SlotGate) (decided, limit) = (coverage.Decided(), Group.SlotLimit);
                foreach (SearchRun run in runs)
                {
                    if (!run.TryAcquire()) throw new InvalidOperationException($"{run.Path} is closed while it counts.");
                    asked.Add(run);
                }
                Take(RunSearch.Find(delta, plan), delta.SlotOf, delta.IdOf, slots);
            }
            byte[] buffer = new byte[RunFormat.IdFrameLength];
            foreach (SearchRun run in asked)
            {
                now = run;
                Take(RunSearch.Find(run, plan, cancellationToken), document => run.Slots[document], document => run.IdOf(document, buffer), slots);
            }
            SearchHits hits = new(slots, decided, limit, hold);
            hold = hits;
            return hits;
        }
        catch (Exception error) when (now is not null && error is FormatException or IOException or UnauthorizedAccessException)
        {
            hold.Dispose();
            Drop(now!);
            return null;
        }
        catch
        {
            hold.Dispose();
            throw;
        }
        finally
        {
            foreach (SearchRun run in asked) run.Dispose();
        }
    }

    /// <summary>All messages, for a question without words.</summary>
    public SearchHits FindAll()
    {
        IDisposable hold = Group.HoldSlots();
        lock (Group.SlotGate) return new SearchHits(null, null, Group.SlotLimit, hold);
    }

    /// <summary>How many messages a question has to read because the index could not tell, and how many cannot be read at present.</summary>
    public (int Unread, int Unreadable, string Reason) Shortfall(SearchHits hits)
    {
        int unread = 0;
        foreach (List<int> some in hits.Undecided(HitsAtOnce))
            lock (Group.SlotGate)
                foreach (int slot in some)
                    if (Group.EntryAt(slot).IsInUse)
                        unread++;
        lock (Group.SlotGate) return (unread, coverage.UnreadableCount, unreadableReason);
    }

    /// <summary>
    /// The messages among the hits, and among those of which the index cannot tell, that a condition lets through, newest first, as they are when the enumeration comes to them. Memory for some thousands at a time,
    /// however many there are.
    /// </summary>
    /// <param name="filter">Called with the store's index locked.</param>
    public IEnumerable<SearchCandidate> NewestFirst(SearchHits hits, Func<IndexEntry, bool> filter)
    {
        IndexEntry? last = null;
        for (int window = FirstWindow; ; window = Math.Min(window * 8, LargestWindow))
        {
            List<SearchCandidate> found = Newest(hits, filter, last, window);
            foreach (SearchCandidate candidate in found) yield return candidate;
            if (found.Count < window) yield break;
            last = found[^1].Entry;
        }
    }

    /// <summary>Where a message stands among the newest: later before earlier, and of one moment in some order that stays.</summary>
    public static (long, ulong, ulong) RankOf(in IndexEntry entry) => (entry.ReceivedTicks, entry.Id.High, entry.Id.Low);

    private List<SearchCandidate> Newest(SearchHits hits, Func<IndexEntry, bool> filter, IndexEntry? before, int count)
    {
        var best = new PriorityQueue<SearchCandidate, (long, ulong, ulong)>(count);
        var taken = new HashSet<UInt128Bytes>();
        (long, ulong, ulong) limit = before is { } b ? RankOf(b) : default;
        // Hits come first: a message that is also among the undecided is not read for nothing.
        foreach ((List<int> some, bool isHit) in hits.Slots(HitsAtOnce))
        {
            lock (Group.SlotGate)
            {
                foreach (int slot in some)
                {
                    ref readonly IndexEntry entry = ref Group.EntryAt(slot);
                    if (!entry.IsInUse) continue;
                    (long, ulong, ulong) rank = RankOf(entry);
                    if (before is not null && rank.CompareTo(limit) >= 0) continue;
                    if (best.Count == count && best.TryPeek(out _, out (long, ulong, ulong) least) && rank.CompareTo(least) <= 0) continue;
                    // A message that was indexed twice, which a crash or a repair may leave behind, is one hit.
                    if (!filter(entry) || !taken.Add(entry.Id)) continue;
                    if (best.Count == count) taken.Remove(best.Dequeue().Entry.Id);
                    best.Enqueue(new SearchCandidate(entry, isHit), rank);
                }
            }
        }
        var found = new List<SearchCandidate>(best.Count);
        while (best.TryDequeue(out SearchCandidate candidate, out _)) found.Add(candidate);
        found.Reverse();
        return found;
    }

    /// <summary>Slots of documents whose messages are still there. Where a slot changed hands the Id tells.</summary>
    private void Take(List<int> documents, Func<int, int> slotOf, Func<int, UInt128Bytes> idOf, List<int> slots)
    {
        var doubtful = new List<int>();
        for (int start = 0; start < documents.Count; start += HitsAtOnce)
            lock (Group.SlotGate)
                for (int i = start; i < Math.Min(start + HitsAtOnce, documents.Count); i++)
                {
                    int slot = slotOf(documents[i]);
                    if (slot < 0) continue;
                    if (coverage.IsChanged(slot)) doubtful.Add(documents[i]);
                    else slots.Add(slot);
                }
        foreach (int document in doubtful)
        {
            UInt128Bytes id = idOf(document);
            lock (Group.SlotGate)
                if (IsAt(slotOf(document), id))
                    slots.Add(slotOf(document));
        }
    }
}
