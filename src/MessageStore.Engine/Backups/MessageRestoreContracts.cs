namespace MessageStore;

/// <summary>Which messages are to be taken from a backup. At least one criterion must be given; they all have to be met.</summary>
public sealed record MessageRestoreOptions
{
    /// <summary>A backup file, or a folder whose newest complete backup is taken.</summary>
    public required string BackupPath { get; init; }
    /// <summary>What the backup is encrypted with; <see langword="null"/> where it is not.</summary>
    public BackupKeySource? Key { get; init; }
    public IReadOnlyList<Guid> Ids { get; init; } = [];
    /// <summary>Mailbox name; <c>*</c> and <c>?</c> are allowed.</summary>
    public string? Mailbox { get; init; }
    /// <summary>Folder name; <c>*</c> and <c>?</c> are allowed.</summary>
    public string? Folder { get; init; }
    /// <summary>Received at this time or later.</summary>
    public DateTimeOffset? ReceivedAfter { get; init; }
    /// <summary>Received before this time.</summary>
    public DateTimeOffset? ReceivedBefore { get; init; }
}

public enum MessageRestoreResult
{
    Restored,
    /// <summary>The database has it: a message is recognised by its Id, wherever it has been moved. Nothing was changed.</summary>
    Present,
    Failed,
    /// <summary>Its deletion date passed after the backup was made, and it was removed for good. Nothing was changed.</summary>
    Expired,
}

/// <summary>What became of one message of a backup.</summary>
public sealed record MessageRestore
{
    public required Guid Id { get; init; }
    public required MessageRestoreResult Result { get; init; }
    public string Mailbox { get; init; } = "";
    public string Folder { get; init; } = "";
    public string Subject { get; init; } = "";
    public DateTimeOffset ReceivedDate { get; init; }
    /// <summary>Length of the raw message in bytes.</summary>
    public long Size { get; init; }
    public MessageFlags Flags { get; init; }
    /// <summary>Why it was not restored; empty where it was.</summary>
    public string Reason { get; init; } = "";
}
