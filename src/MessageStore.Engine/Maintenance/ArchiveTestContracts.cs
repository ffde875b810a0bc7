namespace MessageStore;

/// <summary>What to look at in the archive, and whether to mend the keys.</summary>
public sealed record ArchiveTestOptions
{
    /// <summary>Mailbox patterns (<c>*</c>, <c>?</c>); empty for all mailboxes.</summary>
    public IReadOnlyList<string> Mailboxes { get; init; } = [];
    /// <summary>Make the keys anew that are missing, from the records themselves, and remove those without a message.</summary>
    public bool Rebuild { get; init; }
}

/// <summary>Something in the archive that is not as it should be. Many records of one file are one finding.</summary>
public sealed record ArchiveFinding
{
    public string Mailbox { get; init; } = "";
    /// <summary>The archive file, or the archive folder.</summary>
    public string File { get; init; } = "";
    /// <summary>Where in the file, in bytes; <see langword="null"/> where all of it is meant.</summary>
    public long? Offset { get; init; }
    /// <summary>The message, where it is one.</summary>
    public Guid? Id { get; init; }
    /// <summary>How many messages it concerns.</summary>
    public long Messages { get; init; }
    public required string Problem { get; init; }
    /// <summary>Whether it is in order again.</summary>
    public bool IsRepaired { get; init; }
    /// <summary>Whether no mail is lost by it, and nothing needs to be done.</summary>
    public bool IsHarmless { get; init; }
}

/// <summary>The archive against the keys, and the keys against the archive.</summary>
public sealed record ArchiveTest
{
    public required string Database { get; init; }
    public DatabaseTestResult Result { get; init; }
    public int Files { get; init; }
    /// <summary>Records that were read and verified, on storage nodes and object storage too.</summary>
    public long Records { get; init; }
    public long Bytes { get; init; }
    /// <summary>Whole records without a key whose message the database does not have: newer than the backup that it was restored from, or deleted by a version that left no mark.</summary>
    public long Orphans { get; init; }
    /// <summary>Whole records whose message was deleted, by its user or with its mailbox. Remove-ExpiredMessage gives their space back.</summary>
    public long Deleted { get; init; }
    /// <summary>Bytes of these.</summary>
    public long DeletedBytes { get; init; }
    /// <summary>Whole records that nothing reads any more: recalled, or replaced by a newer one.</summary>
    public long Spare { get; init; }
    /// <summary>Archived messages whose record is missing or damaged.</summary>
    public long Missing { get; init; }
    public long KeysRebuilt { get; init; }
    public TimeSpan Duration { get; init; }
    /// <summary>All findings; <see cref="Findings"/> carries only so many.</summary>
    public long FindingCount { get; init; }
    /// <summary>The findings, the first <see cref="FindingsKept"/> of them.</summary>
    public IReadOnlyList<ArchiveFinding> Findings { get; init; } = [];

    /// <summary>How many findings a result carries. All are counted, and all are reported as they are found.</summary>
    public const int FindingsKept = 1000;
}
