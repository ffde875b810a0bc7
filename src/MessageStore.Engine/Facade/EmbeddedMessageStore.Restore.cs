using System.Runtime.CompilerServices;
using MessageStore.Backups;
using MessageStore.Storage;

namespace MessageStore;

internal sealed partial class EmbeddedMessageStore
{
    public async IAsyncEnumerable<MessageRestore> RestoreMessagesAsync(MessageRestoreOptions options, IProgress<RunProgress>? progress = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await Task.Yield(); // looking into a backup takes a while, and is not asynchronous
        long count = 0;
        foreach (FoundMessage found in BackupMessages.Find(database.Storage, options, database.Clock, progress, cancellationToken))
        {
            progress?.Report(new RunProgress("Restoring messages", found.Message.Mailbox, ++count, 0));
            yield return await RestoreAsync(found, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Brings one message back under its own Id, in the mailbox and folder and with the flags that it had; what is missing of them is created.</summary>
    private async Task<MessageRestore> RestoreAsync(FoundMessage found, CancellationToken cancellationToken)
    {
        if (Mail.TryFind(found.Message.Id, out _, out _)) return MessageExtraction.Result(found, MessageRestoreResult.Present, "The database has it.");
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
