using System.Buffers;
using System.Text;

namespace MessageStore.Messages;

/// <summary>
/// Decodes encoded words in header text (RFC 2047; language suffix of RFC 2231 §5): <c>=?charset*language?Q|B?text?=</c>. Linear time; never throws.
/// </summary>
/// <remarks>
/// More tolerant than the RFC, as all readers are: words may stand inside other text and inside quotes, and may hold spaces. White space between two
/// words is dropped; the bytes of neighbours with one charset are put together before they are decoded, since mailers cut characters in two.
/// </remarks>
internal ref struct EncodedWords
{
    /// <summary>Longest name of a character set with its language, in characters.</summary>
    public const int CharsetLimit = 64;

    private readonly StringBuilder result;
    private readonly ArrayBufferWriter<byte> pending;
    private ReadOnlySpan<char> charset;
    private bool isPartial;

    private EncodedWords(int capacity)
    {
        result = new StringBuilder(capacity);
        pending = new ArrayBufferWriter<byte>();
    }

    /// <summary>The decoded text.</summary>
    /// <param name="text">Unfolded header text.</param>
    /// <param name="isPartial">Set where a charset is unknown; its bytes are read as unlabelled ones.</param>
    public static string Decode(string text, ref bool isPartial)
    {
        int first = text.IndexOf("=?", StringComparison.Ordinal);
        if (first < 0) return text;
        var words = new EncodedWords(text.Length);
        string decoded = words.Run(text, first);
        isPartial |= words.isPartial;
        return decoded;
    }

    private string Run(ReadOnlySpan<char> text, int candidate)
    {
        int plain = 0;
        while (true)
        {
            if (TrySplit(text[candidate..], out ReadOnlySpan<char> name, out char encoding, out ReadOnlySpan<char> content, out int length))
            {
                ReadOnlySpan<char> between = text[plain..candidate];
                bool adjacent = charset.Length > 0 && between.IsWhiteSpace();
                if (!adjacent || !name.Equals(charset, StringComparison.OrdinalIgnoreCase)) Flush();
                if (!adjacent) result.Append(between);
                charset = name;
                if (encoding is 'q' or 'Q') AppendQ(content);
                else AppendB(content);
                plain = candidate + length;
            }
            candidate += length;
            int next = text[candidate..].IndexOf("=?");
            if (next < 0) break;
            candidate += next;
        }
        Flush();
        result.Append(text[plain..]);
        return result.ToString();
    }

    /// <summary>
    /// Takes apart the word that a text begins with <c>=?</c>. The length is the word's; where there is none, it is how much of the text can be passed over.
    /// </summary>
    private static bool TrySplit(
        ReadOnlySpan<char> text, out ReadOnlySpan<char> name, out char encoding, out ReadOnlySpan<char> content, out int length)
    {
        name = content = default;
        encoding = default;
        length = "=?".Length;
        ReadOnlySpan<char> rest = text[length..];
        int mark = rest[..Math.Min(rest.Length, CharsetLimit + 1)].IndexOf('?');
        if (mark < 1 || rest.Length < mark + 3 || rest[mark + 2] != '?' || rest[mark + 1] is not ('q' or 'Q' or 'b' or 'B')) return false;
        name = rest[..mark];
        if (name.ContainsAny(" \t")) return false;
        encoding = rest[mark + 1];
        content = rest[(mark + 3)..];
        int end = content.IndexOf("?=");
        if (end < 0)
        {
            // No word ends behind this point, so none need be looked for: that keeps the time linear.
            length = text.Length;
            return false;
        }
        content = content[..end];
        length += mark + 3 + end + "?=".Length;
        int star = name.IndexOf('*');
        if (star >= 0) name = name[..star];
        return true;
    }

    private void Flush()
    {
        if (pending.WrittenCount > 0)
        {
            Encoding? encoding = MailCharsets.Find(charset);
            isPartial |= encoding is null;
            result.Append(encoding is null ? MailCharsets.DecodeUnlabelled(pending.WrittenSpan) : encoding.GetString(pending.WrittenSpan));
            pending.ResetWrittenCount();
        }
        charset = default;
    }

    /// <summary>The Q encoding (RFC 2047 §4.2). An equals sign without two hex digits stands for itself.</summary>
    private readonly void AppendQ(ReadOnlySpan<char> content)
    {
        for (int at = 0; at < content.Length; at++)
        {
            char c = content[at];
            if (c == '=' && at + 2 < content.Length && char.IsAsciiHexDigit(content[at + 1]) && char.IsAsciiHexDigit(content[at + 2]))
            {
                Append((byte)((Hex(content[at + 1]) << 4) | Hex(content[at + 2])));
                at += 2;
            }
            else if (c == '_') Append((byte)' ');
            else if (c < 0x80) Append((byte)c);
            else AppendUtf8(c);
        }
    }

    private static int Hex(char c) => char.IsAsciiDigit(c) ? c - '0' : (c | 0x20) - 'a' + 10;

    /// <summary>The B encoding (RFC 2047 §4.1). What is no base64 is passed over; missing padding is no matter.</summary>
    private readonly void AppendB(ReadOnlySpan<char> content)
    {
        int bits = 0;
        int held = 0;
        foreach (char c in content)
        {
            if (c == '=') break;
            int value = c switch
            {
                >= 'A' and <= 'Z' => c - 'A',
                >= 'a' and <= 'z' => c - 'a' + 26,
                >= '0' and <= '9' => c - '0' + 52,
                '+' => 62,
                '/' => 63,
                _ => -1,
            };
            if (value < 0) continue;
            bits = ((bits << 6) | value) & 0xFFFF;
            held += 6;
            if (held < 8) continue;
            held -= 8;
            Append((byte)(bits >> held));
        }
    }

    private readonly void Append(byte b)
    {
        pending.GetSpan(1)[0] = b;
        pending.Advance(1);
    }

    /// <summary>Raw 8-bit characters have no place in a word; some put them there nevertheless.</summary>
    private readonly void AppendUtf8(char c)
    {
        Span<byte> bytes = pending.GetSpan(3);
        pending.Advance(Encoding.UTF8.GetBytes([c], bytes));
    }
}
