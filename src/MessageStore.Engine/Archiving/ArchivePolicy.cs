namespace MessageStore;

/// <summary>
/// What the archive agent does without being told: criteria, all of which must hold, and how long the archive keeps a message. What is <see langword="null"/> in the policy of a mailbox
/// is as in the policy of the database.
/// </summary>
public sealed record ArchivePolicy
{
    /// <summary>Take messages received longer ago than this. A policy without an age takes nothing.</summary>
    public TimeSpan? OlderThan { get; init; }
    public ReadState? ReadState { get; init; }
    /// <summary>Folder patterns.</summary>
    public IReadOnlyList<string>? Folders { get; init; }
    /// <summary>Take only messages of at least this many bytes.</summary>
    public long? MinimumSize { get; init; }
    /// <summary>Leave flagged messages where they are.</summary>
    public bool? KeepFlagged { get; init; }
    /// <summary>The deletion date is the storage date plus this; <see langword="null"/> for never.</summary>
    public TimeSpan? RetainFor { get; init; }
    /// <summary>Archive nothing.</summary>
    public bool? Never { get; init; }
}

/// <summary>A policy as it is on record.</summary>
public sealed record ArchivePolicyInfo
{
    /// <summary>The mailbox; <c>*</c> for the database's own.</summary>
    public required string Mailbox { get; init; }
    public required ArchivePolicy Policy { get; init; }
    /// <summary>What counts: this policy, and where it leaves something open that of the database.</summary>
    public required ArchivePolicy Effective { get; init; }
    public required string By { get; init; }
    public required DateTimeOffset Since { get; init; }
}
