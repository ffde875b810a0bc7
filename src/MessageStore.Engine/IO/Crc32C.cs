using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace MessageStore.IO;

/// <summary>CRC-32C (Castagnoli, RFC 3720 §12.1), by the processor's instruction where it has one.</summary>
internal static class Crc32C
{
    /// <summary>The checksum of <paramref name="data"/> from a start value, 0 for none; calls chain.</summary>
    public static uint Compute(ReadOnlySpan<byte> data, uint seed = 0)
    {
        uint crc = ~seed;
        ref byte start = ref MemoryMarshal.GetReference(data);
        int length = data.Length;
        int index = 0;
        for (; index <= length - sizeof(ulong); index += sizeof(ulong))
            crc = BitOperations.Crc32C(crc, Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref start, index)));
        for (; index < length; index++)
            crc = BitOperations.Crc32C(crc, Unsafe.Add(ref start, index));
        return ~crc;
    }
}
