using System.Buffers;
using System.Net;

namespace MessageStore.Messages.Mime;

/// <summary>
/// The text of an HTML page, piece by piece: tags gone, blocks set apart by line ends, character references decoded, scripts, styles and comments dropped. A small machine and
/// not a parser; it ends in some state whatever it is given, and holds at most a tag's name or a reference.
/// </summary>
internal sealed class HtmlText(ICharSink sink) : ICharSink
{
    /// <summary>Longest name of a tag that matters, in characters.</summary>
    private const int NameLimit = 16;

    /// <summary>Longest character reference, without its ampersand (HTML Living Standard §13.5).</summary>
    private const int ReferenceLimit = 32;

    /// <summary>A quoted attribute longer than this was never closed.</summary>
    private const int AttributeLimit = 64 << 10;

    private static readonly SearchValues<char> Marks = SearchValues.Create("<&");

    /// <summary>Tags that may stand inside a word.</summary>
    private static readonly HashSet<string> Inline = new(StringComparer.Ordinal)
    {
        "a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "del", "dfn", "em", "font", "i", "ins", "kbd", "mark", "q", "s", "samp", "small", "span", "strike", "strong",
        "sub", "sup", "tt", "u", "var", "wbr",
    };

    private readonly char[] name = new char[NameLimit];
    private readonly char[] reference = new char[ReferenceLimit];
    private State state;
    private int nameLength;
    private int referenceLength;
    private int attributeLength;
    private int dashes;
    private char quote;
    private bool isClosing;
    private string rawUntil = "";

    private enum State
    {
        Text,
        Reference,
        TagOpen,
        TagName,
        Tag,
        Quoted,
        Markup,
        Comment,
        Raw,
    }

    public void Write(ReadOnlySpan<char> html)
    {
        while (!html.IsEmpty)
        {
            if (state == State.Text)
            {
                int mark = html.IndexOfAny(Marks);
                ReadOnlySpan<char> plain = mark < 0 ? html : html[..mark];
                if (!plain.IsEmpty) sink.Write(plain);
                if (mark < 0) return;
                state = html[mark] == '<' ? State.TagOpen : State.Reference;
                nameLength = referenceLength = 0;
                isClosing = false;
                html = html[(mark + 1)..];
            }
            else if (Take(html[0]))
            {
                html = html[1..];
            }
        }
    }

    /// <summary>Ends the text: a reference or a tag that was begun is text after all.</summary>
    public void Complete()
    {
        if (state == State.Reference) EndReference();
        state = State.Text;
    }

    /// <summary>Goes on by one character.</summary>
    /// <returns><see langword="false"/> where the character is to be looked at again in the new state.</returns>
    private bool Take(char c)
    {
        switch (state)
        {
            case State.Reference:
                return TakeReference(c);
            case State.TagOpen:
                return TakeTagOpen(c);
            case State.TagName:
                if (char.IsAsciiLetterOrDigit(c) || c is ':' or '-')
                {
                    if (nameLength < NameLimit) name[nameLength++] = char.ToLowerInvariant(c);
                    return true;
                }
                state = State.Tag;
                return false;
            case State.Tag:
                if (c == '>') EndTag();
                else if (c is '"' or '\'')
                {
                    quote = c;
                    attributeLength = 0;
                    state = State.Quoted;
                }
                return true;
            case State.Quoted:
                if (c == quote || ++attributeLength > AttributeLimit) state = State.Tag;
                return true;
            case State.Markup:
                if (c == '-' && ++dashes == 2)
                {
                    state = State.Comment;
                    dashes = 0;
                }
                else if (c == '>') state = State.Text;
                else if (c != '-') dashes = int.MinValue / 2; // a declaration, not a comment
                return true;
            case State.Comment:
                if (c == '>' && dashes >= 2) state = State.Text;
                dashes = c == '-' ? dashes + 1 : 0;
                return true;
            default:
                return TakeRaw(c);
        }
    }

    private bool TakeTagOpen(char c)
    {
        if (c == '/' && !isClosing)
        {
            isClosing = true;
            return true;
        }
        if (char.IsAsciiLetter(c))
        {
            state = State.TagName;
            return false;
        }
        if (c is '!' or '?' || isClosing)
        {
            dashes = c == '!' ? 0 : int.MinValue / 2;
            state = State.Markup;
            return c is '!' or '?';
        }
        sink.Write("<");
        state = State.Text;
        return false;
    }

    private void EndTag()
    {
        state = State.Text;
        ReadOnlySpan<char> tag = name.AsSpan(0, nameLength);
        if (!isClosing && tag is "script" or "style")
        {
            rawUntil = tag is "script" ? "</script" : "</style";
            nameLength = 0;
            state = State.Raw;
        }
        if (!Inline.GetAlternateLookup<ReadOnlySpan<char>>().Contains(tag)) sink.Write("\n");
    }

    /// <summary>Inside a script or a style: everything goes up to its closing tag.</summary>
    private bool TakeRaw(char c)
    {
        if (nameLength == rawUntil.Length)
        {
            if (c == '>') state = State.Text;
            return true;
        }
        char lower = char.ToLowerInvariant(c);
        nameLength = lower == rawUntil[nameLength] ? nameLength + 1 : lower == '<' ? 1 : 0;
        return true;
    }

    private bool TakeReference(char c)
    {
        if (c == ';')
        {
            EndReference(isWhole: true);
            return true;
        }
        if (referenceLength < ReferenceLimit && (char.IsAsciiLetterOrDigit(c) || (c == '#' && referenceLength == 0)))
        {
            reference[referenceLength++] = c;
            return true;
        }
        EndReference();
        return false;
    }

    /// <summary>Writes what a reference stands for, or the reference itself where nobody knows it. One without its semicolon counts only where it is a number or an old name.</summary>
    private void EndReference(bool isWhole = false)
    {
        state = State.Text;
        string text = string.Concat("&", reference.AsSpan(0, referenceLength), ";");
        string decoded = WebUtility.HtmlDecode(text);
        bool isKnown = decoded.Length < text.Length && (isWhole || referenceLength is > 1 and <= 6);
        sink.Write(isKnown ? decoded : isWhole ? text : text.AsSpan(0, text.Length - 1));
    }
}
