namespace MessageStore;

/// <summary>Which messages an archive run takes by whether they were read.</summary>
public enum ReadState
{
    Any,
    Read,
    Unread,
}

/// <summary>How hard archive records are compressed. Every level unpacks with <c>zcat</c>.</summary>
public enum ArchiveCompression
{
    Stored,
    Fastest,
    Optimal,
}

/// <summary>Who goes first while an archive run goes on.</summary>
public enum ArchivePriority
{
    /// <summary>The run slows down as soon as users wait longer than they would without it.</summary>
    Users,
    /// <summary>The run goes as fast as the disks allow.</summary>
    Archive,
}

/// <summary>What an archive run looks for and how it works.</summary>
public sealed record ArchiveOptions
{
    /// <summary>Take messages received longer ago than this; with <see cref="Before"/> the earlier of both limits counts.</summary>
    public TimeSpan? OlderThan { get; init; }
    /// <summary>Take messages received before this.</summary>
    public DateTimeOffset? Before { get; init; }
    public ReadState ReadState { get; init; } = ReadState.Any;
    /// <summary>Folder patterns (<c>*</c>, <c>?</c>); empty for all folders.</summary>
    public IReadOnlyList<string> Folders { get; init; } = [];
    /// <summary>Mailbox patterns (<c>*</c>, <c>?</c>); empty for all mailboxes.</summary>
    public IReadOnlyList<string> Mailboxes { get; init; } = [];
    /// <summary>Take only messages of at least this many bytes.</summary>
    public long? MinimumSize { get; init; }
    /// <summary>Leave flagged messages where they are.</summary>
    public bool KeepFlagged { get; init; }
    /// <summary>Take the criteria from the policies of database and mailboxes; <see cref="OlderThan"/>, <see cref="ReadState"/>, <see cref="Folders"/>, <see cref="MinimumSize"/> and <see cref="KeepFlagged"/> do not count then.</summary>
    public bool UsePolicies { get; init; }
    /// <summary>Take the oldest messages that the criteria allow, until the mail in the store is at most so many bytes.</summary>
    public long? TargetBytes { get; init; }
    /// <summary>The deletion date written into the keys is the storage date plus this; <see langword="null"/> for never.</summary>
    public TimeSpan? RetainFor { get; init; }
    public ArchiveCompression Compression { get; init; } = ArchiveCompression.Fastest;
    /// <summary>Number of seekers, 1 to 64; 0 to choose from the machine.</summary>
    public int Seekers { get; init; }
    /// <summary>Number of archivers, 1 to 64; 0 to choose from the machine.</summary>
    public int Archivers { get; init; }
    public ArchivePriority Priority { get; init; } = ArchivePriority.Users;
    /// <summary>Only find and count: nothing is tagged or moved.</summary>
    public bool DryRun { get; init; }
}

/// <summary>What an archive run did in one mailbox.</summary>
public sealed record ArchiveReceipt
{
    public required string Mailbox { get; init; }
    public long Matched { get; init; }
    public long Moved { get; init; }
    public long Skipped { get; init; }
    public long Failed { get; init; }
    /// <summary>Bytes of messages moved.</summary>
    public long Bytes { get; init; }
    /// <summary>Bytes that the moved messages take in the archive.</summary>
    public long ArchiveBytes { get; init; }
    /// <summary>Why messages were skipped or failed, and what else one should know of the mailbox: a hold, a block, what was left by an interrupted run.</summary>
    public string Reason { get; init; } = "";
    public TimeSpan Duration { get; init; }
}

/// <summary>The result of an archive run.</summary>
public sealed record ArchiveRun
{
    public required Guid Id { get; init; }
    public required string Database { get; init; }
    public required DateTimeOffset Started { get; init; }
    public long Matched { get; init; }
    public long Moved { get; init; }
    public long Skipped { get; init; }
    public long Failed { get; init; }
    public long Bytes { get; init; }
    public long ArchiveBytes { get; init; }
    public TimeSpan Duration { get; init; }
    public int Seekers { get; init; }
    public int Archivers { get; init; }
    /// <summary>How often it slowed down for users.</summary>
    public int Yields { get; init; }
    /// <summary>How long it stood still for them.</summary>
    public TimeSpan YieldDuration { get; init; }
    public bool DryRun { get; init; }
    /// <summary>With a target size: what was received before this was taken. <see langword="null"/> without one, and where all or nothing was to be taken.</summary>
    public DateTimeOffset? Limit { get; init; }
    /// <summary>With a target size: what age that came to, or why it could not be reached.</summary>
    public string Note { get; init; } = "";
    /// <summary>One for each mailbox that had a match or a failure.</summary>
    public IReadOnlyList<ArchiveReceipt> Receipts { get; init; } = [];
}

/// <summary>A mailbox's archive.</summary>
public sealed record ArchiveInfo
{
    public required string Mailbox { get; init; }
    /// <summary>The folder that holds the archive files.</summary>
    public required string Path { get; init; }
    public long MessageCount { get; init; }
    /// <summary>Bytes of the raw messages.</summary>
    public long MessageBytes { get; init; }
    /// <summary>Bytes of the archive files.</summary>
    public long FileBytes { get; init; }
    public IReadOnlyList<string> Files { get; init; } = [];
    public DateTimeOffset? OldestStorageDate { get; init; }
    public DateTimeOffset? NewestStorageDate { get; init; }
    /// <summary>Whether it is barred: listed, and not to be read.</summary>
    public bool IsBlocked { get; init; }
    public string? BlockedBy { get; init; }
    public DateTimeOffset? BlockedSince { get; init; }
    public string? BlockReason { get; init; }
}
