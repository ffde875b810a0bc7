using MessageStore.Archiving;
using MessageStore.IO;
using MessageStore.Messages;

namespace MessageStore;

/// <summary>Exports messages, hot or archived, to files that any mail program reads.</summary>
public static class MessageExporter
{
    private const string Wildcards = "*?";

    /// <summary>
    /// Exports the messages of a query. A message that cannot be read is counted and passed over; each one is read whole and compared with its SHA-256
    /// before its first byte is written.
    /// </summary>
    /// <remarks>
    /// Eml: files lie below <c>&lt;mailbox&gt;/&lt;folder&gt;/</c> where the query can reach more than one mailbox. Mbox: what does not end with a
    /// line end gets one; everything else comes back byte for byte.
    /// </remarks>
    /// <param name="store">The database.</param>
    /// <param name="query">Which messages.</param>
    /// <param name="options">Where to, and in which form.</param>
    /// <param name="failed">Gets the error of each message that was passed over, one at a time; one for all messages of an archive file that is missing, at the end.</param>
    /// <param name="progress">Counts messages; the total is not known.</param>
    /// <param name="cancellationToken">Ends the export; an mbox file is not left behind then.</param>
    /// <exception cref="MessageStoreException">
    /// FileExists where the mbox file is there and <see cref="ExportOptions.Force"/> is not set; DiskFull, AccessDenied and DeviceFailed of the target;
    /// what the database says when it cannot list messages.
    /// </exception>
    public static async Task<ExportResult> ExportAsync(
        IMessageStore store,
        MessageQuery query,
        ExportOptions options,
        Action<MessageStoreException>? failed = null,
        IProgress<RunProgress>? progress = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(store);
        ArgumentNullException.ThrowIfNull(query);
        ArgumentNullException.ThrowIfNull(options);
        string path = Path.GetFullPath(options.Path);
        bool byMailbox = options.Format == ExportFormat.Eml && await ReachesManyAsync(store, query, cancellationToken).ConfigureAwait(false);
        var lost = new LostFiles();
        var tally = new TransferTally("Exporting mail", path, progress);
        try
        {
            using IExportTarget target = options.Format == ExportFormat.Eml
                ? new EmlFolder(path, byMailbox, options.Force)
                : new MboxFile(path, options.Force);
            await foreach (StoredMessage message in store.ListAsync(query, cancellationToken).ConfigureAwait(false))
            {
                try
                {
                    using MessageBody body = await ReadAsync(store, message, cancellationToken).ConfigureAwait(false);
                    await target.WriteAsync(message, body, cancellationToken).ConfigureAwait(false);
                    tally.Add(body.Length, isPartial: false);
                }
                catch (MessageStoreException error) when (lost.Takes(error))
                {
                    tally.AddFailed();
                }
                catch (MessageStoreException error)
                {
                    tally.Add(error);
                    failed?.Invoke(error);
                }
            }
            foreach ((_, MessageStoreException error) in lost.Errors())
            {
                tally.Say(error);
                failed?.Invoke(error);
            }
            target.Complete();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw StorageErrors.Wrap(error, "exporting mail", path);
        }
        return new ExportResult
        {
            Path = path,
            Format = options.Format,
            Exported = tally.Done,
            Failed = tally.Failed,
            Bytes = tally.Bytes,
            Duration = tally.Duration,
            Errors = tally.Errors,
        };
    }

    private static async Task<MessageBody> ReadAsync(IMessageStore store, StoredMessage message, CancellationToken cancellationToken)
    {
        Stream stream = await store.OpenReadAsync(message.Id, cancellationToken).ConfigureAwait(false);
        await using (stream.ConfigureAwait(false))
        {
            MessageBody body = await MessageBody.FromStreamAsync(stream, message.Id.ToString(), cancellationToken).ConfigureAwait(false);
            if (message.Sha256.Length == 0 || message.Sha256 == Convert.ToHexStringLower(body.Sha256)) return body;
            body.Dispose();
            throw ExportErrors.Differs(message);
        }
    }

    private static async Task<bool> ReachesManyAsync(IMessageStore store, MessageQuery query, CancellationToken cancellationToken)
    {
        if (query.Ids.Count == 1 || query.Mailbox?.AsSpan().ContainsAny(Wildcards) == false) return false;
        int mailboxes = 0;
        await foreach (MailboxInfo _ in store.ListMailboxesAsync(query.Mailbox, cancellationToken).ConfigureAwait(false))
        {
            if (++mailboxes > 1) return true;
        }
        return false;
    }
}
