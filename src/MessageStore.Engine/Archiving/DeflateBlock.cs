using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using MessageStore.IO;

namespace MessageStore.Archiving;

/// <summary>A block of deflate (RFC 1951 §3.2.3): takes literals and matches, counts them, and writes them in the shortest of three forms. Not thread-safe.</summary>
/// <param name="mostBytes">Bytes that a block unpacks to at most: up to 65,535.</param>
/// <param name="mostMatches">Matches in a block at most.</param>
internal sealed class DeflateBlock(int mostBytes, int mostMatches)
{
    /// <summary>What a reader finds in one look into a small table. Four literals, and a match, fit into 64 bits beside the seven of a byte that is not full.</summary>
    public const int LongestCode = 12;

    private const int LongestCodeLengthCode = 7;
    private const int HeaderBits = 3;
    private const int Fixed = 1, Dynamic = 2;

    /// <summary>A write is of eight bytes, of which not all may count.</summary>
    private const int Slack = 2 * sizeof(ulong);

    /// <summary>Literals are gathered in so large pieces, of which not all may count.</summary>
    private const int CopySize = 16;

    /// <summary>Literals are counted in so many tables, so that one that comes twice in a row does not wait for itself.</summary>
    private const int CountTables = 4;

    private static readonly HuffmanCode FixedLiterals = FixedCode(288, symbol => symbol < 144 ? 8 : symbol < 256 ? 9 : symbol < 280 ? 7 : 8);
    private static readonly HuffmanCode FixedDistances = FixedCode(32, _ => 5);

    private readonly HuffmanCode literals = new(DeflateSymbols.LiteralsAndLengths, LongestCode);
    private readonly HuffmanCode distances = new(DeflateSymbols.Distances, LongestCode);
    private readonly DeflateCodeLengths lengths = new(LongestCodeLengthCode);
    private readonly int[] counts = new int[DeflateSymbols.LiteralsAndLengths];
    private readonly int[] distanceCounts = new int[DeflateSymbols.Distances];
    private readonly int[] literalCounts = new int[CountTables * DeflateSymbols.EndOfBlock];
    private readonly byte[] literalBytes = new byte[mostBytes + CopySize];
    private readonly DeflateMatch[] matches = new DeflateMatch[mostMatches + 1];
    private int literalCount;
    private int matchCount;
    private long extraBits;
    private ulong bits;
    private int bitCount;

    /// <summary>Begins a block.</summary>
    public void Begin()
    {
        counts.AsSpan().Clear();
        distanceCounts.AsSpan().Clear();
        literalCounts.AsSpan().Clear();
        (literalCount, matchCount, extraBits) = (0, 0, 0);
    }

    /// <summary>Adds bytes as they are, and behind them a repetition of earlier ones.</summary>
    /// <param name="literals">The bytes.</param>
    /// <param name="length">Length of the repetition, 3 to 258 bytes.</param>
    /// <param name="distance">How far back it begins, 1 to 32,768 bytes.</param>
    public void Add(ReadOnlySpan<byte> literals, int length, int distance)
    {
        Gather(literals);
        int lengthIndex = DeflateSymbols.LengthIndex(length), distanceSymbol = DeflateSymbols.DistanceSymbol(distance);
        counts[DeflateSymbols.LengthSymbol(lengthIndex)]++;
        distanceCounts[distanceSymbol]++;
        extraBits += DeflateSymbols.LengthExtra[lengthIndex] + DeflateSymbols.DistanceExtra[distanceSymbol];
        matches[matchCount++] = new DeflateMatch((ushort)literals.Length, (ushort)length, (ushort)(distance - 1), (byte)lengthIndex, (byte)distanceSymbol);
    }

    /// <summary>Adds bytes as they are, at the end of the block.</summary>
    public void Add(ReadOnlySpan<byte> literals)
    {
        Gather(literals);
        matches[matchCount++] = new DeflateMatch((ushort)literals.Length, 0, 0, 0, 0);
    }

    /// <summary>Writes what was added.</summary>
    /// <param name="bytes">What it unpacks to.</param>
    /// <param name="last">Whether it is the last block.</param>
    /// <param name="target">Gets all but the bits of a last byte that is not full.</param>
    public void Write(ReadOnlySpan<byte> bytes, bool last, PooledBuffer target)
    {
        CountLiterals();
        literals.Build(counts);
        distances.Build(distanceCounts);
        lengths.Build(literals.Lengths, distances.Lengths);
        long fixedCost = FixedLiterals.Cost(counts) + FixedDistances.Cost(distanceCounts) + extraBits;
        long ownCost = literals.Cost(counts) + distances.Cost(distanceCounts) + extraBits + lengths.Cost;
        long cost = HeaderBits + Math.Min(fixedCost, ownCost);
        if (8 * StoredDeflate.LengthFor(bytes.Length) < cost)
        {
            WriteStored(bytes, last, target);
            return;
        }
        var writer = new DeflateBits(target.GetSpan(checked((int)(cost / 8) + Slack)), bits, bitCount);
        bool own = ownCost < fixedCost;
        writer.Put((uint)((last ? 1 : 0) | (own ? Dynamic : Fixed) << 1), HeaderBits);
        if (own) lengths.Write(ref writer);
        Write(own ? literals.Codes : FixedLiterals.Codes, own ? distances.Codes : FixedDistances.Codes, ref writer);
        target.Advance(writer.Length);
        (bits, bitCount) = (writer.Bits, writer.Count);
    }

    /// <summary>Ends the stream at a whole byte.</summary>
    public void Complete(PooledBuffer target)
    {
        if (bitCount > 0) target.Write([(byte)bits]);
        Abandon();
    }

    /// <summary>Forgets the bits of a byte that is not full.</summary>
    public void Abandon() => (bits, bitCount) = (0, 0);

    /// <summary>Literals in one row: they are counted and written faster than piece by piece.</summary>
    private void Gather(ReadOnlySpan<byte> run)
    {
        run.CopyTo(literalBytes.AsSpan(literalCount));
        literalCount += run.Length;
    }

    private void CountLiterals()
    {
        ref int table = ref MemoryMarshal.GetArrayDataReference(literalCounts);
        ReadOnlySpan<byte> rest = literalBytes.AsSpan(0, literalCount);
        while (rest.Length >= sizeof(uint))
        {
            uint four = BinaryPrimitives.ReadUInt32LittleEndian(rest);
            Unsafe.Add(ref table, (nuint)(byte)four)++;
            Unsafe.Add(ref table, (nuint)(DeflateSymbols.EndOfBlock + (byte)(four >> 8)))++;
            Unsafe.Add(ref table, (nuint)(2 * DeflateSymbols.EndOfBlock + (byte)(four >> 16)))++;
            Unsafe.Add(ref table, (nuint)(3 * DeflateSymbols.EndOfBlock + (four >> 24)))++;
            rest = rest[sizeof(uint)..];
        }
        foreach (byte literal in rest) literalCounts[literal]++;
        for (int symbol = 0; symbol < DeflateSymbols.EndOfBlock; symbol++)
            counts[symbol] = literalCounts[symbol] + literalCounts[symbol + DeflateSymbols.EndOfBlock] + literalCounts[symbol + 2 * DeflateSymbols.EndOfBlock] + literalCounts[symbol + 3 * DeflateSymbols.EndOfBlock];
        counts[DeflateSymbols.EndOfBlock] = 1;
    }

    private void Write(uint[] literalCodes, uint[] distanceCodes, ref DeflateBits target)
    {
        DeflateBits writer = target; // a copy lives in registers
        ref uint codes = ref MemoryMarshal.GetArrayDataReference(literalCodes);
        ref byte literal = ref MemoryMarshal.GetArrayDataReference(literalBytes);
        foreach (ref readonly DeflateMatch match in matches.AsSpan(0, matchCount))
        {
            int run = match.Literals;
            uint four = Four(ref literal);
            for (; run >= 4; run -= 4)
            {
                writer.Add(Unsafe.Add(ref codes, (nuint)(byte)four));
                writer.Add(Unsafe.Add(ref codes, (nuint)(byte)(four >> 8)));
                writer.Add(Unsafe.Add(ref codes, (nuint)(byte)(four >> 16)));
                writer.Add(Unsafe.Add(ref codes, (nuint)(four >> 24)));
                writer.Flush();
                literal = ref Unsafe.Add(ref literal, 4);
                four = Four(ref literal);
            }

            // Up to three more, without a branch that nobody can foresee: what is not there has no bits.
            writer.Add(Unsafe.Add(ref codes, (nuint)(byte)four) & (uint)-((run + 3) >> 2));
            writer.Add(Unsafe.Add(ref codes, (nuint)(byte)(four >> 8)) & (uint)-((run + 2) >> 2));
            writer.Add(Unsafe.Add(ref codes, (nuint)(byte)(four >> 16)) & (uint)-((run + 1) >> 2));
            writer.Flush();
            literal = ref Unsafe.Add(ref literal, run);
            if (match.Length == 0) break;
            writer.Add(literalCodes[DeflateSymbols.LengthSymbol(match.LengthIndex)]);
            writer.Add((uint)(match.Length - DeflateSymbols.LengthBase[match.LengthIndex]), DeflateSymbols.LengthExtra[match.LengthIndex]);
            writer.Add(distanceCodes[match.DistanceSymbol]);
            writer.Add((uint)(match.Back + 1 - DeflateSymbols.DistanceBase[match.DistanceSymbol]), DeflateSymbols.DistanceExtra[match.DistanceSymbol]);
            writer.Flush();
        }
        writer.Add(literalCodes[DeflateSymbols.EndOfBlock]);
        writer.Flush();
        target = writer;
    }

    /// <summary>Four literals, of which those behind the last do not count.</summary>
    private static uint Four(ref byte at)
    {
        uint four = Unsafe.ReadUnaligned<uint>(ref at);
        return BitConverter.IsLittleEndian ? four : BinaryPrimitives.ReverseEndianness(four);
    }

    /// <summary>The three bits of the header, nothing up to the next byte, and the bytes as they are.</summary>
    private void WriteStored(ReadOnlySpan<byte> bytes, bool last, PooledBuffer target)
    {
        var writer = new DeflateBits(target.GetSpan(Slack), bits, bitCount);
        writer.Put(last ? 1u : 0, HeaderBits);
        writer.Align();
        target.Advance(writer.Length);
        (bits, bitCount) = (0, 0);
        StoredDeflate.WriteContent(bytes, target);
    }

    private static HuffmanCode FixedCode(int symbols, Func<int, int> length)
    {
        var code = new HuffmanCode(symbols, LongestCode);
        code.Build([.. Enumerable.Range(0, symbols).Select(s => (byte)length(s))]);
        return code;
    }
}
