namespace MessageStore;

/// <summary>What to look for; all conditions hold together. The words are those of docs/search.md.</summary>
public sealed record MessageSearch
{
    /// <summary>Words, <c>"phrases"</c>, <c>begin*</c>, <c>field:word</c> and <c>-not</c>, in any field unless one is named.</summary>
    public string? Query { get; init; }
    /// <summary>Mailbox name, may hold <c>*</c> and <c>?</c>.</summary>
    public string? Mailbox { get; init; }
    /// <summary>Folder name, may hold <c>*</c> and <c>?</c>.</summary>
    public string? Folder { get; init; }
    /// <summary>Words of the sender: names, addresses or parts of them.</summary>
    public string? From { get; init; }
    /// <summary>Words of the recipients (To, Cc, Bcc).</summary>
    public string? To { get; init; }
    /// <summary>Words of the subject.</summary>
    public string? Subject { get; init; }
    /// <summary>Words of the text.</summary>
    public string? Text { get; init; }
    /// <summary>Words of the name of an attached file.</summary>
    public string? Attachment { get; init; }
    /// <summary>Received at or after.</summary>
    public DateTimeOffset? ReceivedAfter { get; init; }
    /// <summary>Received before.</summary>
    public DateTimeOffset? ReceivedBefore { get; init; }
    /// <summary>More than this many bytes.</summary>
    public long? LargerThan { get; init; }
    /// <summary>Less than this many bytes.</summary>
    public long? SmallerThan { get; init; }
    public bool? IsRead { get; init; }
    public bool? IsArchived { get; init; }
    /// <summary>How long to wait for messages that are not indexed yet; those that are then still not are read one by one, which takes longer and misses nothing.</summary>
    public TimeSpan MaximumWait { get; init; } = TimeSpan.FromSeconds(30);
}

/// <summary>Something that a search has to say beside its hits.</summary>
public sealed record SearchNotice
{
    /// <summary>An ErrorId: SearchIndexIncomplete, ArchiveAccessDenied, or why a message could not be read.</summary>
    public required string Id { get; init; }
    /// <summary>The storage group, mailbox or message that it is about.</summary>
    public string Target { get; init; } = "";
    /// <summary>How many messages.</summary>
    public long Count { get; init; }
    /// <summary>Whether there may be hits among them that are not given. Otherwise it is said why the answer takes longer.</summary>
    public bool MayMissHits { get; init; }
    public required string Message { get; init; }
}

/// <summary>The search index of a storage group in figures.</summary>
public sealed record SearchIndexStatus
{
    public required string StorageGroup { get; init; }
    /// <summary>Messages in the group.</summary>
    public long MessageCount { get; init; }
    /// <summary>Those that are not indexed yet, unreadable ones among them.</summary>
    public long WaitingCount { get; init; }
    /// <summary>Those that could not be read when their turn came: damaged, or in an archive that is not there.</summary>
    public long UnreadableCount { get; init; }
    /// <summary>Those of which only the beginning of the text is indexed, for it is longer than 4 Mi characters.</summary>
    public long CutCount { get; init; }
    public int FileCount { get; init; }
    public long FileBytes { get; init; }
    /// <summary>Characters of text that were read for it.</summary>
    public long TextLength { get; init; }
    public TimeSpan Duration { get; init; }
    /// <summary>What keeps messages from being indexed; empty where nothing does.</summary>
    public string Reason { get; init; } = "";
    /// <summary>Whether every message is indexed.</summary>
    public bool IsComplete => WaitingCount == 0;
}

/// <summary>Which search indexes are to be brought up to date.</summary>
public sealed record SearchIndexOptions
{
    /// <summary>Names of the storage groups; all where it is empty.</summary>
    public IReadOnlyList<string> StorageGroups { get; init; } = [];
    /// <summary>Give up what is there and index everything anew.</summary>
    public bool Rebuild { get; init; }
}
