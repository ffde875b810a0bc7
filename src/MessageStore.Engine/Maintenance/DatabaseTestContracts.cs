namespace MessageStore;

/// <summary>What a test of a database reads, and whether it repairs.</summary>
public sealed record DatabaseTestOptions
{
    /// <summary>Names of the storage groups; all where it is empty.</summary>
    public IReadOnlyList<string> StorageGroups { get; init; } = [];
    /// <summary>Put good copies from logs, backups or archive in the place of what is damaged, and take what is damaged out of archive files.</summary>
    public bool Repair { get; init; }
    /// <summary>What the backups are encrypted with, for taking good copies from them; <see langword="null"/>: encrypted ones are passed over.</summary>
    public BackupKeySource? BackupKey { get; init; }
    /// <summary>Do not read the archive: only look whether each archived message has a key.</summary>
    public bool SkipArchive { get; init; }
}

/// <summary>What a test found.</summary>
public enum DatabaseTestResult
{
    /// <summary>Everything is as it was written.</summary>
    Whole,
    /// <summary>There was damage, and all of it is repaired.</summary>
    Repaired,
    /// <summary>There is damage.</summary>
    Damaged,
}

/// <summary>One thing that is not as it was written.</summary>
public sealed record DatabaseFinding
{
    public string StorageGroup { get; init; } = "";
    /// <summary>The mailbox; empty where it is no message that is damaged.</summary>
    public string Mailbox { get; init; } = "";
    public Guid? Id { get; init; }
    /// <summary>The message's subject where it can be read.</summary>
    public string Subject { get; init; } = "";
    public string File { get; init; } = "";
    /// <summary>Where in the file, in bytes; <see langword="null"/> where it is the file as a whole.</summary>
    public long? Offset { get; init; }
    public required string Problem { get; init; }
    /// <summary>Where a good copy was taken from; empty where it is not repaired.</summary>
    public string RepairedFrom { get; init; } = "";
    public bool IsRepaired => RepairedFrom.Length > 0;
}

/// <summary>The result of a test of a database.</summary>
public sealed record DatabaseTest
{
    public required string Database { get; init; }
    public required DatabaseTestResult Result { get; init; }
    /// <summary>Messages looked at, hot and archived.</summary>
    public long Messages { get; init; }
    /// <summary>Findings.</summary>
    public long Damaged { get; init; }
    /// <summary>How many of them are repaired.</summary>
    public long Repaired { get; init; }
    /// <summary>Bytes read.</summary>
    public long Bytes { get; init; }
    public TimeSpan Duration { get; init; }
    /// <summary>The findings, the first <see cref="FindingsKept"/> of them.</summary>
    public IReadOnlyList<DatabaseFinding> Findings { get; init; } = [];

    /// <summary>How many findings a result carries. All are counted, and all are reported as they are found.</summary>
    public const int FindingsKept = 10_000;
}
