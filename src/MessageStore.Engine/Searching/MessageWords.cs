using System.Text;
using MessageStore.Messages;
using MessageStore.Messages.Mime;

namespace MessageStore.Searching;

/// <summary>The words of one message after the other: sender, recipients, subject, texts and names of files. One object for many messages, for one thread.</summary>
internal sealed class MessageWords
{
    /// <summary>How much text of a message is read for words, in UTF-16 units. The names of all its files count, however long it is.</summary>
    public const int TextLimit = 4 << 20;

    /// <summary>Longest piece of a header field that is decoded at once, in bytes: lists of recipients may be longer.</summary>
    private const int FieldPiece = 8 << 10;

    private readonly WordBreaker breaker;
    private readonly Counter counter;
    private readonly char[] chars = new char[TextDecoder.BufferLength];

    public MessageWords(IWordSink sink)
    {
        breaker = new WordBreaker(sink);
        counter = new Counter(breaker);
    }

    /// <summary>Characters of text that the last message had, as far as they were read.</summary>
    public int TextLength => counter.Length;

    /// <summary>Whether the last message had more text than is read.</summary>
    public bool IsCut { get; private set; }

    /// <summary>Reads a message to its end.</summary>
    /// <param name="message">The raw bytes; stay open.</param>
    public void Read(Stream message, CancellationToken cancellationToken)
    {
        counter.Length = 0;
        IsCut = false;
        using var reader = new MimeReader(message);
        while (reader.Read())
        {
            cancellationToken.ThrowIfCancellationRequested();
            MimePart part = reader.Part;
            if (part.Number == 0 || reader.Head.Length > 0) ReadHead(reader.Head, part.Number == 0);
            if (part.FileName.Length > 0) Field(SearchFields.Attachment, part.FileName);
            if (part.IsText) ReadText(reader, cancellationToken);
        }
    }

    private void ReadHead(ReadOnlySpan<byte> head, bool isTop)
    {
        var fields = new HeaderFields(head);
        while (fields.Next(out ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value))
        {
            SearchFields field = name.Length switch
            {
                2 when Is(name, "To"u8) || Is(name, "Cc"u8) => SearchFields.To,
                3 when Is(name, "Bcc"u8) => SearchFields.To,
                4 when Is(name, "From"u8) => SearchFields.From,
                6 when Is(name, "Sender"u8) => SearchFields.From,
                7 when Is(name, "Subject"u8) => SearchFields.Subject,
                _ => SearchFields.None,
            };
            if (field == SearchFields.None) continue;
            bool isPartial = false;
            while (true)
            {
                int length = value.Length <= FieldPiece ? value.Length : value[..FieldPiece].LastIndexOf((byte)',') + 1;
                if (length == 0) length = FieldPiece;
                Field(isTop ? field : SearchFields.Body, HeaderReader.Text(value[..length], FieldPiece, ref isPartial));
                if (length == value.Length) break;
                value = value[length..];
            }
        }
    }

    private static bool Is(ReadOnlySpan<byte> name, ReadOnlySpan<byte> wanted) => Ascii.EqualsIgnoreCase(name, wanted);

    private void Field(SearchFields field, string text)
    {
        breaker.Field = field;
        counter.Write(text);
        breaker.Complete();
        breaker.Field = SearchFields.Body;
    }

    private void ReadText(MimeReader reader, CancellationToken cancellationToken)
    {
        bool isHtml = reader.Part.IsHtml;
        HtmlText? html = isHtml ? new HtmlText(counter) : null;
        ICharSink sink = html is null ? counter : html;
        TextDecoder? decoder = null;
        while (reader.NextContent() is { IsEmpty: false } piece)
        {
            cancellationToken.ThrowIfCancellationRequested();
            decoder ??= new TextDecoder(isHtml && reader.Part.Charset.Length == 0 ? HtmlCharset.Find(piece) : reader.Part.Charset, chars);
            if (counter.Length >= TextLimit)
            {
                IsCut = true;
                break;
            }
            decoder.Write(piece, sink);
        }
        decoder?.Complete(sink);
        html?.Complete();
        breaker.Complete();
    }

    /// <summary>Counts what goes to the word breaker.</summary>
    private sealed class Counter(WordBreaker breaker) : ICharSink
    {
        public int Length { get; set; }

        public void Write(ReadOnlySpan<char> text)
        {
            Length += text.Length;
            breaker.Write(text);
        }
    }
}
