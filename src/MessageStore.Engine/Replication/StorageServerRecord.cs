namespace MessageStore;

/// <summary>Whether a storage unit takes part.</summary>
public enum UnitAvailability
{
    /// <summary>Takes records and gives them out.</summary>
    Available,
    /// <summary>Gives records out and takes no more: full, or told so.</summary>
    ReadOnly,
    /// <summary>Taken out: its disk failed or is away.</summary>
    Unavailable,
}

/// <summary>What a storage server record says of one unit.</summary>
public sealed record StorageUnitRecord
{
    /// <summary>Name of the unit within its node: 1 to 32 of <c>a-z 0-9 -</c>.</summary>
    public required string Name { get; init; }

    public UnitAvailability Availability { get; init; }

    /// <summary>The database that it serves; <see langword="null"/> for the first that comes.</summary>
    public Guid? Database { get; init; }
}

/// <summary>
/// A storage server record: connection path, group, load and availability of a storage node, as a directory (a file, or DNS) holds it.
/// </summary>
public sealed record StorageServerRecord
{
    /// <summary>Name of the node: 1 to 32 of <c>a-z 0-9 -</c>, unique in its directory.</summary>
    public required string Name { get; init; }

    /// <summary>The connection path, such as <c>https://n1.example.org:7443</c>: scheme, host and port, nothing else.</summary>
    public required string Url { get; init; }

    /// <summary>The group: a higher number serves only where the lower ones cannot (priority of RFC 2782). 0 to 65535.</summary>
    public int Group { get; init; }

    /// <summary>How much of its group's load the node takes, in proportion (weight of RFC 2782). 0 to 65535; 0 only where no other is left.</summary>
    public int Weight { get; init; } = 1;

    public required IReadOnlyList<StorageUnitRecord> Units { get; init; }

    /// <summary>Until when the record holds unless it is refreshed; <see langword="null"/> for always.</summary>
    public DateTimeOffset? Expires { get; init; }
}
