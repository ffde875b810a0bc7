using System.Text;

namespace MessageStore.Storage;

/// <summary>
/// Hashes that add up to the state digest of a group. They guard against loss, damage and our own mistakes, not against an adversary, who
/// is kept out by the SHA-256 that is among what they cover.
/// </summary>
internal static class StateDigest
{
    private const ulong Prime1 = 0x9E37_79B1_85EB_CA87;
    private const ulong Prime2 = 0xC2B2_AE3D_27D4_EB4F;

    /// <summary>The finalizer of MurmurHash3: every input bit reaches every output bit.</summary>
    public static ulong Scramble(ulong value)
    {
        value ^= value >> 33;
        value *= 0xFF51_AFD7_ED55_8CCD;
        value ^= value >> 33;
        value *= 0xC4CE_B9FE_1A85_EC53;
        return value ^ (value >> 33);
    }

    public static UInt128 Mix(UInt128Bytes first, UInt128Bytes second, ulong third, ulong fourth)
    {
        ulong low = Prime1, high = Prime2;
        ReadOnlySpan<ulong> words = [first.Low, first.High, second.Low, second.High, third, fourth];
        foreach (ulong word in words)
        {
            low = Scramble(low ^ word) + high;
            high = Scramble(high + word * Prime2) ^ low;
        }
        return new UInt128(Scramble(high), Scramble(low));
    }

    /// <summary>The share of a record.</summary>
    public static UInt128 OfRecord(ReadOnlySpan<byte> encoded)
    {
        ulong hash = Prime2;
        foreach (byte b in encoded) hash = Scramble(hash ^ b);
        return Mix(UInt128Bytes.Read(encoded), new UInt128Bytes(hash, (ulong)encoded.Length), Prime2, Prime1);
    }

    /// <summary>The share of a message that a record names.</summary>
    public static UInt128 OfMember(UInt128Bytes record, UInt128Bytes message) => Mix(record, message, Prime2, Prime2);

    /// <summary>The share of a mailbox (<paramref name="folder"/> 0xFFFF) or folder name.</summary>
    public static UInt128 OfName(int mailbox, ushort folder, string name)
    {
        ulong hash = Prime1;
        foreach (byte b in Encoding.UTF8.GetBytes(name)) hash = Scramble(hash ^ b);
        return Mix(new UInt128Bytes(hash, (ulong)name.Length), new UInt128Bytes((ulong)(uint)mailbox, folder), Prime1, Prime2);
    }
}
