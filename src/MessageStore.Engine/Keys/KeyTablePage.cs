namespace MessageStore.Keys;

/// <summary>A page of a <see cref="KeyTable"/>: open addressing with linear probing. Not thread-safe.</summary>
/// <param name="capacity">Slots, a power of two.</param>
/// <param name="depth">How many first bits of their hashes all its tags share.</param>
internal sealed class KeyTablePage(int capacity, int depth)
{
    public const int SlotBytes = sizeof(ulong) + sizeof(uint);

    public const ulong Mixer = 0x9E37_79B9_7F4A_7C15;

    private ulong[] tags = new ulong[capacity];
    private uint[] positions = new uint[capacity]; // 0: free; no key lies at the start of a journal
    private int count;

    public int Depth { get; set; } = depth;

    public int Capacity => tags.Length;

    public long Bytes => (long)Capacity * SlotBytes;

    /// <summary>Whether one more would make probes long.</summary>
    public bool IsFull => (count + 1L) * 5 > Capacity * 4L;

    /// <summary>Adds where it is not full.</summary>
    public void Add(ulong tag, uint position)
    {
        int slot = Home(tag);
        while (positions[slot] != 0) slot = Next(slot);
        (tags[slot], positions[slot]) = (tag, position);
        count++;
    }

    /// <inheritdoc cref="KeyTable.TryNext"/>
    public bool TryNext(ulong tag, ref int cursor, out uint position)
    {
        int slot = cursor < 0 ? Home(tag) : Next(cursor);
        for (; positions[slot] != 0; slot = Next(slot))
        {
            if (tags[slot] != tag) continue;
            cursor = slot;
            position = positions[slot];
            return true;
        }
        position = 0;
        return false;
    }

    public bool Remove(ulong tag, uint position)
    {
        int slot = Home(tag);
        while (positions[slot] != position || tags[slot] != tag)
        {
            if (positions[slot] == 0) return false;
            slot = Next(slot);
        }

        // Close the gap: whoever follows and may stand here moves up, so that no probe ever ends too early.
        int gap = slot;
        for (int at = Next(gap); positions[at] != 0; at = Next(at))
        {
            int home = Home(tags[at]);
            if (((at - home) & (Capacity - 1)) < ((at - gap) & (Capacity - 1))) continue;
            (tags[gap], positions[gap]) = (tags[at], positions[at]);
            gap = at;
        }
        positions[gap] = 0;
        count--;
        return true;
    }

    /// <summary>Copies all slots out and empties the page.</summary>
    public void MoveOut(Span<ulong> toTags, Span<uint> toPositions)
    {
        tags.CopyTo(toTags);
        positions.CopyTo(toPositions);
        Array.Clear(positions);
        count = 0;
    }

    public void Double()
    {
        (ulong[] oldTags, uint[] oldPositions) = (tags, positions);
        tags = new ulong[oldTags.Length * 2];
        positions = new uint[oldTags.Length * 2];
        count = 0;
        for (int slot = 0; slot < oldTags.Length; slot++)
            if (oldPositions[slot] != 0) Add(oldTags[slot], oldPositions[slot]);
    }

    private int Home(ulong tag) => (int)((tag * Mixer) >> 32) & (Capacity - 1);

    private int Next(int slot) => (slot + 1) & (Capacity - 1);
}
