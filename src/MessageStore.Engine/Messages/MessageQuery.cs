namespace MessageStore;

/// <summary>Which messages to list; all conditions hold together, an empty query is everything.</summary>
public sealed record MessageQuery
{
    public IReadOnlyList<Guid> Ids { get; init; } = [];
    /// <summary>Mailbox name, may hold <c>*</c> and <c>?</c>.</summary>
    public string? Mailbox { get; init; }
    /// <summary>Folder name, may hold <c>*</c> and <c>?</c>.</summary>
    public string? Folder { get; init; }
    /// <summary>At or after.</summary>
    public DateTimeOffset? ReceivedAfter { get; init; }
    /// <summary>Before.</summary>
    public DateTimeOffset? ReceivedBefore { get; init; }
    /// <summary>Part of the sender, or a pattern where it holds <c>*</c> or <c>?</c>; letter case is ignored.</summary>
    public string? From { get; init; }
    /// <summary>Part of the subject, or a pattern where it holds <c>*</c> or <c>?</c>; letter case is ignored.</summary>
    public string? Subject { get; init; }
    public bool? IsRead { get; init; }
    public bool? IsArchived { get; init; }
}
