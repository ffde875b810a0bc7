using MessageStore.Storage;

namespace MessageStore.Searching;

/// <summary>
/// Which messages of the store the index can tell of: found by comparing what the store holds with what the runs hold, never by trusting a number that says how far it came. So one rule serves after a crash, after
/// damage, after a restore and for a database that never had an index: what is not covered is indexed. Callers of members other than the observer's hold the group's <see cref="StorageGroup.SlotGate"/>.
/// </summary>
internal sealed class SearchCoverage(StorageGroup group, Action added) : IMessageObserver
{
    /// <summary>After how many new messages the indexer is woken: a process that stores a few and ends does not pay for looking at all the others.</summary>
    private const int WakeAfter = 64;

    /// <summary>Set: there is nothing to index in this slot.</summary>
    private readonly SlotBits done = new();

    /// <summary>Set: the slot held another message since the runs were compared with the store, so their documents may not be its.</summary>
    private readonly SlotBits changed = new();

    /// <summary>Set: the message cannot be read at present.</summary>
    private readonly SlotBits unreadable = new();

    private int addedSinceWoken;

    /// <summary>Messages that are not indexed yet, those that cannot be read among them.</summary>
    public int WaitingCount => done.CountClear(group.SlotLimit);

    public int UnreadableCount { get; private set; }

    /// <summary>Whether messages came since this was last set to <see langword="false"/>.</summary>
    public bool HasGrown { get; set; }

    public void Added(int slot)
    {
        done.Clear(slot);
        Forgive(slot);
        HasGrown = true;
        if (++addedSinceWoken < WakeAfter) return;
        addedSinceWoken = 0;
        added();
    }

    public void Removed(int slot)
    {
        done.Set(slot);
        changed.Set(slot);
        Forgive(slot);
    }

    /// <summary>The message of a slot is in the index.</summary>
    public void Cover(int slot) => done.Set(slot);

    /// <summary>The message of a slot is not in the index any more.</summary>
    public void Uncover(int slot)
    {
        if (group.EntryAt(slot).IsInUse) done.Clear(slot);
    }

    /// <summary>A copy of this moment: set for each slot that holds nothing to be read for an answer, because it is indexed, holds no message, or holds one that cannot be read at present.</summary>
    public SlotBits Decided() => done.Or(unreadable);

    /// <summary>The message of a slot cannot be read at present.</summary>
    public void SetAside(int slot)
    {
        if (unreadable[slot]) return;
        unreadable.Set(slot);
        UnreadableCount++;
    }

    /// <summary>Messages that could not be read are tried again.</summary>
    public void ForgiveAll()
    {
        unreadable.Reset();
        UnreadableCount = 0;
    }

    public bool IsChanged(int slot) => changed[slot];

    /// <summary>The next slot at or after one whose message is to be indexed; -1 where there is none.</summary>
    public int Next(int slot)
    {
        while ((slot = done.NextClear(slot, group.SlotLimit)) >= 0)
        {
            if (!group.EntryAt(slot).IsInUse) done.Set(slot);
            else if (!unreadable[slot]) return slot;
            slot++;
        }
        return -1;
    }

    private void Forgive(int slot)
    {
        if (!unreadable[slot]) return;
        unreadable.Clear(slot);
        UnreadableCount--;
    }
}
