using System.Net;
using System.Text;
using MessageStore.Messages.Mime;

namespace MessageStore;

/// <summary>
/// Makes a harmless page of a sender's: written anew from a list of tags and attributes that are allowed, so that nothing of the sender's markup is passed through, however it is
/// broken. No scripts, styles, forms, frames, identifiers, and no addresses but <c>http</c>, <c>https</c> and <c>mailto</c>. Every tag that is opened is closed.
/// </summary>
public static class HtmlSanitizer
{
    /// <summary>Tags within each other; deeper ones are left out.</summary>
    private const int DepthLimit = 128;

    /// <summary>Elements whose content goes with them.</summary>
    private static readonly HashSet<string> Dropped = new(StringComparer.Ordinal)
    {
        "applet", "audio", "button", "canvas", "head", "iframe", "math", "noembed", "noframes", "noscript", "object", "script", "select", "style", "svg", "template", "textarea", "title", "video", "xmp",
    };

    /// <summary>Cleans a page or a piece of one.</summary>
    /// <param name="html">As the sender wrote it.</param>
    /// <param name="imageOf">The address of an image that came with the message, by its Content-ID; <see langword="null"/> where it is not to be shown.</param>
    /// <returns>What belongs inside a <c>body</c>.</returns>
    public static string Clean(string html, Func<string, string?>? imageOf = null)
    {
        ArgumentNullException.ThrowIfNull(html);
        var output = new StringBuilder(html.Length);
        var open = new Stack<string>();
        var neverClosed = new HashSet<string>(StringComparer.Ordinal);
        int at = 0;
        while (at < html.Length)
        {
            int mark = html.IndexOf('<', at);
            if (mark < 0) mark = html.Length;
            WriteText(html.AsSpan(at, mark - at), output);
            at = mark;
            if (at < html.Length) TakeMarkup(html, ref at, output, open, neverClosed, imageOf);
        }
        while (open.TryPop(out string? tag)) Close(tag, output);
        return output.ToString();
    }

    /// <summary>References are opened and made anew: what is not a letter of the text never gets through as one.</summary>
    private static void WriteText(ReadOnlySpan<char> text, StringBuilder output)
    {
        if (!text.IsEmpty) output.Append(WebUtility.HtmlEncode(WebUtility.HtmlDecode(text.ToString())));
    }

    private static void TakeMarkup(string html, ref int at, StringBuilder output, Stack<string> open, HashSet<string> neverClosed, Func<string, string?>? imageOf)
    {
        var tag = HtmlTag.Read(html, at);
        if (tag is null)
        {
            output.Append("&lt;");
            at++;
            return;
        }
        at = tag.End;
        if (tag.Name.Length == 0) return; // a comment or a declaration
        if (Dropped.Contains(tag.Name))
        {
            // What was not found once is not looked for again: that keeps the time linear.
            if (tag.IsClosing || neverClosed.Contains(tag.Name)) return;
            int close = html.IndexOf("</" + tag.Name, at, StringComparison.OrdinalIgnoreCase);
            if (close >= 0) at = HtmlTag.Read(html, close)?.End ?? html.Length;
            else if (tag.Name is "script" or "style" or "xmp") at = html.Length;
            else neverClosed.Add(tag.Name);
            return;
        }
        if (!HtmlAllowed.Tags.TryGetValue(tag.Name, out bool isVoid)) return;
        if (tag.IsClosing)
        {
            if (isVoid || !open.Contains(tag.Name)) return;
            string closed;
            do Close(closed = open.Pop(), output);
            while (closed != tag.Name);
            return;
        }
        if (!isVoid && open.Count >= DepthLimit) return;
        output.Append('<').Append(tag.Name);
        foreach ((string name, string value) in tag.Attributes)
        {
            string? harmless = HtmlAllowed.Value(tag.Name, name, value, imageOf);
            if (harmless is not null) output.Append(' ').Append(name).Append("=\"").Append(WebUtility.HtmlEncode(harmless)).Append('"');
        }
        if (tag.Name == "a") output.Append(" rel=\"noopener noreferrer nofollow\" target=\"_blank\"");
        output.Append('>');
        if (!isVoid) open.Push(tag.Name);
    }

    private static void Close(string tag, StringBuilder output) => output.Append("</").Append(tag).Append('>');
}
