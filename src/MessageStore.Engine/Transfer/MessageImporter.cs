using MessageStore.Messages;

namespace MessageStore;

/// <summary>Imports files of mail into a database.</summary>
public static class MessageImporter
{
    /// <summary>
    /// Imports whatever mail lies at a path (<see cref="MailFiles"/>). One bad message, or one bad file of a folder, does not end it.
    /// </summary>
    /// <remarks>
    /// Several messages are under way at a time, so that the store commits them as a group. The received date is the source's; where it has none, the store
    /// takes it from the header. The callbacks are called one at a time, in the order of the source, from any thread.
    /// </remarks>
    /// <param name="store">The database.</param>
    /// <param name="path">A file or a folder.</param>
    /// <param name="options">Where the messages go.</param>
    /// <param name="stored">Gets each message once it is durable.</param>
    /// <param name="failed">Gets the error of each message or file that could not be imported.</param>
    /// <param name="progress">Counts messages; the total is not known.</param>
    /// <param name="cancellationToken">Ends the import; what is under way is still finished and counted.</param>
    /// <exception cref="MessageStoreException">
    /// PathNotFound and InvalidName, before anything was done. Whatever keeps the store from taking messages at all, such as GroupClosedForWriting, DiskFull,
    /// DatabaseInUse or MailboxNotFound: the message says how many were imported until then.
    /// </exception>
    public static Task<ImportResult> ImportAsync(
        IMessageStore store,
        string path,
        ImportOptions options,
        Action<StoredMessage>? stored = null,
        Action<MessageStoreException>? failed = null,
        IProgress<RunProgress>? progress = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(store);
        ArgumentNullException.ThrowIfNull(options);
        MailboxNames.CheckMailbox(options.Mailbox);
        if (options.Folder is not null) MailboxNames.CheckFolder(options.Folder);
        IEnumerable<SourceItem> source = MailFiles.Open(path);
        var run = new ImportRun(store, Path.GetFullPath(path), options, stored, failed, progress);
        // Reading files blocks, and the caller's thread may be one that must not.
        return Task.Run(() => run.RunAsync(source, cancellationToken), CancellationToken.None);
    }
}
