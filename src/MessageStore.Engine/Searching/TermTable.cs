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

    /// <summary>The number of a term, which is added where it is new.</summary>
    public int Add(ReadOnlySpan<byte> term)
    {
        uint hash = Hash(term);
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
