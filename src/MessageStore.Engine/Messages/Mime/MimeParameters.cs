using System.Globalization;
using System.Text;

namespace MessageStore.Messages.Mime;

/// <summary>
/// A structured field: its value and its parameters (RFC 2045 §5.1), those that are cut into pieces or name their charset put together (RFC 2231), encoded words in
/// them decoded although they have no place there (RFC 2047 §5). Never throws; of a parameter that is there twice the first counts.
/// </summary>
internal sealed class MimeParameters
{
    /// <summary>Parameters that are looked at, and pieces that one may be cut into.</summary>
    private const int CountLimit = 128;

    private readonly Dictionary<string, string> parameters = new(StringComparer.OrdinalIgnoreCase);

    private MimeParameters(string value) => Value = value;

    /// <summary>What stands before the first semicolon, without comments.</summary>
    public string Value { get; }

    /// <summary>A parameter; empty where it is missing.</summary>
    public string this[string name] => parameters.GetValueOrDefault(name, "");

    public static MimeParameters Parse(string field)
    {
        int at = 0;
        var result = new MimeParameters(Token(field, ref at, ";", hasComments: true).Trim());
        var pieces = new Dictionary<(string, int), (string Text, bool IsEncoded)>();
        for (int count = 0; at < field.Length && count < CountLimit; count++)
        {
            at++; // the semicolon
            string name = Token(field, ref at, ";=").Trim().ToLowerInvariant();
            if (at >= field.Length || field[at] != '=') continue;
            at++;
            string text = Token(field, ref at, ";").Trim();
            if (name.Length == 0) continue;
            if (!name.Contains('*', StringComparison.Ordinal))
            {
                bool isPartial = false;
                result.parameters.TryAdd(name, EncodedWords.Decode(text, ref isPartial));
                continue;
            }
            bool isEncoded = name.EndsWith('*');
            string[] parts = name.TrimEnd('*').Split('*');
            int number = parts.Length < 2 ? 0 : int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out int n) && n < CountLimit ? n : -1;
            if (number >= 0) pieces.TryAdd((parts[0], number), (text, isEncoded));
        }
        foreach (string name in pieces.Keys.Select(k => k.Item1).Distinct().ToList()) result.parameters[name] = Join(pieces, name);
        return result;
    }

    /// <summary>Puts the pieces of a parameter together: charset and language stand before its first one (RFC 2231 §4).</summary>
    private static string Join(Dictionary<(string, int), (string Text, bool IsEncoded)> pieces, string name)
    {
        var bytes = new List<byte>();
        string charset = "";
        for (int number = 0; pieces.TryGetValue((name, number), out (string Text, bool IsEncoded) piece); number++)
        {
            string text = piece.Text;
            if (number == 0 && piece.IsEncoded && text.Split('\'') is { Length: >= 3 } quoted)
            {
                charset = quoted[0];
                text = string.Join('\'', quoted.Skip(2));
            }
            for (int at = 0; at < text.Length; at++)
            {
                if (piece.IsEncoded && text[at] == '%' && at + 2 < text.Length && char.IsAsciiHexDigit(text[at + 1]) && char.IsAsciiHexDigit(text[at + 2]))
                {
                    bytes.Add(byte.Parse(text.AsSpan(at + 1, 2), NumberStyles.HexNumber, CultureInfo.InvariantCulture));
                    at += 2;
                }
                else if (text[at] < 0x80)
                {
                    bytes.Add((byte)text[at]);
                }
                else
                {
                    int length = char.IsHighSurrogate(text[at]) && at + 1 < text.Length ? 2 : 1;
                    bytes.AddRange(Encoding.UTF8.GetBytes(text, at, length));
                    at += length - 1;
                }
            }
        }
        byte[] all = [.. bytes];
        return MailCharsets.Find(charset)?.GetString(all) ?? MailCharsets.DecodeUnlabelled(all);
    }

    /// <summary>Text up to one of the stops, quotes opened (RFC 5322 §3.2). Comments are left out of the value only: file names with parentheses come unquoted more often than comments do.</summary>
    private static string Token(string field, ref int at, string stops, bool hasComments = false)
    {
        var text = new StringBuilder();
        int comments = 0;
        bool isQuoted = false;
        for (; at < field.Length; at++)
        {
            char c = field[at];
            if (c == '\\' && (isQuoted || comments > 0) && at + 1 < field.Length)
            {
                // Windows paths stand in quotes unquoted often enough: a backslash quotes only what needs it.
                if (comments == 0 && field[at + 1] is not ('"' or '\\')) text.Append(c);
                if (comments == 0) text.Append(field[at + 1]);
                at++;
            }
            else if (comments > 0)
            {
                if (c == '(') comments++;
                else if (c == ')') comments--;
            }
            else if (c == '"') isQuoted = !isQuoted;
            else if (isQuoted) text.Append(c);
            else if (c == '(' && hasComments) comments++;
            else if (stops.Contains(c, StringComparison.Ordinal)) break;
            else text.Append(c);
        }
        return text.ToString();
    }
}
