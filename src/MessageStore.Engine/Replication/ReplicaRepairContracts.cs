namespace MessageStore;

/// <summary>How copies on storage nodes are tested and repaired.</summary>
public sealed record ReplicaRepairOptions
{
    /// <summary>Mend what is found; otherwise it is only counted.</summary>
    public bool Repair { get; init; }

    /// <summary>Read every copy and compare its SHA-256 (a scrub); otherwise units are asked what they hold.</summary>
    public bool ReadBodies { get; init; }

    /// <summary>Only these messages; empty for all, and then what no key names is looked for as well.</summary>
    public IReadOnlyList<Guid> Ids { get; init; } = [];

    /// <summary>Bytes a second at most; <see langword="null"/> for as fast as it goes.</summary>
    public long? BytesPerSecond { get; init; }

    /// <summary>How old a record without key must be before it is erased: a run that is under way has records whose keys are yet to come.</summary>
    public TimeSpan OrphanGrace { get; init; } = TimeSpan.FromDays(1);
}

/// <summary>What testing or repairing copies found and did.</summary>
public sealed record ReplicaRepairRun
{
    /// <summary>Messages with copies on storage nodes.</summary>
    public long Messages { get; init; }

    /// <summary>Messages that have fewer copies now than they should.</summary>
    public long UnderReplicated { get; init; }

    /// <summary>Messages of which no copy can be read now; they count as under-replicated too.</summary>
    public long Unreadable { get; init; }

    /// <summary>Messages whose copies were made whole.</summary>
    public long Restored { get; init; }

    /// <summary>Records without key that were erased.</summary>
    public long Erased { get; init; }

    /// <summary>Records that went with volumes that were due.</summary>
    public long Expired { get; init; }

    /// <summary>Bytes of records read.</summary>
    public long Bytes { get; init; }

    public TimeSpan Duration { get; init; }

    /// <summary>All units of registered nodes.</summary>
    public IReadOnlyList<StorageUnitStatus> Units { get; init; } = [];

    /// <summary>What went wrong, the first hundred.</summary>
    public IReadOnlyList<string> Problems { get; init; } = [];
}
