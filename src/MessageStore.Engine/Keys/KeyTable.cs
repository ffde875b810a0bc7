using System.Buffers.Binary;

namespace MessageStore.Keys;

/// <summary>
/// From a message's Id to where its keys lie in the journal: 12 bytes a slot, 15 to 30 bytes a key. Open addressing with linear probing; an Id with
/// several keys takes several slots. Holds a 64-bit tag instead of the Id, so a hit is to be confirmed against the journal. Not thread-safe.
/// </summary>
internal sealed class KeyTable
{
    /// <summary>Positions count units of this many bytes, so that 32 bits reach 32 GiB.</summary>
    public const int Unit = 8;

    private const int SmallestCapacity = 64;
    private const ulong Mixer = 0x9E37_79B9_7F4A_7C15;

    private ulong[] tags = new ulong[SmallestCapacity];
    private uint[] positions = new uint[SmallestCapacity]; // 0: free; no key lies at the start of a journal

    public int Count { get; private set; }

    /// <summary>Bytes of memory taken.</summary>
    public long Bytes => (long)tags.Length * (sizeof(ulong) + sizeof(uint));

    /// <summary>The tag of an Id in RFC 9562 byte order. The last 62 bits of a UUIDv7 are random already.</summary>
    public static ulong Tag(ReadOnlySpan<byte> id) =>
        (BinaryPrimitives.ReadUInt64BigEndian(id) * Mixer) ^ BinaryPrimitives.ReadUInt64BigEndian(id[8..]);

    public void Add(ulong tag, uint position)
    {
        ArgumentOutOfRangeException.ThrowIfZero(position);
        if ((Count + 1L) * 5 > tags.Length * 4L) Grow();
        int slot = Home(tag);
        while (positions[slot] != 0) slot = Next(slot);
        (tags[slot], positions[slot]) = (tag, position);
        Count++;
    }

    /// <summary>
    /// Steps through the positions under a tag: begin with <paramref name="cursor"/> -1. The table must not change in between.
    /// </summary>
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

    public bool Contains(ulong tag, uint position)
    {
        int cursor = -1;
        while (TryNext(tag, ref cursor, out uint candidate))
            if (candidate == position) return true;
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
            if (((at - home) & (tags.Length - 1)) < ((at - gap) & (tags.Length - 1))) continue;
            (tags[gap], positions[gap]) = (tags[at], positions[at]);
            gap = at;
        }
        positions[gap] = 0;
        Count--;
        return true;
    }

    private int Home(ulong tag) => (int)((tag * Mixer) >> 32) & (tags.Length - 1);

    private int Next(int slot) => (slot + 1) & (tags.Length - 1);

    private void Grow()
    {
        (ulong[] oldTags, uint[] oldPositions) = (tags, positions);
        tags = new ulong[oldTags.Length * 2];
        positions = new uint[oldTags.Length * 2];
        Count = 0;
        for (int slot = 0; slot < oldTags.Length; slot++)
            if (oldPositions[slot] != 0) Add(oldTags[slot], oldPositions[slot]);
    }
}
