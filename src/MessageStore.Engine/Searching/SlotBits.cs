using System.Numerics;

namespace MessageStore.Searching;

/// <summary>One bit for each slot of the store's index. Slots beyond what was ever set are clear. Not thread-safe.</summary>
internal sealed class SlotBits
{
    private const int WordBits = 64;

    private ulong[] words = new ulong[16];

    public bool this[int slot] => slot / WordBits < words.Length && (words[slot / WordBits] & (1UL << (slot % WordBits))) != 0;

    public void Set(int slot)
    {
        int word = slot / WordBits;
        if (word >= words.Length) Array.Resize(ref words, Math.Max(words.Length * 2, word + 1));
        words[word] |= 1UL << (slot % WordBits);
    }

    public void Clear(int slot)
    {
        int word = slot / WordBits;
        if (word < words.Length) words[word] &= ~(1UL << (slot % WordBits));
    }

    /// <summary>A copy with the bits that are set here or there.</summary>
    public SlotBits Or(SlotBits other)
    {
        var result = new SlotBits { words = new ulong[Math.Max(words.Length, other.words.Length)] };
        words.CopyTo(result.words, 0);
        for (int i = 0; i < other.words.Length; i++) result.words[i] |= other.words[i];
        return result;
    }

    public void Reset() => Array.Clear(words);

    /// <summary>How many slots below a limit are clear.</summary>
    public int CountClear(int limit)
    {
        int set = 0;
        int whole = Math.Min(limit / WordBits, words.Length);
        for (int i = 0; i < whole; i++) set += BitOperations.PopCount(words[i]);
        if (limit % WordBits != 0 && whole < words.Length && whole == limit / WordBits) set += BitOperations.PopCount(words[whole] & ((1UL << (limit % WordBits)) - 1));
        return limit - set;
    }

    /// <summary>The first clear slot at or after one, below a limit; -1 where there is none.</summary>
    public int NextClear(int slot, int limit)
    {
        while (slot < limit)
        {
            int word = slot / WordBits;
            if (word >= words.Length) return slot;
            ulong clear = ~words[word] >> (slot % WordBits);
            if (clear != 0)
            {
                slot += BitOperations.TrailingZeroCount(clear);
                return slot < limit ? slot : -1;
            }
            slot = (word + 1) * WordBits;
        }
        return -1;
    }
}
