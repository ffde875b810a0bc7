namespace MessageStore;

using MessageStore.Messages;

/// <summary>A message to be stored.</summary>
public sealed record MessageToAppend
{
    public required string Mailbox { get; init; }

    public string Folder { get; init; } = StoreLimits.Inbox;

    /// <summary>The raw bytes; the caller disposes it after the append has ended.</summary>
    public required MessageBody Body { get; init; }

    /// <summary>When the message was received; <see langword="null"/>: its topmost <c>Received</c> field, else <c>Date</c>, else now.</summary>
    public DateTimeOffset? ReceivedDate { get; init; }

    public MessageFlags Flags { get; init; }

    /// <summary>Whether a missing mailbox is created.</summary>
    public bool CreateMailbox { get; init; } = true;

    /// <summary>Whether the message is stored only once copies of it lie on the storage nodes as well, as many as the database wants.</summary>
    public bool Journal { get; init; }
}
