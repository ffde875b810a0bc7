namespace MessageStore.Searching;

/// <summary>Whole numbers in seven bits a byte, the lowest first, the highest bit set on all bytes but the last.</summary>
internal static class Varint
{
    /// <summary>Longest one of 64 bits, in bytes.</summary>
    public const int Longest = 10;

    public static int Write(Span<byte> destination, ulong value)
    {
        int length = 0;
        for (; value >= 0x80; value >>= 7) destination[length++] = (byte)(value | 0x80);
        destination[length++] = (byte)value;
        return length;
    }

    /// <exception cref="FormatException">The number does not end.</exception>
    public static ulong Read(ReadOnlySpan<byte> source, ref int at)
    {
        ulong value = 0;
        for (int shift = 0; shift < 64; shift += 7)
        {
            if ((uint)at >= (uint)source.Length) break;
            byte b = source[at++];
            value |= (ulong)(b & 0x7F) << shift;
            if (b < 0x80) return value;
        }
        throw new FormatException("A number does not end.");
    }

    /// <exception cref="FormatException">The number does not end, or is more than an index can be.</exception>
    public static int ReadInt(ReadOnlySpan<byte> source, ref int at)
    {
        if ((uint)at < (uint)source.Length && source[at] < 0x80) return source[at++];
        ulong value = Read(source, ref at);
        return value <= int.MaxValue ? (int)value : throw new FormatException("A number is too large.");
    }
}
