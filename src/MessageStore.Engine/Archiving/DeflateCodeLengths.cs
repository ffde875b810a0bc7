namespace MessageStore.Archiving;

/// <summary>The head of a block with codes of its own: the lengths of both codes, run-length coded and coded once more (RFC 1951 §3.2.7). Not thread-safe.</summary>
/// <param name="limit">The longest code of the code of code lengths, 7.</param>
internal sealed class DeflateCodeLengths(int limit)
{
    private const int Repeat = 16, Zeros = 17, ManyZeros = 18;
    private const int MinimumLiterals = 257;
    private const int MinimumDistances = 1;
    private const int MinimumSent = 4;
    private const int CountBits = 5 + 5 + 4;

    private readonly HuffmanCode code = new(DeflateSymbols.CodeLengths, limit);
    private readonly int[] counts = new int[DeflateSymbols.CodeLengths];
    private readonly byte[] all = new byte[DeflateSymbols.LiteralsAndLengths + DeflateSymbols.Distances];
    private readonly (byte Symbol, byte Extra)[] sent = new (byte, byte)[DeflateSymbols.LiteralsAndLengths + DeflateSymbols.Distances];
    private int sentCount;
    private int literals;
    private int distances;
    private int ownLengths;

    /// <summary>Bits that the head takes.</summary>
    public long Cost { get; private set; }

    public void Build(ReadOnlySpan<byte> literalLengths, ReadOnlySpan<byte> distanceLengths)
    {
        literals = Math.Max(MinimumLiterals, literalLengths.LastIndexOfAnyExcept((byte)0) + 1);
        distances = Math.Max(MinimumDistances, distanceLengths.LastIndexOfAnyExcept((byte)0) + 1);
        literalLengths[..literals].CopyTo(all);
        distanceLengths[..distances].CopyTo(all.AsSpan(literals));
        counts.AsSpan().Clear();
        sentCount = 0;
        RunLengths(all.AsSpan(0, literals + distances));
        code.Build(counts);
        ownLengths = DeflateSymbols.CodeLengths;
        while (ownLengths > MinimumSent && code.Lengths[DeflateSymbols.CodeLengthOrder[ownLengths - 1]] == 0) ownLengths--;
        Cost = CountBits + 3 * ownLengths + code.Cost(counts) + 2 * counts[Repeat] + 3 * counts[Zeros] + 7 * counts[ManyZeros];
    }

    public void Write(ref DeflateBits target)
    {
        target.Put((uint)(literals - MinimumLiterals), 5);
        target.Put((uint)(distances - MinimumDistances), 5);
        target.Put((uint)(ownLengths - MinimumSent), 4);
        foreach (byte symbol in DeflateSymbols.CodeLengthOrder[..ownLengths]) target.Put(code.Lengths[symbol], 3);
        foreach ((byte symbol, byte extra) in sent.AsSpan(0, sentCount))
        {
            target.Add(code.Codes[symbol]);
            target.Put(extra, symbol switch { Repeat => 2, Zeros => 3, ManyZeros => 7, _ => 0 });
        }
    }

    private void RunLengths(ReadOnlySpan<byte> lengths)
    {
        while (!lengths.IsEmpty)
        {
            byte length = lengths[0];
            int run = lengths.IndexOfAnyExcept(length);
            if (run < 0) run = lengths.Length;
            lengths = lengths[run..];
            if (length != 0)
            {
                Send(length, 0);
                run--;
            }
            while (run > 0)
            {
                int taken = 1;
                if (length == 0 && run >= 11) Send(ManyZeros, (taken = Math.Min(run, 138)) - 11);
                else if (length == 0 && run >= 3) Send(Zeros, (taken = run) - 3);
                else if (run >= 3) Send(Repeat, (taken = Math.Min(run, 6)) - 3);
                else Send(length, 0);
                run -= taken;
            }
        }
    }

    private void Send(byte symbol, int extra)
    {
        sent[sentCount++] = (symbol, (byte)extra);
        counts[symbol]++;
    }
}
