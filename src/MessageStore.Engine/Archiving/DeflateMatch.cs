namespace MessageStore.Archiving;

/// <summary>Bytes as they are, and behind them a repetition of earlier ones.</summary>
/// <param name="Literals">The number of bytes before the repetition.</param>
/// <param name="Length">Its length, 3 to 258 bytes; 0 for none, at the end of a block.</param>
/// <param name="Back">How far back it begins, in bytes, less one: 0 to 32,767.</param>
/// <param name="LengthIndex">What <see cref="DeflateSymbols.LengthIndex"/> says of the length.</param>
/// <param name="DistanceSymbol">What <see cref="DeflateSymbols.DistanceSymbol"/> says of the distance.</param>
internal readonly record struct DeflateMatch(ushort Literals, ushort Length, ushort Back, byte LengthIndex, byte DistanceSymbol);
