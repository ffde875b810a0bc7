namespace MessageStore;

/// <summary>A barred archive: what lies there is listed and cannot be read.</summary>
public sealed record ArchiveBlock
{
    public required Guid Id { get; init; }
    /// <summary>Pattern of the mailboxes whose archives are barred; <c>*</c> for all.</summary>
    public required string Mailbox { get; init; }
    public required string By { get; init; }
    public required DateTimeOffset Since { get; init; }
    public required string Reason { get; init; }
    public bool InForce { get; init; }
    public string? LiftedBy { get; init; }
    public DateTimeOffset? LiftedDate { get; init; }
    public string? LiftReason { get; init; }
}

/// <summary>Messages that nobody can delete, not even the passing of their deletion date.</summary>
public sealed record MessageHold
{
    public required Guid Id { get; init; }
    /// <summary>Pattern of the mailboxes; <see langword="null"/> where the hold names its messages one by one.</summary>
    public string? Mailbox { get; init; }
    /// <summary>Covers what was received at this time or later.</summary>
    public DateTimeOffset? ReceivedAfter { get; init; }
    /// <summary>Covers what was received before this time.</summary>
    public DateTimeOffset? ReceivedBefore { get; init; }
    /// <summary>How many messages the hold names one by one.</summary>
    public int MessageCount { get; init; }
    public required string By { get; init; }
    public required DateTimeOffset Since { get; init; }
    public required string Reason { get; init; }
    public bool InForce { get; init; }
    public string? LiftedBy { get; init; }
    public DateTimeOffset? LiftedDate { get; init; }
    public string? LiftReason { get; init; }
}

/// <summary>What is to be held: a mailbox pattern, with or without a range of received dates, or messages one by one.</summary>
public sealed record HoldRequest
{
    public string? Mailbox { get; init; }
    public DateTimeOffset? ReceivedAfter { get; init; }
    public DateTimeOffset? ReceivedBefore { get; init; }
    public IReadOnlyList<Guid> Ids { get; init; } = [];
    public required string Reason { get; init; }
    public required string By { get; init; }
}

/// <summary>What became of a message that was to come back from the archive.</summary>
public sealed record MessageRecall
{
    /// <summary>The message, or the first of several.</summary>
    public required Guid Id { get; init; }
    /// <summary>The message as it is now; <see langword="null"/> where it failed.</summary>
    public StoredMessage? Message { get; init; }
    /// <summary>Stable identifier of the error; empty where there was none.</summary>
    public string ErrorId { get; init; } = "";
    /// <summary>Why it failed; empty where it did not.</summary>
    public string Reason { get; init; } = "";
    /// <summary>How many messages it is about: more than one where an archive file is missing, which is said once for all that lie in it.</summary>
    public long Messages { get; init; } = 1;
}
