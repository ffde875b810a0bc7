using System.Buffers;
using System.Text;

namespace MessageStore.Messages.Mime;

/// <summary>The charset that a page names in itself, where its part does not (HTML Living Standard §13.2.3.2).</summary>
internal static class HtmlCharset
{
    /// <summary>How much of a page is looked at, in bytes.</summary>
    private const int Look = 1024;

    private static readonly SearchValues<char> NameEnds = SearchValues.Create("\"' ;/>");

    /// <summary>The name; empty where there is none.</summary>
    public static string Find(ReadOnlySpan<byte> page)
    {
        string start = Encoding.Latin1.GetString(page[..Math.Min(page.Length, Look)]);
        int at = start.IndexOf("charset=", StringComparison.OrdinalIgnoreCase);
        if (at < 0) return "";
        ReadOnlySpan<char> rest = start.AsSpan(at + "charset=".Length).TrimStart("\"' ");
        int end = rest.IndexOfAny(NameEnds);
        ReadOnlySpan<char> name = end < 0 ? rest : rest[..end];
        // A page that can be read so far is in no encoding of two bytes a character, whatever it says.
        return name.StartsWith("utf-16", StringComparison.OrdinalIgnoreCase) ? "utf-8" : name.ToString();
    }
}
