namespace MessageStore;

/// <summary>What a user has done with a message (RFC 3501 §2.3.2 system flags).</summary>
[Flags]
public enum MessageFlags
{
    None = 0,
    Read = 1,
    Flagged = 2,
    Answered = 4,
    Draft = 8,
}
