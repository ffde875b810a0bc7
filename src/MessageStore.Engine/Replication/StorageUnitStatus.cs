namespace MessageStore;

/// <summary>A storage unit as it is now.</summary>
public sealed record StorageUnitStatus
{
    /// <summary>The unit as keys name it: <c>node/unit</c>.</summary>
    public required string Name { get; init; }

    /// <summary>Its folder on the node.</summary>
    public required string Folder { get; init; }

    public UnitAvailability Availability { get; init; }

    /// <summary>The database that it serves; <see langword="null"/> where it does not say.</summary>
    public Guid? Database { get; init; }

    /// <summary>Why it takes no records; empty where it does.</summary>
    public string Reason { get; init; } = "";

    public long RecordCount { get; init; }

    public long VolumeCount { get; init; }

    /// <summary>Bytes of all volumes.</summary>
    public long Bytes { get; init; }

    /// <summary>What opening it found: tails cut off, stretches that are damaged.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];
}
