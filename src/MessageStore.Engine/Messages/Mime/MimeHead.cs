using System.Text;

namespace MessageStore.Messages.Mime;

/// <summary>The fields of a header that say what its part is (RFC 2045, RFC 2183), and the boundary of a multipart.</summary>
internal readonly record struct MimeHead(MimePart Part, byte[] Boundary)
{
    public const string TextPlain = "text/plain";
    public const string TextHtml = "text/html";
    public const string MessageType = "message/rfc822";

    /// <summary>How much of a field is looked at, in bytes.</summary>
    private const int FieldLimit = 16 << 10;

    private const int FileNameLimit = 1024;

    /// <summary>Longest boundary; the standard allows 70.</summary>
    private const int BoundaryLimit = 1024;

    /// <summary>Reads a header. Of a field that is there twice the first counts.</summary>
    /// <param name="head">The raw header.</param>
    /// <param name="parentType">Media type of the multipart around it: in a digest the parts are messages unless they say otherwise.</param>
    public static MimeHead Read(ReadOnlySpan<byte> head, string parentType)
    {
        string type = "", disposition = "", encoding = "", contentId = "";
        var fields = new HeaderFields(head);
        while (fields.Next(out ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value))
        {
            if (name.Length is < 10 or > 25 || !Ascii.EqualsIgnoreCase(name[..8], "Content-"u8)) continue;
            if (type.Length == 0 && Ascii.EqualsIgnoreCase(name, "Content-Type"u8)) type = Text(value);
            else if (disposition.Length == 0 && Ascii.EqualsIgnoreCase(name, "Content-Disposition"u8)) disposition = Text(value);
            else if (encoding.Length == 0 && Ascii.EqualsIgnoreCase(name, "Content-Transfer-Encoding"u8)) encoding = Text(value);
            else if (contentId.Length == 0 && Ascii.EqualsIgnoreCase(name, "Content-ID"u8)) contentId = Text(value);
        }
        string fallback = parentType == "multipart/digest" ? MessageType : TextPlain;
        MimeParameters typeParameters = MimeParameters.Parse(type), placing = MimeParameters.Parse(disposition);
        string mediaType = MediaType(typeParameters.Value, fallback);
        string fileName = placing["filename"] is { Length: > 0 } placed ? placed : typeParameters["name"];
        var part = new MimePart
        {
            Kind = mediaType.StartsWith("multipart/", StringComparison.Ordinal) ? MimePartKind.Multipart
                : mediaType is MessageType or "message/global" or "message/news" ? MimePartKind.Message
                : MimePartKind.Leaf,
            MediaType = mediaType,
            Charset = typeParameters["charset"].Trim(),
            Encoding = EncodingOf(encoding),
            FileName = FileNameOf(fileName),
            IsAttachment = placing.Value.Equals("attachment", StringComparison.OrdinalIgnoreCase),
            ContentId = contentId.Trim().TrimStart('<').TrimEnd('>'),
        };
        string boundary = typeParameters["boundary"].TrimEnd();
        return new MimeHead(part, boundary.Length > BoundaryLimit ? [] : Encoding.UTF8.GetBytes(boundary));
    }

    /// <summary>The name without the folders that some senders put before it, and without what no name may hold.</summary>
    private static string FileNameOf(string name)
    {
        int slash = name.LastIndexOfAny(['/', '\\']);
        name = name[(slash + 1)..].Trim();
        if (name.Length > FileNameLimit) name = name[..(char.IsHighSurrogate(name[FileNameLimit - 1]) ? FileNameLimit - 1 : FileNameLimit)];
        return name.Any(char.IsControl) ? string.Concat(name.Select(c => char.IsControl(c) ? '\uFFFD' : c)) : name;
    }

    private static string MediaType(string value, string fallback)
    {
        string type = value.Trim().ToLowerInvariant();
        int slash = type.IndexOf('/');
        if (slash > 0 && slash < type.Length - 1 && !type.AsSpan().ContainsAny(" \t\"")) return type;
        return type == "text" ? TextPlain : fallback;
    }

    private static TransferEncoding EncodingOf(string value)
    {
        ReadOnlySpan<char> name = value.AsSpan().Trim();
        int end = name.IndexOfAny("; \t(");
        if (end >= 0) name = name[..end];
        return name.Equals("base64", StringComparison.OrdinalIgnoreCase) ? TransferEncoding.Base64
            : name.Equals("quoted-printable", StringComparison.OrdinalIgnoreCase) ? TransferEncoding.QuotedPrintable
            : name.Equals("x-uuencode", StringComparison.OrdinalIgnoreCase) || name.Equals("uuencode", StringComparison.OrdinalIgnoreCase)
                || name.Equals("x-uue", StringComparison.OrdinalIgnoreCase) ? TransferEncoding.Uuencode
            : TransferEncoding.Identity;
    }

    private static string Text(ReadOnlySpan<byte> value)
    {
        string text = MailCharsets.DecodeUnlabelled(value[..Math.Min(value.Length, FieldLimit)].Trim(" \t\r\n"u8));
        return text.AsSpan().ContainsAny('\r', '\n') ? text.Replace("\r", "", StringComparison.Ordinal).Replace("\n", "", StringComparison.Ordinal) : text;
    }
}
