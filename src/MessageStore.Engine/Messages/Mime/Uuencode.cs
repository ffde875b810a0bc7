using System.Buffers;

namespace MessageStore.Messages.Mime;

/// <summary>Uuencoded files, as they stand in the middle of old mail: <c>begin 644 name</c>, lines of up to 45 bytes, <c>end</c> (POSIX, <c>uuencode</c>).</summary>
internal static class Uuencode
{
    private const int FirstCharacter = 0x20;
    private const int LastCharacter = 0x60;

    /// <summary>How many characters more than it needs a line may have (a checksum, a pad).</summary>
    private const int Spare = 3;

    private static readonly SearchValues<byte> Octal = SearchValues.Create("01234567"u8);

    /// <summary>Whether a line begins a file.</summary>
    public static bool TryBegin(ReadOnlySpan<byte> line, out string name)
    {
        name = "";
        if (!line.StartsWith("begin "u8)) return false;
        ReadOnlySpan<byte> rest = line[6..].TrimEnd(" \t\r\n"u8);
        int digits = rest.IndexOfAnyExcept(Octal);
        if (digits is < 3 or > 4 || rest[digits] != (byte)' ' || rest.Length == digits + 1) return false;
        name = MailCharsets.DecodeUnlabelled(rest[(digits + 1)..]);
        return true;
    }

    /// <summary>Whether a line, without its end, can be one of a file's, as long as it says.</summary>
    public static bool IsLine(ReadOnlySpan<byte> line)
    {
        if (line.IsEmpty || line[0] is <= FirstCharacter or > LastCharacter) return false;
        int length = (line[0] - FirstCharacter) & 63;
        int characters = (length + 2) / 3 * 4;
        if (line.Length > 1 + characters + Spare || line[1..].ContainsAnyExceptInRange((byte)FirstCharacter, (byte)LastCharacter)) return false;
        // Spaces at the end may have been lost on the way; more than that is no line of ours.
        return line.Length - 1 >= characters - Spare || length == 0;
    }

    public static bool IsEnd(ReadOnlySpan<byte> line) => line.TrimEnd(" \t\r\n"u8).SequenceEqual("end"u8);

    /// <summary>Decodes a line without its end; what is no line gives nothing.</summary>
    public static int Decode(ReadOnlySpan<byte> line, Span<byte> output)
    {
        if (!IsLine(line)) return 0;
        int length = (line[0] - FirstCharacter) & 63;
        int written = 0;
        for (int at = 1; written < length; at += 4)
        {
            int bits = (Value(line, at) << 18) | (Value(line, at + 1) << 12) | (Value(line, at + 2) << 6) | Value(line, at + 3);
            for (int shift = 16; shift >= 0 && written < length; shift -= 8) output[written++] = (byte)(bits >> shift);
        }
        return written;
    }

    private static int Value(ReadOnlySpan<byte> line, int at) => at < line.Length ? (line[at] - FirstCharacter) & 63 : 0;
}
