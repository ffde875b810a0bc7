using System.Text;
using MessageStore.IO;
using MessageStore.Messages;
using MessageStore.Messages.Mime;

namespace MessageStore;

/// <summary>
/// Reads messages for people. One pass over the raw bytes, at most some megabytes of memory whatever the message's length. What is broken is read as far as it goes;
/// only errors of the stream are thrown. Messages inside a message are attachments.
/// </summary>
public static class MessageContentReader
{
    /// <summary>Longest text, and longest page, in UTF-16 units.</summary>
    public const int TextLimit = 1 << 20;

    private const int FieldLimit = 4 << 10;
    private const int FieldCountLimit = 500;

    private static readonly MimeLimits Limits = new() { OpensMessages = false, Parts = 1000 };

    /// <summary>Reads a message.</summary>
    /// <param name="message">The raw message from its start; stays open.</param>
    /// <param name="partLink">Where a page finds an image that came with it, by the part's number; without it pages have no images. Images elsewhere are never shown: they tell the sender
    /// who reads.</param>
    public static MessageContent Read(Stream message, Func<int, string>? partLink = null)
    {
        ArgumentNullException.ThrowIfNull(message);
        using var reader = new MimeReader(message, Limits);
        var attachments = new List<MessageAttachment>();
        IReadOnlyList<MessageField> headers = [];
        CutText text = new(), html = new();
        int textParent = -2, htmlParts = 0;
        while (reader.Read())
        {
            MimePart part = reader.Part;
            if (part.Number == 0) headers = Fields(reader.Head);
            if (part.Kind != MimePartKind.Leaf) continue;
            bool isShown = part is { IsAttachment: false, FileName: "" };
            if (isShown && part.IsHtml && htmlParts++ == 0)
            {
                Decode(reader, html);
            }
            else if (isShown && part.MediaType == MimeHead.TextPlain && (textParent == -2 || part.Parent == textParent))
            {
                // Texts beside each other, such as a mailing list's footer, are one to the reader.
                if (textParent != -2 && !part.IsContinuation) text.Write("\n\n");
                textParent = part.Parent;
                Decode(reader, text);
            }
            else
            {
                long size = 0;
                while (reader.NextContent() is { IsEmpty: false } piece) size += piece.Length;
                attachments.Add(new MessageAttachment { Number = part.Number, FileName = part.FileName, MediaType = part.MediaType, Size = size, ContentId = part.ContentId });
            }
        }
        if (textParent == -2 && htmlParts > 0)
        {
            var plain = new HtmlText(text);
            plain.Write(html.ToString());
            plain.Complete();
        }
        string? ImageOf(string contentId) =>
            partLink is not null && attachments.Find(a => a.ContentId.Length > 0 && a.ContentId == contentId) is { } image ? partLink(image.Number) : null;
        return new MessageContent
        {
            Headers = headers,
            Text = text.ToString(),
            Html = html.IsEmpty ? "" : HtmlSanitizer.Clean(html.ToString(), ImageOf),
            IsCut = text.IsCut || html.IsCut,
            Attachments = attachments,
        };
    }

    /// <summary>Opens the decoded content of a part of a message.</summary>
    /// <param name="message">The raw message from its start; closed with the result, or at once where there is no such part.</param>
    /// <param name="number">The attachment's <see cref="MessageAttachment.Number"/>.</param>
    /// <returns>A stream to read once, forward; <see langword="null"/> where there is no such part.</returns>
    public static Stream? OpenPart(Stream message, int number)
    {
        ArgumentNullException.ThrowIfNull(message);
        var reader = new MimeReader(message, Limits);
        try
        {
            while (reader.Read())
                if (reader.Part.Number == number && reader.Part.Kind == MimePartKind.Leaf)
                    return new PartStream(message, reader);
        }
        catch
        {
            reader.Dispose();
            message.Dispose();
            throw;
        }
        reader.Dispose();
        message.Dispose();
        return null;
    }

    private static void Decode(MimeReader reader, CutText text)
    {
        var decoder = new TextDecoder(reader.Part.Charset);
        bool isFirst = true;
        while (reader.NextContent() is { IsEmpty: false } piece)
        {
            if (isFirst && reader.Part.IsHtml && reader.Part.Charset.Length == 0) decoder = new TextDecoder(HtmlCharset.Find(piece));
            isFirst = false;
            decoder.Write(piece, text);
        }
        decoder.Complete(text);
    }

    private static List<MessageField> Fields(ReadOnlySpan<byte> head)
    {
        var result = new List<MessageField>();
        var fields = new HeaderFields(head);
        bool isPartial = false;
        while (result.Count < FieldCountLimit && fields.Next(out ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value))
            result.Add(new MessageField(Encoding.ASCII.GetString(name), HeaderReader.Text(value, FieldLimit, ref isPartial)));
        return result;
    }

    /// <summary>Keeps the beginning of a text.</summary>
    private sealed class CutText : ICharSink
    {
        private readonly StringBuilder text = new();

        public bool IsCut { get; private set; }

        public bool IsEmpty => text.Length == 0;

        public void Write(ReadOnlySpan<char> piece)
        {
            int room = Math.Min(piece.Length, TextLimit - text.Length);
            IsCut |= room < piece.Length;
            text.Append(piece[..room]);
        }

        public override string ToString() => text.ToString();
    }

    /// <summary>The content of one part, decoded as it is read.</summary>
    private sealed class PartStream(Stream message, MimeReader reader) : ReadStream
    {
        private readonly byte[] piece = new byte[MimeReader.LongestPiece];
        private int start;
        private int length;

        public override int Read(Span<byte> buffer)
        {
            if (start == length)
            {
                ReadOnlySpan<byte> next = reader.NextContent();
                next.CopyTo(piece);
                start = 0;
                length = next.Length;
            }
            int count = Math.Min(buffer.Length, length - start);
            piece.AsSpan(start, count).CopyTo(buffer);
            start += count;
            return count;
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                reader.Dispose();
                message.Dispose();
            }
            base.Dispose(disposing);
        }
    }
}
