using System.Net;

namespace MessageStore.Messages.Mime;

/// <summary>A tag, a comment or a declaration, taken apart with what browsers forgive.</summary>
/// <param name="Name">In small letters; empty for a comment or a declaration.</param>
/// <param name="Attributes">Names in small letters, values with their references opened; of one that is there twice the first.</param>
/// <param name="End">Where it ends in the page.</param>
internal sealed record HtmlTag(string Name, bool IsClosing, IReadOnlyList<(string Name, string Value)> Attributes, int End)
{
    private const int NameLimit = 32;
    private const int AttributeLimit = 64;

    /// <summary>Reads what begins with <c>&lt;</c>; <see langword="null"/> where that is only a sign.</summary>
    public static HtmlTag? Read(string html, int start)
    {
        int at = start + 1;
        if (at >= html.Length) return null;
        if (html[at] is '!' or '?')
        {
            bool isComment = string.CompareOrdinal(html, at, "!--", 0, 3) == 0;
            int end = isComment ? html.IndexOf("-->", at, StringComparison.Ordinal) : html.IndexOf('>', at);
            return new HtmlTag("", false, [], end < 0 ? html.Length : end + (isComment ? 3 : 1));
        }
        bool isClosing = html[at] == '/';
        if (isClosing) at++;
        if (at >= html.Length || !char.IsAsciiLetter(html[at])) return null;
        int nameStart = at;
        while (at < html.Length && !IsSpace(html[at]) && html[at] is not ('/' or '>')) at++;
        string name = at - nameStart > NameLimit ? "" : html[nameStart..at].ToLowerInvariant();
        var attributes = new List<(string, string)>();
        while (true)
        {
            while (at < html.Length && (IsSpace(html[at]) || html[at] == '/')) at++;
            if (at >= html.Length) break;
            if (html[at] == '>')
            {
                at++;
                break;
            }
            (string key, string value) = ReadAttribute(html, ref at);
            if (attributes.Count < AttributeLimit && key.Length > 0 && !attributes.Exists(a => a.Item1 == key)) attributes.Add((key, value));
        }
        return new HtmlTag(name, isClosing, attributes, at);
    }

    private static (string Name, string Value) ReadAttribute(string html, ref int at)
    {
        int start = at++;
        while (at < html.Length && !IsSpace(html[at]) && html[at] is not ('/' or '>' or '=')) at++;
        string name = at - start > NameLimit ? "" : html[start..at].ToLowerInvariant();
        while (at < html.Length && IsSpace(html[at])) at++;
        if (at >= html.Length || html[at] != '=') return (name, "");
        at++;
        while (at < html.Length && IsSpace(html[at])) at++;
        if (at >= html.Length) return (name, "");
        int from = at, to;
        if (html[at] is '"' or '\'')
        {
            from = at + 1;
            to = html.IndexOf(html[at], from);
            if (to < 0) to = html.Length;
            at = Math.Min(to + 1, html.Length);
        }
        else
        {
            while (at < html.Length && !IsSpace(html[at]) && html[at] != '>') at++;
            to = at;
        }
        return (name, name.Length == 0 ? "" : WebUtility.HtmlDecode(html[from..to]));
    }

    private static bool IsSpace(char c) => c is ' ' or '\t' or '\n' or '\r' or '\f';
}
