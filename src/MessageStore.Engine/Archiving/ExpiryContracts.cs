namespace MessageStore;

/// <summary>Where to look for what has expired.</summary>
public sealed record ExpiryOptions
{
    /// <summary>Mailbox patterns (<c>*</c>, <c>?</c>); empty for all mailboxes.</summary>
    public IReadOnlyList<string> Mailboxes { get; init; } = [];
    /// <summary>Records of messages that their users deleted are kept at least this long, so that a restore to a time before the deletion finds them.</summary>
    public TimeSpan KeepDeletedFor { get; init; } = TimeSpan.FromDays(30);
    /// <summary>An archive file is written anew where such records are at least this share of it, 0 to 1.</summary>
    public double MinimumDeadShare { get; init; } = 0.25;
    /// <summary>Only find and count: nothing is removed.</summary>
    public bool DryRun { get; init; }
}

/// <summary>What had expired in one mailbox, and what became of it.</summary>
public sealed record ExpiryReceipt
{
    public required string Mailbox { get; init; }
    /// <summary>Messages whose deletion date has passed.</summary>
    public long Due { get; init; }
    public long Removed { get; init; }
    /// <summary>Kept, because a hold covers them.</summary>
    public long Held { get; init; }
    public long Failed { get; init; }
    /// <summary>Records given up whose messages their users had deleted; in a dry run, those that would be.</summary>
    public long Reclaimed { get; init; }
    /// <summary>Bytes that the archive files became shorter.</summary>
    public long BytesFreed { get; init; }
    /// <summary>Why messages were kept or could not be removed; empty where all were.</summary>
    public string Reason { get; init; } = "";
}

/// <summary>The result of a run that removes what has expired.</summary>
public sealed record ExpiryRun
{
    public required Guid Id { get; init; }
    public required string Database { get; init; }
    public required DateTimeOffset Started { get; init; }
    public long Due { get; init; }
    public long Removed { get; init; }
    public long Held { get; init; }
    public long Failed { get; init; }
    /// <summary>Records given up whose messages their users had deleted, or whose mailbox was removed.</summary>
    public long Reclaimed { get; init; }
    public long BytesFreed { get; init; }
    /// <summary>Archive files of which nothing was left.</summary>
    public int FilesDeleted { get; init; }
    /// <summary>Archive files that were written anew without what had expired.</summary>
    public int FilesRewritten { get; init; }
    public TimeSpan Duration { get; init; }
    public bool DryRun { get; init; }
    /// <summary>One for each mailbox in which something had expired.</summary>
    public IReadOnlyList<ExpiryReceipt> Receipts { get; init; } = [];
}
