namespace MessageStore;

/// <summary>How files of mail are imported.</summary>
public sealed record ImportOptions
{
    public required string Mailbox { get; init; }
    /// <summary>Folder for the messages; <see langword="null"/>: <c>Inbox</c>, and for a Maildir++ its own subfolders.</summary>
    public string? Folder { get; init; }
    /// <summary>Refuse a mailbox that does not exist instead of creating it.</summary>
    public bool RequireMailbox { get; init; }
    /// <summary>Count a message as imported only once copies of it lie on the storage nodes as well, as many as the database wants.</summary>
    public bool Journal { get; init; }
}

/// <summary>What became of one path of mail.</summary>
public sealed record ImportResult
{
    public required string Path { get; init; }
    public required string Mailbox { get; init; }
    /// <summary>Messages that are durable now.</summary>
    public long Imported { get; init; }
    /// <summary>Messages that could not be stored.</summary>
    public long Failed { get; init; }
    /// <summary>Messages stored whose header could be read only in part.</summary>
    public long Partial { get; init; }
    /// <summary>Bytes of the messages imported.</summary>
    public long Bytes { get; init; }
    public TimeSpan Duration { get; init; }
    /// <summary>The errors behind <see cref="Failed"/>, the first 100 of them.</summary>
    public IReadOnlyList<string> Errors { get; init; } = [];
}
