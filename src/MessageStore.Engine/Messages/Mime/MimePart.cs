namespace MessageStore.Messages.Mime;

/// <summary>What a part of a message is made of.</summary>
internal enum MimePartKind
{
    /// <summary>Content: text, an image, a file.</summary>
    Leaf,
    /// <summary>Holds other parts (RFC 2046 §5.1).</summary>
    Multipart,
    /// <summary>Holds a message (RFC 2046 §5.2): its header is this part's, its body the next part.</summary>
    Message,
}

/// <summary>How a part's bytes are written (RFC 2045 §6).</summary>
internal enum TransferEncoding
{
    /// <summary>As they are: 7bit, 8bit, binary, and whatever nobody knows.</summary>
    Identity,
    QuotedPrintable,
    Base64,
    Uuencode,
}

/// <summary>One part of a message as <see cref="MimeReader"/> comes to it. Texts are decoded; what is missing is empty.</summary>
internal sealed record MimePart
{
    /// <summary>Place in the message, in the order of its bytes, from 0 for the message itself.</summary>
    public int Number { get; init; }

    /// <summary>Number of the part that holds this one; -1 for the message itself.</summary>
    public int Parent { get; init; } = -1;

    /// <summary>How many multiparts and messages it lies in.</summary>
    public int Depth { get; init; }

    public MimePartKind Kind { get; init; }

    /// <summary>Type and subtype in small letters, such as <c>text/plain</c>; that is also what a missing or broken type means (RFC 2045 §5.2).</summary>
    public string MediaType { get; init; } = MimeHead.TextPlain;

    /// <summary>The charset as the part names it.</summary>
    public string Charset { get; init; } = "";

    public TransferEncoding Encoding { get; init; }

    /// <summary>The name of a file, decoded (RFC 2231, RFC 2047), without any folders before it.</summary>
    public string FileName { get; init; } = "";

    /// <summary>Whether the sender calls it an attachment (RFC 2183).</summary>
    public bool IsAttachment { get; init; }

    /// <summary>The Content-ID without its angle brackets.</summary>
    public string ContentId { get; init; } = "";

    /// <summary>Whether this is the text behind a file that was put into the middle of a text by uuencode.</summary>
    public bool IsContinuation { get; init; }

    public bool IsText => Kind == MimePartKind.Leaf && MediaType.StartsWith("text/", StringComparison.Ordinal);

    public bool IsHtml => Kind == MimePartKind.Leaf && MediaType == MimeHead.TextHtml;
}
