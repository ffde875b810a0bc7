namespace MessageStore;

/// <summary>A mailbox and what lies in it.</summary>
public sealed record MailboxInfo
{
    public required string Name { get; init; }
    public string Mailbox => Name;
    public required string StorageGroup { get; init; }
    public long MessageCount { get; init; }
    public long ArchivedMessageCount { get; init; }
    public long HotBytes { get; init; }
    public long ArchivedBytes { get; init; }
    /// <summary>Folders by name with the number of messages in each; <c>Inbox</c> first.</summary>
    public IReadOnlyList<FolderInfo> Folders { get; init; } = [];
}

/// <summary>A folder of a mailbox.</summary>
public sealed record FolderInfo(string Name, long MessageCount);
