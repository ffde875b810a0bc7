using System.Runtime.ExceptionServices;
using MessageStore.Messages;

namespace MessageStore;

/// <summary>One import under way: a bounded window of appends, taken in the order of the source.</summary>
internal sealed class ImportRun(
    IMessageStore store,
    string path,
    ImportOptions options,
    Action<StoredMessage>? stored,
    Action<MessageStoreException>? failed,
    IProgress<RunProgress>? progress)
{
    /// <summary>How many appends are under way at most: as many writers as group commit is measured with.</summary>
    private const int WindowMessages = 64;

    /// <summary>How many bytes of bodies are under way at most (32 MiB), unless a single one is longer.</summary>
    private const long WindowBytes = 32 << 20;

    private readonly Queue<(SourceMessage Message, Task<StoredMessage> Append)> window = new();
    private readonly TransferTally tally = new("Importing mail", path, progress);
    private readonly HashSet<string> folders = new(StringComparer.OrdinalIgnoreCase);
    private long windowBytes;
    private Exception? fatal;

    public async Task<ImportResult> RunAsync(IEnumerable<SourceItem> source, CancellationToken cancellationToken)
    {
        try
        {
            foreach (SourceItem item in source)
            {
                if (!item.IsMessage)
                {
                    // Errors keep their place in the order of the source.
                    while (window.Count > 0) await TakeOldestAsync().ConfigureAwait(false);
                    Fail(item.Error);
                }
                else
                {
                    long length = item.Message.Body.Length;
                    while (fatal is null && window.Count > 0 && (window.Count >= WindowMessages || windowBytes + length > WindowBytes))
                        await TakeOldestAsync().ConfigureAwait(false);
                    if (fatal is null && !cancellationToken.IsCancellationRequested) Start(item.Message);
                    else item.Message.Body.Dispose();
                    // The first message of a folder may have to create it; those behind it would overtake one another while they wait.
                    if (folders.Add(item.Message.Folder ?? ""))
                        while (window.Count > 0) await TakeOldestAsync().ConfigureAwait(false);
                }
                if (fatal is not null || cancellationToken.IsCancellationRequested) break;
            }
        }
        catch (Exception error)
        {
            // A callback's or a reader's own fault: what is under way must still be waited for, as it reads from bodies.
            fatal ??= error;
        }
        while (window.Count > 0) await TakeOldestAsync().ConfigureAwait(false);
        if (fatal is MessageStoreException own) throw WithCount(own);
        if (fatal is not null) ExceptionDispatchInfo.Throw(fatal);
        cancellationToken.ThrowIfCancellationRequested();
        return new ImportResult
        {
            Path = path,
            Mailbox = options.Mailbox,
            Imported = tally.Done,
            Failed = tally.Failed,
            Partial = tally.Partial,
            Bytes = tally.Bytes,
            Duration = tally.Duration,
            Errors = tally.Errors,
        };
    }

    private void Start(SourceMessage message)
    {
        var append = new MessageToAppend
        {
            Mailbox = options.Mailbox,
            Folder = options.Folder ?? message.Folder ?? StoreLimits.Inbox,
            Body = message.Body,
            ReceivedDate = message.ReceivedDate,
            Flags = message.Flags,
            CreateMailbox = !options.RequireMailbox,
            Journal = options.Journal,
        };
        Task<StoredMessage> task;
        try
        {
            // Not cancelled half-way: a message that is on its way is finished, and so counted for certain.
            task = store.AppendAsync(append, CancellationToken.None);
        }
        catch (Exception error)
        {
            task = Task.FromException<StoredMessage>(error);
        }
        window.Enqueue((message, task));
        windowBytes += message.Body.Length;
    }

    private async Task TakeOldestAsync()
    {
        (SourceMessage message, Task<StoredMessage> append) = window.Dequeue();
        windowBytes -= message.Body.Length;
        try
        {
            StoredMessage done = await append.ConfigureAwait(false);
            tally.Add(done.Size, done.IsPartial);
            // Whoever threw from a callback is not called again; a store that failed is no reason to hide what is durable.
            if (fatal is null or MessageStoreException) stored?.Invoke(done);
        }
        catch (MessageStoreException error) when (append.IsFaulted && IsOfTheMessage(error))
        {
            Fail(new MessageStoreException(error.ErrorId, error.Kind, $"{message.Origin}: {error.Message}", message.Origin, error));
        }
        catch (Exception error)
        {
            fatal ??= error;
        }
        finally
        {
            message.Body.Dispose();
        }
    }

    /// <summary>Whether only this message cannot be stored; any other error of the store would meet the next one too.</summary>
    private static bool IsOfTheMessage(MessageStoreException error) =>
        error.ErrorId is ErrorIds.MessageTooLarge or ErrorIds.MessageDamaged;

    private void Fail(MessageStoreException error)
    {
        tally.Add(error);
        failed?.Invoke(error);
    }

    private MessageStoreException WithCount(MessageStoreException error) => new(
        error.ErrorId, error.Kind, $"{error.Message} The import of {path} ended there; {tally.Done} of its messages were imported.", error.Target, error);
}
