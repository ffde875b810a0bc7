using MessageStore.Keys;

namespace MessageStore.Replication;

/// <summary>
/// From a message's Id to where its record lies in a unit: 16 bytes a slot, 20 to 40 bytes a record. Open addressing with linear probing. Holds a 64-bit tag instead of
/// the Id, so a hit is to be confirmed against the record. Not thread-safe.
/// </summary>
internal sealed class UnitTable
{
    /// <summary>Most volumes of a unit.</summary>
    public const int VolumeLimit = 1 << 24;

    private const int OffsetBits = 40;
    private const long OffsetMask = (1L << OffsetBits) - 1;
    private const int SmallestCapacity = 64;
    private const ulong Mixer = 0x9E37_79B9_7F4A_7C15;

    private ulong[] tags = new ulong[SmallestCapacity];
    private long[] places = new long[SmallestCapacity]; // 0: free; the first record of a volume lies behind its block header

    public int Count { get; private set; }

    /// <summary>Bytes of memory taken.</summary>
    public long Bytes => tags.LongLength * (sizeof(ulong) + sizeof(long));

    public static ulong Tag(Guid id)
    {
        Span<byte> bytes = stackalloc byte[16];
        id.TryWriteBytes(bytes, bigEndian: true, out _);
        return KeyTable.Tag(bytes);
    }

    /// <param name="volume">Number of the volume in its unit, less than <see cref="VolumeLimit"/>.</param>
    /// <param name="offset">Where the record begins, more than 0 and less than 1 TiB.</param>
    public void Add(ulong tag, int volume, long offset)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)volume, (uint)VolumeLimit);
        if (offset is <= 0 or > OffsetMask) throw new ArgumentOutOfRangeException(nameof(offset), offset, "No record lies there.");
        if ((Count + 1L) * 5 > tags.Length * 4L) Grow();
        Insert(tag, ((long)volume << OffsetBits) | offset);
    }

    /// <summary>Steps through the places under a tag: begin with <paramref name="cursor"/> -1. The table must not change in between.</summary>
    public bool TryNext(ulong tag, ref int cursor, out int volume, out long offset)
    {
        int slot = cursor < 0 ? Home(tag) : Next(cursor);
        for (; places[slot] != 0; slot = Next(slot))
        {
            if (tags[slot] != tag) continue;
            cursor = slot;
            volume = (int)(places[slot] >>> OffsetBits);
            offset = places[slot] & OffsetMask;
            return true;
        }
        (volume, offset) = (0, 0);
        return false;
    }

    public bool Remove(ulong tag, int volume, long offset)
    {
        long place = ((long)volume << OffsetBits) | offset;
        int slot = Home(tag);
        while (places[slot] != place || tags[slot] != tag)
        {
            if (places[slot] == 0) return false;
            slot = Next(slot);
        }

        // Close the gap: whoever follows and may stand here moves up, so that no probe ever ends too early.
        int gap = slot;
        for (int at = Next(gap); places[at] != 0; at = Next(at))
        {
            int home = Home(tags[at]);
            if (((at - home) & (tags.Length - 1)) < ((at - gap) & (tags.Length - 1))) continue;
            (tags[gap], places[gap]) = (tags[at], places[at]);
            gap = at;
        }
        places[gap] = 0;
        Count--;
        return true;
    }

    /// <summary>Removes all places in a volume, at the price of looking at every slot.</summary>
    /// <returns>How many there were.</returns>
    public int RemoveVolume(int volume)
    {
        var gone = new List<(ulong Tag, long Place)>();
        for (int slot = 0; slot < places.Length; slot++)
            if (places[slot] != 0 && (int)(places[slot] >>> OffsetBits) == volume) gone.Add((tags[slot], places[slot]));
        foreach ((ulong tag, long place) in gone) Remove(tag, volume, place & OffsetMask);
        return gone.Count;
    }

    private void Insert(ulong tag, long place)
    {
        int slot = Home(tag);
        while (places[slot] != 0) slot = Next(slot);
        (tags[slot], places[slot]) = (tag, place);
        Count++;
    }

    private int Home(ulong tag) => (int)((tag * Mixer) >> 32) & (tags.Length - 1);

    private int Next(int slot) => (slot + 1) & (tags.Length - 1);

    private void Grow()
    {
        (ulong[] oldTags, long[] oldPlaces) = (tags, places);
        tags = new ulong[oldTags.Length * 2];
        places = new long[oldTags.Length * 2];
        Count = 0;
        for (int slot = 0; slot < oldTags.Length; slot++)
            if (oldPlaces[slot] != 0) Insert(oldTags[slot], oldPlaces[slot]);
    }
}
