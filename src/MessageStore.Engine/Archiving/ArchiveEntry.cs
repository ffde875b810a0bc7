using MessageStore.Messages;

namespace MessageStore.Archiving;

/// <summary>A message on its way into an archive: what its record is made from.</summary>
internal sealed record ArchiveEntry
{
    public required Guid Id { get; init; }

    public required string Mailbox { get; init; }

    public required string Folder { get; init; }

    public MessageFlags Flags { get; init; }

    /// <summary>The <c>From</c> field, for the mbox From line; empty where there is none.</summary>
    public string Sender { get; init; } = "";

    public required DateTimeOffset ReceivedDate { get; init; }

    /// <summary>When it is archived; decides the volume.</summary>
    public required DateTimeOffset StorageDate { get; init; }

    /// <summary>The day from which on it is to be deleted; <see langword="null"/> for never.</summary>
    public DateTimeOffset? DeletionDate { get; init; }

    /// <summary>The raw bytes; the caller disposes it.</summary>
    public required MessageBody Body { get; init; }
}
