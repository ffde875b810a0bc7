using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace MessageStore.Archiving;

/// <summary>Bits on their way into bytes, the first in the lowest place (RFC 1951 §3.1.1).</summary>
/// <param name="target">Where whole bytes go: eight bytes longer than what is written.</param>
/// <param name="bits">Bits that were left over.</param>
/// <param name="count">How many, up to 7.</param>
internal ref struct DeflateBits(Span<byte> target, ulong bits, int count)
{
    private readonly Span<byte> target = target;

    /// <summary>Bits that do not fill a byte, after <see cref="Flush"/>.</summary>
    public ulong Bits { get; private set; } = bits;

    /// <summary>How many there are.</summary>
    public int Count { get; private set; } = count;

    /// <summary>Bytes written.</summary>
    public int Length { get; private set; }

    /// <summary>Adds an entry of <see cref="HuffmanCode.Codes"/>. At most 57 bits may be added before <see cref="Flush"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Add(uint code)
    {
        Bits |= (ulong)(code >> HuffmanCode.CodeShift) << Count;
        Count += (int)(code & HuffmanCode.LengthMask);
    }

    /// <inheritdoc cref="Add(uint)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Add(uint value, int length)
    {
        Bits |= (ulong)value << Count;
        Count += length;
    }

    /// <summary>Adds bits and writes whole bytes.</summary>
    public void Put(uint value, int length)
    {
        Add(value, length);
        Flush();
    }

    /// <summary>Writes whole bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Flush()
    {
        BinaryPrimitives.WriteUInt64LittleEndian(target[Length..], Bits);
        Length += Count >> 3;
        Bits >>= Count & ~7;
        Count &= 7;
    }

    /// <summary>Fills the byte that is not full with zeros.</summary>
    public void Align()
    {
        Count = (Count + 7) & ~7;
        Flush();
    }
}
