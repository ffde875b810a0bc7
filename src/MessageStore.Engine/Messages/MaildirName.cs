using System.Globalization;
using System.Text;

namespace MessageStore.Messages;

/// <summary>What the names in a Maildir say: date and flags of a message, and the folder that a Maildir++ subfolder is.</summary>
internal static class MaildirName
{
    private static readonly string[] InfoMarks = [":2,", ";2,", "!2,"];

    /// <summary>The seconds since 1970 that a delivery begins its file name with; <see langword="null"/> where it does not.</summary>
    public static DateTimeOffset? Received(string name)
    {
        int digits = 0;
        while (digits < name.Length && char.IsAsciiDigit(name[digits])) digits++;
        if (digits is 0 or > 11 || (digits < name.Length && char.IsAsciiLetter(name[digits]))) return null;
        return DateTimeOffset.FromUnixTimeSeconds(long.Parse(name.AsSpan(0, digits), CultureInfo.InvariantCulture));
    }

    /// <summary>
    /// The flags behind <c>:2,</c>, or behind <c>;2,</c> or <c>!2,</c> where a file name may hold no colon. <c>P</c> (passed) and <c>T</c> (trashed) have
    /// no flag here.
    /// </summary>
    public static MessageFlags Flags(string name)
    {
        int at = InfoMarks.Max(mark => name.LastIndexOf(mark, StringComparison.Ordinal));
        if (at < 0) return MessageFlags.None;
        var flags = MessageFlags.None;
        foreach (char c in name.AsSpan(at + InfoMarks[0].Length))
        {
            flags |= c switch
            {
                'S' => MessageFlags.Read,
                'F' => MessageFlags.Flagged,
                'R' => MessageFlags.Answered,
                'D' => MessageFlags.Draft,
                _ => MessageFlags.None,
            };
        }
        return flags;
    }

    /// <summary>The folder that a subfolder <c>.Sent.2020</c> is: <c>Sent/2020</c>, each part decoded from IMAP's modified UTF-7 (RFC 3501 §5.1.3).</summary>
    public static string Folder(string name) => string.Join('/', name[1..].Split('.').Select(DecodeUtf7));

    private static string DecodeUtf7(string text)
    {
        if (!text.Contains('&')) return text;
        var result = new StringBuilder();
        for (int at = 0; at < text.Length;)
        {
            int end = text[at] == '&' ? text.IndexOf('-', at) : -1;
            if (end < 0)
            {
                result.Append(text[at++]);
                continue;
            }
            string coded = text[(at + 1)..end];
            if (coded.Length == 0) result.Append('&');
            else if (DecodeBase64(coded) is { } decoded) result.Append(decoded);
            else return text;
            at = end + 1;
        }
        return result.ToString();
    }

    private static string? DecodeBase64(string coded)
    {
        string padded = coded.Replace(',', '/') + new string('=', (4 - coded.Length % 4) % 4);
        byte[] bytes = new byte[padded.Length];
        return Convert.TryFromBase64String(padded, bytes, out int length) && length % 2 == 0
            ? Encoding.BigEndianUnicode.GetString(bytes, 0, length)
            : null;
    }
}
