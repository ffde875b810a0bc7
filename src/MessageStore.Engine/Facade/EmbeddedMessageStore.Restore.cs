using System.Runtime.CompilerServices;
using MessageStore.Archiving;
using MessageStore.Backups;
using MessageStore.Storage;

namespace MessageStore;

internal sealed partial class EmbeddedMessageStore
{
    public async IAsyncEnumerable<MessageRestore> RestoreMessagesAsync(MessageRestoreOptions options, IProgress<RunProgress>? progress = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await Task.Yield(); // looking into a backup takes a while, and is not asynchronous
        long count = 0;
        string doubt = "";
        foreach (FoundMessage found in BackupMessages.Find(database.Storage, options, Expired, database.Clock, progress, cancellationToken))
        {
            progress?.Report(new RunProgress("Restoring messages", found.Message.Mailbox, ++count, 0));
            MessageRestore result = await RestoreAsync(found, cancellationToken).ConfigureAwait(false);
            yield return result.Result == MessageRestoreResult.Restored ? result with { Reason = doubt } : result;
        }

        IReadOnlySet<Guid> Expired(IReadOnlySet<Guid> candidates)
        {
            try
            {
                return ExpiredOf(candidates);
            }
            catch (MessageStoreException error)
            {
                doubt = $"Whether it has expired since is not known: {error.Message}";
                return new HashSet<Guid>();
            }
        }
    }

    /// <summary>Which of some messages have expired: those must not come back, however they were kept. What users deleted themselves is what a backup is for.</summary>
    private HashSet<Guid> ExpiredOf(IReadOnlySet<Guid> candidates)
    {
        var files = (FileArchiveTarget)database.Archive.Find(FileArchiveTarget.TargetName)!;
        files.CheckAsync().AsTask().GetAwaiter().GetResult();
        return [.. files.Tombstones.Read().SelectMany(t => t.Ids).Where(candidates.Contains)];
    }

    /// <summary>Brings one message back under its own Id, in the mailbox and folder and with the flags that it had; what is missing of them is created.</summary>
    private async Task<MessageRestore> RestoreAsync(FoundMessage found, CancellationToken cancellationToken)
    {
        if (Mail.TryFind(found.Message.Id, out _, out _)) return MessageExtraction.Result(found, MessageRestoreResult.Present, "The database has it.");
        if (found.IsExpired) return MessageExtraction.Result(found, MessageRestoreResult.Expired, "Its deletion date passed after the backup was made, and it was removed for good.");
        if (found.Problem is not null) return MessageExtraction.Result(found, MessageRestoreResult.Failed, found.Problem);
        try
        {
            StorageGroup group = Mail.GroupOf(found.Message.Mailbox) ?? await CreateAsync(found, cancellationToken).ConfigureAwait(false);
            if (!group.TryFindMailbox(found.Message.Mailbox, out int mailbox)) throw NoMailbox(found.Message.Mailbox);
            ImageHeader image = found.Image;
            image.Mailbox = mailbox;
            image.Folder = await group.FolderAsync(mailbox, found.Message.Folder, cancellationToken).ConfigureAwait(false);
            image.Flags = found.Entry.Flags & (EntryFlags.UserMask | EntryFlags.Partial);
            await group.AdoptAsync(found.Entry, image, found.Source!).ConfigureAwait(false);
            return MessageExtraction.Result(found, MessageRestoreResult.Restored, "");
        }
        catch (MessageStoreException error) when (error.ErrorId is not (ErrorIds.GroupClosedForWriting or ErrorIds.DiskFull))
        {
            return MessageExtraction.Result(found, MessageRestoreResult.Failed, error.Message);
        }
    }

    private async Task<StorageGroup> CreateAsync(FoundMessage found, CancellationToken cancellationToken)
    {
        string? same = Mail.Groups.FirstOrDefault(g => g.Name.Equals(found.StorageGroup, StringComparison.OrdinalIgnoreCase))?.Name;
        return (await Mail.CreateMailboxAsync(found.Message.Mailbox, same, cancellationToken).ConfigureAwait(false)).Group;
    }
}
