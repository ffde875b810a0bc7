using System.Security.Cryptography;
using System.Text;

namespace MessageStore.Messages;

/// <summary>Turns names that users chose into file names that are safe on Linux and Windows.</summary>
public static class FileNames
{
    /// <summary>Longest result, in characters.</summary>
    public const int LengthLimit = 120;

    private const int KeptOfLong = 100;
    private const int DigestBytes = 8;

    private static readonly string[] Devices = ["con", "prn", "aux", "nul"];
    private static readonly string[] NumberedDevices = ["com", "lpt"];

    /// <summary>
    /// One path component for a name. Names that <see cref="MailboxNames.Comparer"/> calls equal give the same component, others
    /// a different one.
    /// </summary>
    /// <remarks>
    /// Letter case is folded. UTF-8 bytes other than <c>a-z 0-9 @ _ + -</c> and dots inside become <c>%xx</c>, as does the first letter of
    /// a device name of Windows (<c>con</c>, <c>nul.txt</c>). A result beyond <see cref="LengthLimit"/> is cut to 100 characters, followed by <c>~</c>
    /// and 16 hex digits of the SHA-256 of the folded name.
    /// </remarks>
    /// <param name="name">The name, not empty.</param>
    public static string Escape(string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        // Upper case decides equality (OrdinalIgnoreCase), so it must decide here; only then are ASCII letters made small again, which
        // loses nothing. Lower-casing at once would make one of "K" and the Kelvin sign, which are different names.
        byte[] folded = Encoding.UTF8.GetBytes(name.ToUpperInvariant());
        foreach (ref byte b in folded.AsSpan())
        {
            if (b is >= (byte)'A' and <= (byte)'Z') b |= 0x20;
        }

        var result = new StringBuilder(folded.Length);
        for (int at = 0; at < folded.Length; at++)
        {
            byte b = folded[at];
            bool inside = at > 0 && at < folded.Length - 1;
            if (char.IsAsciiLetterLower((char)b) || char.IsAsciiDigit((char)b) || b is (byte)'@' or (byte)'_' or (byte)'+' or (byte)'-'
                || (b == (byte)'.' && inside)) result.Append((char)b);
            else AppendEscaped(result, b);
        }
        if (IsDevice(result.ToString()))
        {
            string rest = result.ToString(1, result.Length - 1);
            byte first = folded[0];
            result.Clear();
            AppendEscaped(result, first);
            result.Append(rest);
        }
        if (result.Length <= LengthLimit) return result.ToString();
        string digest = Convert.ToHexStringLower(SHA256.HashData(folded).AsSpan(0, DigestBytes));
        return $"{result.ToString(0, KeptOfLong)}~{digest}";
    }

    private static void AppendEscaped(StringBuilder result, byte b) => result.Append('%').Append(Convert.ToHexStringLower([b]));

    /// <summary>Windows takes the part before the first dot for a device, whatever follows.</summary>
    private static bool IsDevice(string escaped)
    {
        int dot = escaped.IndexOf('.', StringComparison.Ordinal);
        string stem = dot < 0 ? escaped : escaped[..dot];
        return Devices.Contains(stem)
            || (stem.Length == 4 && char.IsAsciiDigit(stem[3]) && NumberedDevices.Contains(stem[..3]));
    }
}
