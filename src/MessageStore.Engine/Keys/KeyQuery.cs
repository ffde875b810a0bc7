namespace MessageStore.Keys;

/// <summary>Which keys are meant; what is not given does not restrict.</summary>
internal sealed record KeyQuery
{
    /// <summary>The mailbox, upper and lower case alike.</summary>
    public string? Mailbox { get; init; }

    public string? Target { get; init; }

    /// <summary>The unit: all copies that lie on it.</summary>
    public string? Unit { get; init; }

    /// <summary>Keys whose deletion date is this or earlier.</summary>
    public DateTimeOffset? DueAt { get; init; }

    /// <summary>Keys whose message was deleted at this time or earlier.</summary>
    public DateTimeOffset? DeletedAt { get; init; }

    public bool Matches(ArchiveKey key) =>
        (Mailbox is null || Mailbox.Equals(key.Mailbox, StringComparison.OrdinalIgnoreCase))
        && (Target is null || Target == key.Target)
        && (Unit is null || Unit == key.Unit)
        && (DueAt is not { } due || key.DeletionDate <= due)
        && (DeletedAt is not { } deleted || key.DeletedDate <= deleted);
}
