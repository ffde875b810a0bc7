using MessageStore.Storage;

namespace MessageStore.Searching;

/// <summary>Answering questions.</summary>
internal sealed partial class GroupSearch
{
    /// <summary>Messages that are looked at while the store's index is locked.</summary>
    private const int HitsAtOnce = 1024;

    /// <summary>How many of the newest are found at first, and at most, in one pass over the hits.</summary>
    private const int FirstWindow = 64, LargestWindow = 16 << 10;

    /// <summary>Finds the messages that have the words, as far as they are indexed.</summary>
    /// <returns><see langword="null"/> where a run turned out to be damaged: it is given up, and its messages wait to be indexed again.</returns>
    public SearchHits? Find(SearchPlan plan, CancellationToken cancellationToken)
    {
        // A slot is not used for another message before this question is answered.
        IDisposable hold = Group.HoldSlots();
        var slots = new List<int>();
        List<SearchRun> asked = [];
        SearchRun? now = null;
        try
        {
            lock (gate)
            {
                foreach (SearchRun run in runs)
                    if (run.TryAcquire())
                        asked.Add(run);
                SearchDelta young = delta;
                Take(RunSearch.Find(young, plan), young.SlotOf, young.IdOf, slots);
            }
            byte[] buffer = new byte[RunFormat.IdFrameLength];
            foreach (SearchRun run in asked)
            {
                now = run;
                Take(RunSearch.Find(run, plan, cancellationToken), document => run.Slots[document], document => run.IdOf(document, buffer), slots);
            }
            SearchHits hits = new(slots, hold);
            hold = hits;
            return hits;
        }
        catch (FormatException)
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
    public SearchHits FindAll() => new(null, Group.HoldSlots());

    /// <summary>
    /// The messages among the hits that a condition lets through, newest first, as they are when the enumeration comes to them. Memory for some thousands at a time, however many there are.
    /// </summary>
    /// <param name="filter">Called with the store's index locked.</param>
    public IEnumerable<IndexEntry> NewestFirst(SearchHits hits, Func<IndexEntry, bool> filter)
    {
        IndexEntry? last = null;
        for (int window = FirstWindow; ; window = Math.Min(window * 8, LargestWindow))
        {
            List<IndexEntry> found = Newest(hits, filter, last, window);
            foreach (IndexEntry entry in found) yield return entry;
            if (found.Count < window) yield break;
            last = found[^1];
        }
    }

    /// <summary>Where a message stands among the newest: later before earlier, and of one moment in some order that stays.</summary>
    public static (long, ulong, ulong) RankOf(in IndexEntry entry) => (entry.ReceivedTicks, entry.Id.High, entry.Id.Low);

    private List<IndexEntry> Newest(SearchHits hits, Func<IndexEntry, bool> filter, IndexEntry? before, int count)
    {
        var best = new PriorityQueue<IndexEntry, (long, ulong, ulong)>(count);
        var taken = new HashSet<UInt128Bytes>();
        (long, ulong, ulong) limit = before is { } b ? RankOf(b) : default;
        for (int start = 0; ; start += HitsAtOnce)
        {
            lock (Group.SlotGate)
            {
                int end = Math.Min(start + HitsAtOnce, hits.Slots?.Count ?? Group.SlotLimit);
                if (start >= end) break;
                for (int i = start; i < end; i++)
                {
                    ref readonly IndexEntry entry = ref Group.EntryAt(hits.Slots is null ? i : hits.Slots[i]);
                    if (!entry.IsInUse) continue;
                    (long, ulong, ulong) rank = RankOf(entry);
                    if (before is not null && rank.CompareTo(limit) >= 0) continue;
                    if (best.Count == count && best.TryPeek(out _, out (long, ulong, ulong) least) && rank.CompareTo(least) <= 0) continue;
                    // A message that was indexed twice, which a crash or a repair may leave behind, is one hit.
                    if (!filter(entry) || !taken.Add(entry.Id)) continue;
                    if (best.Count == count) taken.Remove(best.Dequeue().Id);
                    best.Enqueue(entry, rank);
                }
            }
        }
        var found = new List<IndexEntry>(best.Count);
        while (best.TryDequeue(out IndexEntry entry, out _)) found.Add(entry);
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
