namespace MessageStore.Archiving;

/// <summary>What an archive record says of itself in its gzip extra field, without being unpacked. Layout: docs/format-archive.md.</summary>
internal sealed record ArchivedRecordInfo
{
    public required Guid Id { get; init; }

    public required string Mailbox { get; init; }

    public required string Folder { get; init; }

    public MessageFlags Flags { get; init; }

    public required DateTimeOffset ReceivedDate { get; init; }

    public required DateTimeOffset StorageDate { get; init; }

    public DateTimeOffset? DeletionDate { get; init; }

    /// <summary>How it was compressed. What does not shrink is stored, whatever was asked for.</summary>
    public ArchiveCompression Compression { get; init; }

    /// <summary>Where the record begins in its volume.</summary>
    public long Offset { get; init; }

    /// <summary>Length of the record (the gzip member) in bytes.</summary>
    public required long Length { get; init; }

    /// <summary>Length of the gzip header in bytes, extra field included.</summary>
    public required int HeaderLength { get; init; }

    /// <summary>Length of the unpacked mbox entry in bytes.</summary>
    public required long EntryLength { get; init; }

    /// <summary>Length of the entry's <c>From </c> line in bytes, LF included.</summary>
    public required int FromLineLength { get; init; }

    /// <summary>Length of the raw message in bytes.</summary>
    public required long BodyLength { get; init; }

    /// <summary>SHA-256 of the raw message in lower-case hex.</summary>
    public required string Sha256 { get; init; }

    public ArchiveKey ToKey(string target, string unit, string volume) => new()
    {
        Id = Id,
        Mailbox = Mailbox,
        Target = target,
        Unit = unit,
        Volume = volume,
        Offset = Offset,
        Length = Length,
        Sha256 = Sha256,
        StorageDate = StorageDate,
        DeletionDate = DeletionDate,
    };
}
