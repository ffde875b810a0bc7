using MessageStore.Storage;

namespace MessageStore.Archiving;

/// <summary>A mailbox with messages in its hidden folder, on its way from a seeker to an archiver (figure 5 at 562).</summary>
internal sealed record ArchiveTask(StorageGroup Group, string Mailbox, int MailboxNumber, long Matched, TimeSpan? RetainFor);
