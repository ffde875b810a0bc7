using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace MessageStore.Searching;

/// <summary>
/// Numbers for terms, dense from 0 in order of first mention: open addressing over an arena of bytes, no object per term. Not thread-safe.
/// </summary>
internal sealed class TermTable
{
    /// <summary>Longest term, in bytes of UTF-8.</summary>
    public const int TermLimit = 3 * WordBreaker.WordLimit;

    private const int SmallestTable = 1 << 12;

    private int[] table = new int[SmallestTable];
    private Term[] terms = new Term[SmallestTable / 2];
    private byte[] arena = new byte[SmallestTable * 8];
    private int arenaLength;

    public int Count { get; private set; }

    /// <summary>Bytes of memory, near enough.</summary>
    public long Bytes => arena.Length + table.Length * (long)sizeof(int) + terms.Length * (long)Marshal.SizeOf<Term>();

    public ReadOnlySpan<byte> this[int number] => arena.AsSpan(terms[number].Start, terms[number].Length);

    /// <summary>The number of a term; -1 where it was never added.</summary>
    public int Find(ReadOnlySpan<byte> term)
    {
        uint hash = Hash(term);
        int mask = table.Length - 1;
        for (int position = (int)hash & mask; table[position] != 0; position = (position + 1) & mask)
        {
            int number = table[position] - 1;
            if (terms[number].Hash == hash && this[number].SequenceEqual(term)) return number;
        }
        return -1;
    }

    /// <summary>The hash of a term that is there: of use in another table.</summary>
    public uint HashOf(int number) => terms[number].Hash;

    /// <summary>The number of a term, which is added where it is new.</summary>
    public int Add(ReadOnlySpan<byte> term) => Add(term, Hash(term));

    /// <inheritdoc cref="Add(ReadOnlySpan{byte})"/>
    /// <param name="term">The term.</param>
    /// <param name="hash">Its <see cref="HashOf"/> from another table.</param>
    public int Add(ReadOnlySpan<byte> term, uint hash)
    {
        int mask = table.Length - 1;
        int position = (int)hash & mask;
        for (; table[position] != 0; position = (position + 1) & mask)
        {
            int found = table[position] - 1;
            if (terms[found].Hash == hash && this[found].SequenceEqual(term)) return found;
        }
        if (arena.Length - arenaLength < term.Length) Array.Resize(ref arena, arena.Length * 2);
        if (Count == terms.Length) Array.Resize(ref terms, terms.Length * 2);
        term.CopyTo(arena.AsSpan(arenaLength));
        terms[Count] = new Term(arenaLength, hash, (byte)term.Length);
        arenaLength += term.Length;
        table[position] = ++Count;
        if (Count * 2 > table.Length) Grow();
        return Count - 1;
    }

    /// <summary>The numbers of all terms in the order of their bytes.</summary>
    public int[] InOrder()
    {
        int[] order = new int[Count];
        ulong[] keys = new ulong[Count];
        for (int number = 0; number < Count; number++)
        {
            order[number] = number;
            keys[number] = KeyOf(this[number]);
        }
        // Eight bytes tell most terms apart, and numbers are sorted without a look at the arena.
        Array.Sort(keys, order);
        for (int start = 0, end; start < Count; start = end)
        {
            for (end = start + 1; end < Count && keys[end] == keys[start];) end++;
            if (end - start > 1) order.AsSpan(start, end - start).Sort((a, b) => this[a].SequenceCompareTo(this[b]));
        }
        return order;
    }

    /// <summary>Forgets all terms and keeps the memory.</summary>
    public void Clear()
    {
        Array.Clear(table);
        Count = arenaLength = 0;
    }

    private void Grow()
    {
        int[] larger = new int[table.Length * 2];
        int mask = larger.Length - 1;
        for (int number = 0; number < Count; number++)
        {
            int position = (int)terms[number].Hash & mask;
            while (larger[position] != 0) position = (position + 1) & mask;
            larger[position] = number + 1;
        }
        table = larger;
    }

    /// <summary>The first eight bytes as a number that orders as they do, zeros behind a shorter term.</summary>
    private static ulong KeyOf(ReadOnlySpan<byte> term)
    {
        if (term.Length >= sizeof(ulong)) return BinaryPrimitives.ReadUInt64BigEndian(term);
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        bytes.Clear();
        term.CopyTo(bytes);
        return BinaryPrimitives.ReadUInt64BigEndian(bytes);
    }

    private static uint Hash(ReadOnlySpan<byte> term)
    {
        ulong hash = (ulong)term.Length * 0x9E37_79B9_7F4A_7C15;
        for (; term.Length >= sizeof(ulong); term = term[sizeof(ulong)..]) hash = Mix(hash ^ BinaryPrimitives.ReadUInt64LittleEndian(term));
        ulong rest = 0;
        foreach (byte b in term) rest = (rest << 8) | b;
        hash = Mix(hash ^ rest);
        return (uint)(hash >> 32);
    }

    private static ulong Mix(ulong value)
    {
        value *= 0xFF51_AFD7_ED55_8CCD;
        return value ^ (value >> 32);
    }

    private readonly record struct Term(int Start, uint Hash, byte Length);
}
