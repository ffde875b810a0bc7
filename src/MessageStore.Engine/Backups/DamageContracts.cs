namespace MessageStore;

/// <summary>A stretch of a backup file that is not what was written.</summary>
public sealed record BackupDamage
{
    /// <summary>The backup file.</summary>
    public required string Path { get; init; }
    /// <summary>Where it begins, in bytes from the start of the file (with compression or encryption: of what the file unpacks to).</summary>
    public required long Offset { get; init; }
    /// <summary>Its length in bytes: the smallest stretch that can be told from what is whole, a frame as a rule.</summary>
    public required long Length { get; init; }
    /// <summary>The storage group that it belongs to; empty where it belongs to none.</summary>
    public string StorageGroup { get; init; } = "";
    /// <summary>What lies there, such as <c>segment 3 from 1048576</c>.</summary>
    public string Part { get; init; } = "";
    public required string Problem { get; init; }
}

/// <summary>A message of which a damaged backup does not hold all.</summary>
public sealed record LostMessage
{
    public required string StorageGroup { get; init; }
    public required string Mailbox { get; init; }
    public required string Folder { get; init; }
    public required Guid Id { get; init; }
    /// <summary>Its subject where that much is whole.</summary>
    public string Subject { get; init; } = "";
    public required DateTimeOffset ReceivedDate { get; init; }
    public required long Size { get; init; }
    public required string Reason { get; init; }
}
