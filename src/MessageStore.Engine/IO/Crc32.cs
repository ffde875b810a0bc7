using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using ArmCrc32 = System.Runtime.Intrinsics.Arm.Crc32;

namespace MessageStore.IO;

/// <summary>
/// CRC-32 (IEEE 802.3, reflected polynomial EDB88320), the checksum of gzip members (RFC 1952 §8). Carry-less multiplication folds 64
/// bytes at a time where the processor has it, eight table look-ups a round do elsewhere.
/// </summary>
/// <remarks>
/// Folding: the remainder of a message does not change when a block is replaced by anything congruent to it modulo the polynomial, so 128
/// bits are multiplied by x^n mod P and added to the bits that lie n further on (V. Gopal et al., "Fast CRC Computation for Generic
/// Polynomials Using PCLMULQDQ Instruction", Intel 2009). What is left after folding, 16 bytes, goes through the tables.
/// </remarks>
internal static class Crc32
{
    private const uint Polynomial = 0xEDB88320;
    private const int LaneSize = 16;
    private const int BlockSize = 4 * LaneSize;

    // x^(n+32), x^(n-32) mod P, reflected, for a distance n of one block (512 bits) and of one lane (128 bits).
    private static readonly Vector128<ulong> FoldBlock = Vector128.Create(0x1_5444_2BD4UL, 0x1_C6E4_1596UL);
    private static readonly Vector128<ulong> FoldLane = Vector128.Create(0x1_7519_97D0UL, 0x0_CCAA_009EUL);

    /// <summary>Row k, column b: the checksum of byte b followed by k zero bytes.</summary>
    private static readonly uint[] Tables = MakeTables();

    /// <summary>The checksum of <paramref name="data"/> from a start value, 0 for none; calls chain.</summary>
    public static uint Compute(ReadOnlySpan<byte> data, uint seed = 0)
    {
        if (Pclmulqdq.IsSupported && data.Length >= BlockSize) return ~Fold(data, ~seed);
        if (ArmCrc32.Arm64.IsSupported) return ~ByInstruction(data, ~seed);
        return ~ByTables(data, ~seed);
    }

    /// <summary>The same by tables only; for the test that compares both.</summary>
    internal static uint ComputeByTables(ReadOnlySpan<byte> data, uint seed = 0) => ~ByTables(data, ~seed);

    private static uint Fold(ReadOnlySpan<byte> data, uint crc)
    {
        ref byte source = ref MemoryMarshal.GetReference(data);
        Vector128<ulong> a = Load(ref source, 0) ^ Vector128.CreateScalar((ulong)crc);
        Vector128<ulong> b = Load(ref source, LaneSize);
        Vector128<ulong> c = Load(ref source, 2 * LaneSize);
        Vector128<ulong> d = Load(ref source, 3 * LaneSize);
        int at = BlockSize;
        for (; at <= data.Length - BlockSize; at += BlockSize)
        {
            a = Multiply(a, FoldBlock) ^ Load(ref source, at);
            b = Multiply(b, FoldBlock) ^ Load(ref source, at + LaneSize);
            c = Multiply(c, FoldBlock) ^ Load(ref source, at + 2 * LaneSize);
            d = Multiply(d, FoldBlock) ^ Load(ref source, at + 3 * LaneSize);
        }
        a = Multiply(a, FoldLane) ^ b;
        a = Multiply(a, FoldLane) ^ c;
        a = Multiply(a, FoldLane) ^ d;
        for (; at <= data.Length - LaneSize; at += LaneSize) a = Multiply(a, FoldLane) ^ Load(ref source, at);

        Span<byte> rest = stackalloc byte[LaneSize];
        a.AsByte().CopyTo(rest);
        return ByTables(data[at..], ByTables(rest, 0));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<ulong> Load(ref byte source, int at) => Vector128.LoadUnsafe(ref source, (nuint)at).AsUInt64();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<ulong> Multiply(Vector128<ulong> value, Vector128<ulong> by) =>
        Pclmulqdq.CarrylessMultiply(value, by, 0x00) ^ Pclmulqdq.CarrylessMultiply(value, by, 0x11);

    private static uint ByInstruction(ReadOnlySpan<byte> data, uint crc)
    {
        while (data.Length >= sizeof(ulong))
        {
            crc = ArmCrc32.Arm64.ComputeCrc32(crc, BinaryPrimitives.ReadUInt64LittleEndian(data));
            data = data[sizeof(ulong)..];
        }
        foreach (byte value in data) crc = ArmCrc32.ComputeCrc32(crc, value);
        return crc;
    }

    private static uint ByTables(ReadOnlySpan<byte> data, uint crc)
    {
        ReadOnlySpan<uint> t = Tables;
        while (data.Length >= 8)
        {
            uint low = BinaryPrimitives.ReadUInt32LittleEndian(data) ^ crc;
            uint high = BinaryPrimitives.ReadUInt32LittleEndian(data[4..]);
            crc = t[0x700 + (int)(low & 0xFF)] ^ t[0x600 + (int)((low >> 8) & 0xFF)]
                ^ t[0x500 + (int)((low >> 16) & 0xFF)] ^ t[0x400 + (int)(low >> 24)]
                ^ t[0x300 + (int)(high & 0xFF)] ^ t[0x200 + (int)((high >> 8) & 0xFF)]
                ^ t[0x100 + (int)((high >> 16) & 0xFF)] ^ t[(int)(high >> 24)];
            data = data[8..];
        }
        foreach (byte value in data) crc = (crc >> 8) ^ t[(int)((crc ^ value) & 0xFF)];
        return crc;
    }

    private static uint[] MakeTables()
    {
        var tables = new uint[8 * 256];
        for (uint value = 0; value < 256; value++)
        {
            uint crc = value;
            for (int bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ (Polynomial & (0u - (crc & 1)));
            tables[value] = crc;
        }
        for (int at = 256; at < tables.Length; at++) tables[at] = (tables[at - 256] >> 8) ^ tables[tables[at - 256] & 0xFF];
        return tables;
    }
}
