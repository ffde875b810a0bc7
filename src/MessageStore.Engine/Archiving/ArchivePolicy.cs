namespace MessageStore;

/// <summary>What the archive agent does without being told: criteria, all of which must hold, and how long the archive keeps a message.</summary>
public sealed record ArchivePolicy
{
    /// <summary>Pattern of the mailboxes that it is for; <c>*</c> is the database's own, which any other overrides.</summary>
    public string Mailbox { get; init; } = "*";
    /// <summary>Take messages received longer ago than this.</summary>
    public TimeSpan? OlderThan { get; init; }
    public ReadState ReadState { get; init; } = ReadState.Any;
    /// <summary>Folder patterns; empty for all folders.</summary>
    public IReadOnlyList<string> Folders { get; init; } = [];
    /// <summary>Take only messages of at least this many bytes.</summary>
    public long? MinimumSize { get; init; }
    /// <summary>Leave flagged messages where they are.</summary>
    public bool KeepFlagged { get; init; }
    /// <summary>The deletion date is the storage date plus this; <see langword="null"/> for never.</summary>
    public TimeSpan? RetainFor { get; init; }
    /// <summary>Archive nothing here.</summary>
    public bool Never { get; init; }
    public string By { get; init; } = "";
    public DateTimeOffset? Since { get; init; }
}
