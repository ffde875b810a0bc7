using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using MessageStore.IO;

namespace MessageStore.Archiving;

/// <summary>
/// Deflate (RFC 1951) as fast as can be: one look into a table of four-byte strings for each place, the first match taken, strides that grow where nothing matches, and for each block the shortest of
/// a code of its own, the fixed code and no compression. Memory is the same whatever is packed, and stays for the next message. Not thread-safe.
/// </summary>
/// <remarks>Matches reach back as far as the bytes of one call to <see cref="Write"/>, no farther, so nothing is kept from call to call but the bits of a byte that is not full.</remarks>
internal sealed class FastDeflate
{
    /// <summary>Bytes that get a code of their own: mail changes from text to attachments.</summary>
    private const int BlockBytes = 32 << 10;

    private const int HashBits = 13;
    private const ulong HashFactor = 0x9E37_79B9_7F4A_7C15; // 2^64 over the golden ratio

    /// <summary>Bytes that a match has at least. Deflate has shorter ones, which take longer to write than they save.</summary>
    private const int ShortestString = 5;

    private const ulong StringMask = (1UL << (8 * ShortestString)) - 1;

    /// <summary>Places without a match before the stride grows by one, as a power of two.</summary>
    private const int StrideShift = 4;

    private const int LongestStride = 32;

    /// <summary>Bytes before the end of what is there in which no match begins: reads are of eight bytes.</summary>
    private const int Tail = 12;

    private readonly int[] places = new int[1 << HashBits];
    private readonly DeflateBlock block = new(BlockBytes, BlockBytes / ShortestString);
    private int origin = DeflateSymbols.Window + 1;

    /// <summary>Packs bytes.</summary>
    /// <param name="bytes">The bytes, at most 2^30.</param>
    /// <param name="last">Whether the deflate stream ends with them. The next call begins another stream.</param>
    /// <param name="target">Gets all but the bits of a last byte that is not full.</param>
    public void Write(ReadOnlySpan<byte> bytes, bool last, PooledBuffer target)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bytes.Length, 1 << 30);
        if (origin > int.MaxValue - bytes.Length - DeflateSymbols.Window)
        {
            places.AsSpan().Clear();
            origin = DeflateSymbols.Window + 1;
        }
        int first = origin;
        origin += bytes.Length + DeflateSymbols.Window; // what is in the table then is out of the next call's reach, also where this one fails
        for (int at = 0; at < bytes.Length || (last && at == 0);)
        {
            int end = Math.Min(bytes.Length, at + BlockBytes);
            block.Begin();
            FindMatches(bytes, at, end, first);
            block.Write(bytes[at..end], last && end == bytes.Length, target);
            if (end == at) break;
            at = end;
        }
        if (last) block.Complete(target);
    }

    /// <summary>Forgets a stream that is not going to be ended.</summary>
    public void Abandon() => block.Abandon();

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void FindMatches(ReadOnlySpan<byte> bytes, int from, int end, int first)
    {
        ref byte start = ref MemoryMarshal.GetReference(bytes);
        ref int table = ref MemoryMarshal.GetArrayDataReference(places);
        int misses = 0;
        nint at = from, literals = from, searchEnd = end - Tail;
        while (at <= searchEnd)
        {
            ulong eight = Load(ref start, at);
            ref int place = ref Unsafe.Add(ref table, Hash(eight));
            nint distance = first + (int)at - place;
            place = first + (int)at;

            // One question instead of two, neither of which could be foreseen: what is out of reach is compared with itself, and does not count.
            nint back = distance <= DeflateSymbols.Window ? distance : 0;
            if (((Load(ref start, at - back) ^ eight) & StringMask | (back == 0 ? 1UL : 0UL)) != 0)
            {
                at += Math.Min(1 + (misses++ >> StrideShift), LongestStride);
                continue;
            }
            misses = 0;
            int length = ShortestString + Same(ref Unsafe.Add(ref start, at + ShortestString - distance), ref Unsafe.Add(ref start, at + ShortestString), end - (int)at - ShortestString);
            while (at > literals && at > distance && Unsafe.Add(ref start, at - 1) == Unsafe.Add(ref start, at - 1 - distance))
            {
                at--;
                length++;
            }
            length = Math.Min(length, DeflateSymbols.LongestMatch);
            block.Add(bytes.Slice((int)literals, (int)(at - literals)), length, (int)distance);
            at += length;
            literals = at;
            if (at > searchEnd) break;
            Unsafe.Add(ref table, Hash(Load(ref start, at - 2))) = first + (int)at - 2;
        }
        block.Add(bytes[(int)literals..end]);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Load(ref byte start, nint at)
    {
        ulong eight = Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref start, at));
        return BitConverter.IsLittleEndian ? eight : BinaryPrimitives.ReverseEndianness(eight);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static nint Hash(ulong eight) => (nint)(((eight << (64 - 8 * ShortestString)) * HashFactor) >> (64 - HashBits));

    /// <summary>How many bytes are the same, at most <paramref name="most"/>, all of which may be read.</summary>
    private static int Same(ref byte a, ref byte b, int most)
    {
        most = Math.Min(most, DeflateSymbols.LongestMatch - ShortestString);
        int same = 0;
        for (; same <= most - sizeof(ulong); same += sizeof(ulong))
        {
            ulong differ = Load(ref a, same) ^ Load(ref b, same);
            if (differ != 0) return same + (BitOperations.TrailingZeroCount(differ) >> 3);
        }
        while (same < most && Unsafe.Add(ref a, same) == Unsafe.Add(ref b, same)) same++;
        return same;
    }
}
