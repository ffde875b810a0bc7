using System.Globalization;
using System.Text;

namespace MessageStore.Messages;

/// <summary>Character sets by the names that mail calls them (RFC 2978), without registering anything for the process.</summary>
internal static class MailCharsets
{
    private const int Windows1252 = 1252;

    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>What unlabelled bytes are that are no UTF-8: the superset of ISO 8859-1 that most such mail was written in.</summary>
    public static Encoding Western { get; } = CodePagesEncodingProvider.Instance.GetEncoding(Windows1252)!;

    /// <summary>The encoding of a name, in any letter case; <see langword="null"/> where nobody knows it.</summary>
    /// <remarks>
    /// <c>us-ascii</c> and <c>iso-8859-1</c> are read as windows-1252, which differs only where they have no printable character. UTF-7 is not known, for it
    /// can hide what a text says.
    /// </remarks>
    public static Encoding? Find(ReadOnlySpan<char> name)
    {
        Span<char> lower = stackalloc char[EncodedWords.CharsetLimit];
        if (name.IsEmpty || name.Length > lower.Length) return null;
        lower = lower[..name.ToLowerInvariant(lower)];
        switch (lower)
        {
            case "utf-8" or "utf8":
                return Encoding.UTF8;
            case "us-ascii" or "ascii" or "ansi_x3.4-1968" or "iso-8859-1" or "iso8859-1" or "iso_8859-1" or "latin1" or "windows-1252":
                return Western;
            case "utf-16" or "utf-16be":
                return Encoding.BigEndianUnicode;
            case "utf-16le":
                return Encoding.Unicode;
        }
        string text = lower.ToString();
        return CodePagesEncodingProvider.Instance.GetEncoding(text) ?? ByNumber(text);
    }

    /// <summary>Decodes bytes that say nothing of their character set: UTF-8 where they are valid UTF-8, else windows-1252.</summary>
    public static string DecodeUnlabelled(ReadOnlySpan<byte> bytes)
    {
        if (Ascii.IsValid(bytes)) return Encoding.ASCII.GetString(bytes);
        return System.Text.Unicode.Utf8.IsValid(bytes) ? StrictUtf8.GetString(bytes) : Western.GetString(bytes);
    }

    /// <summary><c>cp1251</c>, <c>cp-1251</c>, <c>windows1251</c> and their like.</summary>
    private static Encoding? ByNumber(string name)
    {
        int digits = name.Length;
        while (digits > 0 && char.IsAsciiDigit(name[digits - 1])) digits--;
        bool isPage = name[..digits].TrimEnd('-', '_') is "cp" or "windows" or "win" or "ibm" or "ms" or "x-cp" or "x-windows";
        return isPage && int.TryParse(name.AsSpan(digits), NumberStyles.None, CultureInfo.InvariantCulture, out int page) && page is > 0 and < 65535
            ? CodePagesEncodingProvider.Instance.GetEncoding(page)
            : null;
    }
}
