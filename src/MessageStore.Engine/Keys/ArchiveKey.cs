namespace MessageStore;

/// <summary>Where one copy of an archived message lies.</summary>
public sealed record ArchiveKey
{
    public required Guid Id { get; init; }
    public required string Mailbox { get; init; }
    /// <summary>The kind of place: <c>files</c> for archive files.</summary>
    public required string Target { get; init; }
    /// <summary>The disk or node: the archive path for archive files.</summary>
    public required string Unit { get; init; }
    /// <summary>The file in the unit, relative, with forward slashes.</summary>
    public required string Volume { get; init; }
    /// <summary>Where the record begins in the volume, in bytes.</summary>
    public required long Offset { get; init; }
    /// <summary>Length of the record (the gzip member) in bytes.</summary>
    public required long Length { get; init; }
    /// <summary>SHA-256 of the raw message in lower-case hex.</summary>
    public required string Sha256 { get; init; }
    public required DateTimeOffset StorageDate { get; init; }
    /// <summary>The day from which on the copy is to be deleted; <see langword="null"/> for never.</summary>
    public DateTimeOffset? DeletionDate { get; init; }
    /// <summary>When the message was deleted: the record is dead, and its space can be taken back. Says nothing while the message is there.</summary>
    internal DateTimeOffset? DeletedDate { get; init; }
}
