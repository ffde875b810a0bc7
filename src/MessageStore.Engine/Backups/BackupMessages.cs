using MessageStore.IO;
using MessageStore.Messages;
using MessageStore.Storage;

namespace MessageStore.Backups;

/// <summary>A message found in a backup.</summary>
/// <param name="Source">Its image; every byte of it was verified, unless there is a problem.</param>
/// <param name="Problem">Why it cannot be taken; <see langword="null"/> where it can.</param>
internal sealed record FoundMessage(StoredMessage Message, string StorageGroup, IndexEntry Entry, ImageHeader Image, ImageSource? Source, string? Problem)
{
    /// <summary>Whether its deletion date has passed since.</summary>
    public bool IsExpired { get; init; }
}

/// <summary>Finds messages in a backup where they lie, also in a damaged one: what is whole is found.</summary>
internal static class BackupMessages
{
    /// <summary>How many messages the expired ones are picked from at a time.</summary>
    private const int AskedAtOnce = 4096;

    private static readonly HashSet<Guid> NoIds = [];

    private static readonly string InArchive = "When the backup was made its body lay in the archive already, and the backup has none of it. Look for it with Get-StoredMessage, or in the archive's files.";

    /// <summary>The messages that meet the criteria, mailbox by mailbox in order of arrival, then an entry for each Id that was not found.</summary>
    /// <param name="expired">Says which messages have expired; asked for many at a time.</param>
    /// <exception cref="MessageStoreException">InvalidParameter without a criterion, BackupNotFound, MailboxNotFound, BackupDamaged where the file does not even say what it holds.</exception>
    public static IEnumerable<FoundMessage> Find(IStorage storage, MessageRestoreOptions options, Func<IReadOnlySet<Guid>, IReadOnlySet<Guid>>? expired, TimeProvider clock, IProgress<RunProgress>? progress, CancellationToken cancellationToken)
    {
        if (options is { Ids.Count: 0, Mailbox: null, Folder: null, ReceivedAfter: null, ReceivedBefore: null })
            throw new MessageStoreException(ErrorIds.InvalidParameter, ErrorKind.InvalidArgument,
                "Say which messages to take: by Id, mailbox, folder or date received. All of a database is restored with Restore-MessageDatabase.", options.BackupPath);
        string path = BackupCatalog.Newest(storage, options.BackupPath, clock);
        using BackupKey? key = BackupKey.Open(storage, options.Key);
        using BackupContent content = BackupContent.Open(storage, path, key, verify: false, cancellationToken);
        var missing = new HashSet<Guid>(options.Ids);
        bool sawMailbox = false;
        foreach (string name in content.Groups)
        {
            progress?.Report(new RunProgress("Looking into the backup", name, 0, 0));
            using BackupGroupView view = content.Open(name, [], ReplayLimit.None, cancellationToken);
            List<MailboxState> mailboxes = [.. view.Mailboxes.Where(m => options.Mailbox is null || Wildcard.Matches(options.Mailbox, m.Name))];
            sawMailbox |= mailboxes.Count > 0;
            foreach ((MailboxState Mailbox, IndexEntry Entry)[] some in mailboxes.SelectMany(m => view.List(m).Where(e => Matches(options, m, e)).Select(e => (m, e))).Chunk(AskedAtOnce))
            {
                IReadOnlySet<Guid> gone = expired?.Invoke(some.Select(s => s.Entry.Id.ToGuid()).ToHashSet()) ?? NoIds;
                foreach ((MailboxState mailbox, IndexEntry entry) in some)
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    missing.Remove(entry.Id.ToGuid());
                    yield return Take(view, mailbox, entry) with { IsExpired = gone.Contains(entry.Id.ToGuid()) };
                }
            }
        }
        if (!sawMailbox && options.Mailbox is { } wanted && !Wildcard.IsPattern(wanted))
            throw new MessageStoreException(ErrorIds.MailboxNotFound, ErrorKind.NotFound, $"Backup {path} has no mailbox '{wanted}'.", wanted);
        foreach (Guid id in missing)
        {
            var nothing = new StoredMessage { Id = id, Mailbox = "", Folder = "", ReceivedDate = default, Size = 0 };
            yield return new FoundMessage(nothing, "", default, default, null, $"Backup {path} holds no such message that meets the criteria.");
        }
    }

    private static bool Matches(MessageRestoreOptions options, MailboxState mailbox, in IndexEntry entry) =>
        (options.Ids.Count == 0 || options.Ids.Contains(entry.Id.ToGuid()))
        && (options.Folder is null || Wildcard.Matches(options.Folder, mailbox.Folders[entry.Folder].Name))
        && (options.ReceivedAfter is not { } after || entry.ReceivedTicks >= after.UtcTicks)
        && (options.ReceivedBefore is not { } before || entry.ReceivedTicks < before.UtcTicks);

    private static FoundMessage Take(BackupGroupView view, MailboxState mailbox, in IndexEntry entry)
    {
        string? problem = view.Verify(entry, out ImageSource source, out ImageHeader image);
        if (problem is not null) problem = $"It is not whole in the backup: {problem}.";
        else if (entry.IsArchived) problem = InArchive;
        var message = new StoredMessage
        {
            Id = entry.Id.ToGuid(),
            Mailbox = mailbox.Name,
            Folder = mailbox.Folders[entry.Folder].Name,
            ReceivedDate = new DateTimeOffset(entry.ReceivedTicks, TimeSpan.Zero),
            Subject = view.SubjectOf(entry),
            Size = entry.Length,
            Flags = (MessageFlags)(entry.Flags & EntryFlags.UserMask),
            IsArchived = entry.IsArchived,
        };
        return new FoundMessage(message, view.Name, entry, image, source, problem);
    }
}
