namespace MessageStore.Archiving;

/// <summary>A prefix code of deflate (RFC 1951 §3.2.2): shortest code lengths for what was counted, none above a limit, and the bits as deflate sends them.</summary>
/// <remarks>
/// Lengths by A. Moffat and J. Katajainen, "In-Place Calculation of Minimum-Redundancy Codes" (1995): linear behind a sort, in one array. Where a code is too long, it is cut to the limit and
/// shorter ones are lengthened until the code is complete again; that is not always the best code of that limit, but within a bit or two of a block.
/// </remarks>
/// <param name="symbols">Size of the alphabet, at most 512.</param>
/// <param name="limit">The longest code in bits, 1 to 15.</param>
internal sealed class HuffmanCode(int symbols, int limit)
{
    /// <summary>A symbol shares a number with its count while both are sorted.</summary>
    private const int SymbolBits = 9;

    private readonly uint[] order = new uint[symbols];
    private readonly int[] nodes = new int[symbols];
    private readonly ushort[] used = new ushort[symbols];
    private int usedCount;
    private readonly int[] perLength = new int[64];
    private readonly int[] next = new int[16];

    /// <summary>For each symbol the length of its code in bits, 0 for one that does not occur.</summary>
    public byte[] Lengths { get; } = new byte[symbols];

    /// <summary>For each symbol that occurs its code, first bit lowest, above <see cref="LengthMask"/>, and its length below.</summary>
    public uint[] Codes { get; } = new uint[symbols];

    /// <summary>The bits of an entry of <see cref="Codes"/> that are its length.</summary>
    public const uint LengthMask = 0xFF;

    /// <summary>How far the code of an entry of <see cref="Codes"/> is shifted.</summary>
    public const int CodeShift = 8;

    /// <summary>Makes the code.</summary>
    /// <param name="counts">How often each symbol occurs: below 2^22 each.</param>
    public void Build(ReadOnlySpan<int> counts)
    {
        Lengths.AsSpan().Clear();
        usedCount = 0;
        for (int symbol = 0; symbol < counts.Length; symbol++)
        {
            if (counts[symbol] == 0) continue;
            order[usedCount] = (uint)(counts[symbol] << SymbolBits | symbol);
            used[usedCount++] = (ushort)symbol;
        }
        if (usedCount > 0) Measure(order.AsSpan(0, usedCount));
        Assign();
    }

    /// <summary>Makes the code of known lengths, none of them 0.</summary>
    public void Build(ReadOnlySpan<byte> lengths)
    {
        lengths.CopyTo(Lengths);
        usedCount = lengths.Length;
        for (int symbol = 0; symbol < usedCount; symbol++) used[symbol] = (ushort)symbol;
        Assign();
    }

    /// <summary>Bits that so many of each symbol take.</summary>
    public long Cost(ReadOnlySpan<int> counts)
    {
        long bits = 0;
        for (int symbol = 0; symbol < counts.Length; symbol++) bits += (long)counts[symbol] * Lengths[symbol];
        return bits;
    }

    private void Measure(Span<uint> sorted)
    {
        perLength.AsSpan().Clear();
        if (sorted.Length == 1)
        {
            Lengths[SymbolOf(sorted[0])] = 1;
            return;
        }
        sorted.Sort();
        Span<int> depths = nodes.AsSpan(0, sorted.Length);
        for (int i = 0; i < depths.Length; i++) depths[i] = (int)(sorted[i] >> SymbolBits);
        CountDepths(depths);
        KeepLimit();
        int at = sorted.Length;
        for (int length = 1; length <= limit; length++)
            for (int n = perLength[length]; n > 0; n--) Lengths[SymbolOf(sorted[--at])] = (byte)length;
    }

    /// <summary>Turns ascending weights into how many leaves the tree has at each depth.</summary>
    private void CountDepths(Span<int> tree)
    {
        int count = tree.Length;

        // Weights become parents: whatever two are lightest, leaf or inner node, are put together.
        int root = 0, leaf = 0;
        for (int node = 0; node < count - 1; node++)
        {
            int weight = 0;
            for (int child = 0; child < 2; child++)
            {
                if (leaf >= count || (root < node && tree[root] < tree[leaf]))
                {
                    weight += tree[root];
                    tree[root++] = node;
                }
                else
                {
                    weight += tree[leaf++];
                }
            }
            tree[node] = weight;
        }

        // Parents become depths of inner nodes.
        tree[count - 2] = 0;
        for (int node = count - 3; node >= 0; node--) tree[node] = tree[tree[node]] + 1;

        // What is not an inner node at a depth is a leaf there.
        int places = 1, inner = count - 2;
        for (int depth = 0; places > 0; depth++)
        {
            int nodesHere = 0;
            while (inner >= 0 && tree[inner] == depth)
            {
                nodesHere++;
                inner--;
            }
            perLength[depth] = places - nodesHere;
            places = 2 * nodesHere;
        }
    }

    private void KeepLimit()
    {
        int tooLong = 0;
        for (int length = limit + 1; length < perLength.Length; length++) tooLong += perLength[length];
        if (tooLong == 0) return;
        perLength[limit] += tooLong;
        int taken = 0;
        for (int length = 1; length <= limit; length++) taken += perLength[length] << (limit - length);
        for (; taken > 1 << limit; taken--)
        {
            // One of the longest takes the place beside a shorter one that moves a bit down.
            int shorter = limit - 1;
            while (perLength[shorter] == 0) shorter--;
            perLength[limit]--;
            perLength[shorter]--;
            perLength[shorter + 1] += 2;
        }
    }

    /// <summary>Codes of a length are consecutive numbers in the order of symbols (RFC 1951 §3.2.2), sent with the highest bit first.</summary>
    private void Assign()
    {
        ReadOnlySpan<ushort> symbolsUsed = used.AsSpan(0, usedCount);
        Span<int> counts = stackalloc int[16];
        counts.Clear();
        foreach (ushort symbol in symbolsUsed) counts[Lengths[symbol]]++;
        for (int length = 1; length < next.Length; length++) next[length] = (next[length - 1] + counts[length - 1]) << 1;
        foreach (ushort symbol in symbolsUsed)
        {
            int length = Lengths[symbol];
            Codes[symbol] = Reverse((uint)next[length]++, length) << CodeShift | (uint)length;
        }
    }

    private static uint Reverse(uint code, int length)
    {
        code = (code & 0x5555) << 1 | (code >> 1 & 0x5555);
        code = (code & 0x3333) << 2 | (code >> 2 & 0x3333);
        code = (code & 0x0F0F) << 4 | (code >> 4 & 0x0F0F);
        code = (code & 0x00FF) << 8 | (code >> 8 & 0x00FF);
        return code >> (16 - length);
    }

    private static int SymbolOf(uint sorted) => (int)(sorted & ((1 << SymbolBits) - 1));
}
