namespace MessageStore;

/// <summary>A message as a list shows it: identity, place, flags and the summary of its header.</summary>
public sealed record StoredMessage
{
    /// <summary>Identity for life, a UUIDv7 (RFC 9562 §5.7) made when the message was stored.</summary>
    public required Guid Id { get; init; }
    public required string Mailbox { get; init; }
    public required string Folder { get; init; }
    public required DateTimeOffset ReceivedDate { get; init; }
    public string From { get; init; } = "";
    public string To { get; init; } = "";
    public string Subject { get; init; } = "";
    /// <summary>The header's <c>Date</c>; <see langword="null"/> where missing or beyond understanding.</summary>
    public DateTimeOffset? Date { get; init; }
    public string MessageIdHeader { get; init; } = "";
    /// <summary>Length of the raw message in bytes.</summary>
    public required long Size { get; init; }
    public MessageFlags Flags { get; init; }
    /// <summary>Whether the bytes lie in the archive.</summary>
    public bool IsArchived { get; init; }
    /// <summary>Whether the header was beyond understanding in part.</summary>
    public bool IsPartial { get; init; }
    /// <summary>
    /// Whether its summary in the store cannot be read: sender, subject and digest are not known then, place and flags are. <c>Test-MessageDatabase -Repair</c> looks for a good copy.
    /// </summary>
    public bool IsDamaged { get; init; }
    /// <summary>SHA-256 of the raw message in lower-case hex; empty where <see cref="IsDamaged"/>.</summary>
    public string Sha256 { get; init; } = "";
    public bool IsRead => (Flags & MessageFlags.Read) != 0;
    public bool IsFlagged => (Flags & MessageFlags.Flagged) != 0;
}
