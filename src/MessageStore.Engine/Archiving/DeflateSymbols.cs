namespace MessageStore.Archiving;

/// <summary>The alphabets of deflate (RFC 1951 §3.2.5 to §3.2.7): what stands for which length and distance, and how many bits follow it.</summary>
internal static class DeflateSymbols
{
    public const int EndOfBlock = 256;

    /// <summary>Literals, the end of a block, and lengths.</summary>
    public const int LiteralsAndLengths = 286;

    public const int Distances = 30;

    /// <summary>The alphabet in which the code lengths of the other two are sent.</summary>
    public const int CodeLengths = 19;

    public const int ShortestMatch = 3;
    public const int LongestMatch = 258;

    /// <summary>The farthest distance of a match in bytes.</summary>
    public const int Window = 32 << 10;

    private const int FirstLength = EndOfBlock + 1;

    /// <summary>Distances up to this have a table entry each, longer ones one in <c>1 &lt;&lt; <see cref="FarShift"/></c>.</summary>
    private const int Near = 256;

    private const int FarShift = 7;

    private static readonly byte[] LengthSymbols = MakeLengths();
    private static readonly byte[] DistanceSymbols = MakeDistances();

    /// <summary>The order in which lengths of the code length code are sent.</summary>
    public static ReadOnlySpan<byte> CodeLengthOrder => [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

    /// <summary>Bits that follow a length symbol, from <see cref="EndOfBlock"/> + 1 on.</summary>
    public static ReadOnlySpan<byte> LengthExtra => [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];

    /// <summary>The shortest match of a length symbol, from <see cref="EndOfBlock"/> + 1 on.</summary>
    public static ReadOnlySpan<ushort> LengthBase => [3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258];

    /// <summary>Bits that follow a distance symbol.</summary>
    public static ReadOnlySpan<byte> DistanceExtra => [0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13];

    /// <summary>The shortest distance of a distance symbol.</summary>
    public static ReadOnlySpan<ushort> DistanceBase =>
        [1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577];

    /// <summary>Index of a length's symbol behind <see cref="EndOfBlock"/> + 1; for lengths of 3 to 258.</summary>
    public static int LengthIndex(int length) => LengthSymbols[length - ShortestMatch];

    /// <summary>Symbol of a distance of 1 to 32,768.</summary>
    public static int DistanceSymbol(int distance) => DistanceSymbols[distance <= Near ? distance - 1 : Near + ((distance - 1) >> FarShift)];

    /// <summary>The symbol of an index that <see cref="LengthIndex"/> gave.</summary>
    public static int LengthSymbol(int index) => FirstLength + index;

    private static byte[] MakeLengths()
    {
        var symbols = new byte[LongestMatch - ShortestMatch + 1];
        for (int index = 0; index < LengthBase.Length; index++) symbols.AsSpan(LengthBase[index] - ShortestMatch).Fill((byte)index);
        return symbols;
    }

    private static byte[] MakeDistances()
    {
        var symbols = new byte[Near + (Window >> FarShift)];
        for (int symbol = 0; symbol < Distances; symbol++)
        {
            int first = DistanceBase[symbol] - 1;
            if (first < Near) symbols.AsSpan(first, Near - first).Fill((byte)symbol);
            else symbols.AsSpan(Near + (first >> FarShift)).Fill((byte)symbol);
        }
        return symbols;
    }
}
