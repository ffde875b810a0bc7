using System.Numerics;
using System.Runtime.CompilerServices;

namespace MessageStore.Keys;

/// <summary>A page of a <see cref="PlaceTable{TPlace}"/>: open addressing with linear probing. Not thread-safe.</summary>
/// <typeparam name="TPlace">What is held for a tag; the default value marks a free slot.</typeparam>
/// <param name="capacity">Slots, a power of two.</param>
/// <param name="depth">How many first bits of their hashes all its tags share.</param>
internal sealed class PlaceTablePage<TPlace>(int capacity, int depth)
    where TPlace : unmanaged, INumberBase<TPlace>
{
    private ulong[] tags = new ulong[capacity];
    private TPlace[] places = new TPlace[capacity]; // 0: free
    private int count;

    public int Depth { get; set; } = depth;

    public int Capacity => tags.Length;

    public long Bytes => (long)Capacity * (sizeof(ulong) + Unsafe.SizeOf<TPlace>());

    /// <summary>Whether one more would make probes long.</summary>
    public bool IsFull => (count + 1L) * 5 > Capacity * 4L;

    /// <summary>Adds where it is not full.</summary>
    public void Add(ulong tag, TPlace place)
    {
        int slot = Home(tag);
        while (!IsFree(slot)) slot = Next(slot);
        (tags[slot], places[slot]) = (tag, place);
        count++;
    }

    /// <inheritdoc cref="PlaceTable{TPlace}.TryNext"/>
    public bool TryNext(ulong tag, ref int cursor, out TPlace place)
    {
        int slot = cursor < 0 ? Home(tag) : Next(cursor);
        for (; !IsFree(slot); slot = Next(slot))
        {
            if (tags[slot] != tag) continue;
            cursor = slot;
            place = places[slot];
            return true;
        }
        place = default;
        return false;
    }

    public bool Remove(ulong tag, TPlace place)
    {
        int slot = Home(tag);
        while (places[slot] != place || tags[slot] != tag)
        {
            if (IsFree(slot)) return false;
            slot = Next(slot);
        }

        // Close the gap: whoever follows and may stand here moves up, so that no probe ever ends too early.
        int gap = slot;
        for (int at = Next(gap); !IsFree(at); at = Next(at))
        {
            int home = Home(tags[at]);
            if (((at - home) & (Capacity - 1)) < ((at - gap) & (Capacity - 1))) continue;
            (tags[gap], places[gap]) = (tags[at], places[at]);
            gap = at;
        }
        places[gap] = default;
        count--;
        return true;
    }

    /// <inheritdoc cref="PlaceTable{TPlace}.RemoveWhere"/>
    public int RemoveWhere(Predicate<TPlace> isGone)
    {
        var gone = new List<(ulong Tag, TPlace Place)>();
        for (int slot = 0; slot < Capacity; slot++)
            if (!IsFree(slot) && isGone(places[slot])) gone.Add((tags[slot], places[slot]));
        foreach ((ulong tag, TPlace place) in gone) Remove(tag, place);
        return gone.Count;
    }

    /// <summary>Copies all slots out and empties the page.</summary>
    public void MoveOut(Span<ulong> toTags, Span<TPlace> toPlaces)
    {
        tags.CopyTo(toTags);
        places.CopyTo(toPlaces);
        Array.Clear(places);
        count = 0;
    }

    public void Double()
    {
        (ulong[] oldTags, TPlace[] oldPlaces) = (tags, places);
        tags = new ulong[oldTags.Length * 2];
        places = new TPlace[oldTags.Length * 2];
        count = 0;
        for (int slot = 0; slot < oldTags.Length; slot++)
            if (!TPlace.IsZero(oldPlaces[slot])) Add(oldTags[slot], oldPlaces[slot]);
    }

    private bool IsFree(int slot) => TPlace.IsZero(places[slot]);

    private int Home(ulong tag) => (int)(IdTag.Hash(tag) >> 32) & (Capacity - 1);

    private int Next(int slot) => (slot + 1) & (Capacity - 1);
}
