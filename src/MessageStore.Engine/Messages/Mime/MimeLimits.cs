namespace MessageStore.Messages.Mime;

/// <summary>How far a message is taken apart. What lies beyond is treated as plain content, never as an error.</summary>
internal sealed record MimeLimits
{
    public static MimeLimits Default { get; } = new();

    /// <summary>Multiparts and messages within each other.</summary>
    public int Depth { get; init; } = 32;

    /// <summary>Parts of all kinds in one message; the content behind the last counts as its own.</summary>
    public int Parts { get; init; } = 4096;

    /// <summary>Whether a message inside the message is taken apart, too; otherwise it is content like a file.</summary>
    public bool OpensMessages { get; init; } = true;

    /// <summary>Bytes of one header that are kept; the rest of it is passed over.</summary>
    public int HeaderBytes { get; init; } = MessageBody.HeadLimit;
}
