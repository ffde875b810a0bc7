namespace MessageStore.Searching;

/// <summary>
/// What the index has to say to a question: slots of the store's index whose messages have the words, and those of which it cannot tell. Slots stay what they are until this is disposed.
/// </summary>
/// <param name="found"><see langword="null"/> for all slots.</param>
/// <param name="decided">Set for each slot that the index, at the moment of the question, could tell of; <see langword="null"/> for all.</param>
/// <param name="limit">One more than the highest slot of that moment.</param>
internal sealed class SearchHits(List<int>? found, SlotBits? decided, int limit, IDisposable hold) : IDisposable
{
    /// <summary>All slots, some at a time: those that are hits, then those that are undecided. The list is used again.</summary>
    public IEnumerable<(List<int> Slots, bool IsHit)> Slots(int atOnce)
    {
        var some = new List<int>(atOnce);
        int count = found?.Count ?? limit;
        for (int start = 0; start < count; start += atOnce)
        {
            some.Clear();
            for (int i = start; i < Math.Min(start + atOnce, count); i++) some.Add(found is null ? i : found[i]);
            yield return (some, true);
        }
        foreach (List<int> undecided in Undecided(atOnce)) yield return (undecided, false);
    }

    /// <summary>The slots of which the index cannot tell, some at a time. The list is used again.</summary>
    public IEnumerable<List<int>> Undecided(int atOnce)
    {
        if (decided is null) yield break;
        var some = new List<int>(atOnce);
        for (int slot = decided.NextClear(0, limit); slot >= 0; slot = decided.NextClear(slot + 1, limit))
        {
            some.Add(slot);
            if (some.Count < atOnce) continue;
            yield return some;
            some.Clear();
        }
        if (some.Count > 0) yield return some;
    }

    public void Dispose() => hold.Dispose();
}
