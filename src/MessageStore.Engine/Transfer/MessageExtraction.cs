using System.Runtime.CompilerServices;
using MessageStore.Backups;
using MessageStore.IO;
using MessageStore.Messages;
using MessageStore.Storage;

namespace MessageStore;

/// <summary>Takes messages from a backup into <c>.eml</c> files, below <c>&lt;mailbox&gt;/&lt;folder&gt;/</c>, without any database.</summary>
internal static class MessageExtraction
{
    public static async IAsyncEnumerable<MessageRestore> RunAsync(
        IStorage storage, MessageRestoreOptions options, string destination, bool force, TimeProvider clock, IProgress<RunProgress>? progress, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await Task.Yield(); // looking into a backup takes a while, and is not asynchronous
        EmlFolder? folder = null;
        try
        {
            long count = 0;
            foreach (FoundMessage found in BackupMessages.Find(storage, options, null, clock, progress, cancellationToken))
            {
                progress?.Report(new RunProgress("Restoring messages", found.Message.Mailbox, ++count, 0));
                if (found.Problem is null) folder ??= new EmlFolder(destination, byMailbox: true, force);
                yield return await WriteAsync(found, folder, cancellationToken).ConfigureAwait(false);
            }
        }
        finally
        {
            folder?.Dispose();
        }
    }

    public static MessageRestore Result(FoundMessage found, MessageRestoreResult result, string reason) => new()
    {
        Id = found.Message.Id,
        Result = result,
        Mailbox = found.Message.Mailbox,
        Folder = found.Message.Folder,
        Subject = found.Message.Subject,
        ReceivedDate = found.Message.ReceivedDate,
        Size = found.Message.Size,
        Flags = found.Message.Flags,
        Reason = reason,
    };

    private static async Task<MessageRestore> WriteAsync(FoundMessage found, EmlFolder? folder, CancellationToken cancellationToken)
    {
        if (found.Problem is not null) return Result(found, MessageRestoreResult.Failed, found.Problem);
        try
        {
            using MessageBody body = MessageBody.FromStream(new ImageBodyStream(found.Source!, found.Entry), found.Message.Id.ToString());
            await folder!.WriteAsync(found.Message, body, cancellationToken).ConfigureAwait(false);
            return Result(found, MessageRestoreResult.Restored, "");
        }
        catch (MessageStoreException error) when (error.ErrorId == ErrorIds.FileExists)
        {
            return Result(found, MessageRestoreResult.Present, error.Message);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw StorageErrors.Wrap(error, "writing messages", found.Message.Id.ToString());
        }
    }
}
