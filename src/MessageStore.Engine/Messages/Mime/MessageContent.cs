namespace MessageStore;

/// <summary>What a person reads of a message: its header, its text, its page, and what is attached. Made by <see cref="MessageContentReader"/>.</summary>
public sealed record MessageContent
{
    /// <summary>The fields of the header in their order, decoded.</summary>
    public IReadOnlyList<MessageField> Headers { get; init; } = [];

    /// <summary>The text: the plain one where there is one, else what the page says. Ends where <see cref="MessageContentReader.TextLimit"/> is reached.</summary>
    public string Text { get; init; } = "";

    /// <summary>The page, made anew from what is harmless in the sender's (<see cref="HtmlSanitizer"/>); empty where there is none.</summary>
    public string Html { get; init; } = "";

    /// <summary>Whether text or page were longer than what is here.</summary>
    public bool IsCut { get; init; }

    public IReadOnlyList<MessageAttachment> Attachments { get; init; } = [];
}

/// <summary>A field of a header.</summary>
/// <param name="Name">As written.</param>
/// <param name="Value">Unfolded and decoded (RFC 2047).</param>
public sealed record MessageField(string Name, string Value);

/// <summary>A part of a message that is not its text.</summary>
public sealed record MessageAttachment
{
    /// <summary>What <see cref="MessageContentReader.OpenPart"/> knows it by.</summary>
    public required int Number { get; init; }
    /// <summary>The sender's name for it, without folders; empty where it has none. Not safe as a path as it is.</summary>
    public string FileName { get; init; } = "";
    /// <summary>Type and subtype as the sender says, in small letters.</summary>
    public required string MediaType { get; init; }
    /// <summary>Decoded length in bytes.</summary>
    public required long Size { get; init; }
    /// <summary>The Content-ID without angle brackets, by which a page refers to its images.</summary>
    public string ContentId { get; init; } = "";
}
