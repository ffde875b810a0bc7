using System.Buffers;
using System.Globalization;
using System.Text;

namespace MessageStore.Messages;

/// <summary>
/// The line that opens an entry of an mbox file (RFC 4155): <c>From sender date</c>, the date as C's <c>asctime</c> writes it, in UTC.
/// </summary>
internal static class FromLine
{
    /// <summary>Longest line that is taken for a From line, in bytes without its end.</summary>
    public const int LengthLimit = 998;

    private const string Nobody = "MAILER-DAEMON";
    private const int SenderLimit = 320;
    private const int TimesTried = 4;
    private const int WordsBeforeTime = 4;

    /// <summary>The line, ended by LF.</summary>
    /// <param name="sender">A <c>From</c> field or an address; what cannot stand in the line is left out.</param>
    /// <param name="date">When the message was received.</param>
    public static byte[] Format(string? sender, DateTimeOffset date)
    {
        DateTime utc = date.UtcDateTime;
        string day = utc.Day.ToString(CultureInfo.InvariantCulture).PadLeft(2);
        string text = string.Create(CultureInfo.InvariantCulture,
            $"From {Address(sender)} {utc:ddd MMM} {day} {utc:HH:mm:ss} {utc:yyyy}\n");
        return Encoding.ASCII.GetBytes(text);
    }

    /// <summary>
    /// Whether a line, given without its end, is a From line: it starts with <c>From </c> and holds a date with a time, whether as <c>asctime</c> writes
    /// it or as a header does, with or without a zone. A body's "From what I saw at 12:30" is none.
    /// </summary>
    public static bool TryParse(ReadOnlySpan<byte> line, out DateTimeOffset date)
    {
        date = default;
        if (line.Length > LengthLimit || !line.StartsWith("From "u8)) return false;
        Span<char> text = stackalloc char[LengthLimit];
        Encoding.Latin1.GetChars(line, text);
        text = text[..line.Length];
        int tried = 0;
        for (int at = "From ".Length; at < text.Length; at++)
        {
            if (text[at] != ':' || !EndsHour(text[..at])) continue;
            if (TryDateAround(text, at, out date)) return true;
            if (++tried == TimesTried) return false;
        }
        return false;
    }

    /// <summary>Whether the text ends with a word of one or two digits.</summary>
    private static bool EndsHour(ReadOnlySpan<char> text)
    {
        int digits = 0;
        while (char.IsAsciiDigit(text[^(digits + 1)])) digits++;
        return digits is 1 or 2 && text[^(digits + 1)] is ' ' or '\t';
    }

    /// <summary>Tries the text from each of the words before a time's first colon; the longest that is a date counts.</summary>
    private static bool TryDateAround(ReadOnlySpan<char> text, int colon, out DateTimeOffset date)
    {
        date = default;
        Span<int> starts = stackalloc int[WordsBeforeTime + 1];
        int words = 0;
        for (int at = colon; at > "From".Length && words < starts.Length; at--)
        {
            if (text[at] is not (' ' or '\t') && text[at - 1] is ' ' or '\t') starts[words++] = at;
        }
        while (--words >= 2)
        {
            if (MailDate.TryParse(text[starts[words]..], out date)) return true;
        }
        return false;
    }

    private static string Address(string? sender)
    {
        if (string.IsNullOrEmpty(sender)) return Nobody;
        int open = sender.LastIndexOf('<');
        int close = sender.LastIndexOf('>');
        ReadOnlySpan<char> address = open >= 0 && close > open ? sender.AsSpan(open + 1, close - open - 1) : sender.AsSpan();
        if (open < 0)
        {
            // "joe@example.org (Joe)" and lists: the first word that holds an @.
            foreach (Range range in address.SplitAny(" \t,;()"))
            {
                if (!address[range].Contains('@')) continue;
                address = address[range];
                break;
            }
        }
        bool plain = address.Length is > 0 and <= SenderLimit && !address.ContainsAnyExceptInRange('!', '~') && address.Contains('@');
        return plain ? address.ToString() : Nobody;
    }
}
