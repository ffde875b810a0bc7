using MessageStore.IO;
using MessageStore.Keys;
using MessageStore.Messages;
using MessageStore.Storage;

namespace MessageStore.Archiving;

/// <summary>
/// An archiver (figure 6): takes a mailbox off the queue and moves the messages in its hidden folder. The order of steps is what makes the move
/// crash-safe: record appended and flushed, read back and compared, key durable, message marked as archived, and only then is its space in the store dead
/// (docs/archive.md).
/// </summary>
internal sealed class Archiver : IDisposable
{
    private const int BatchMessages = 4096;

    private readonly IArchiveTarget target;
    private readonly IKeyManager keys;
    private readonly DateTimeOffset storageDate;
    private readonly ReceiptBook receipts;
    private readonly int batchBytes;
    private readonly ArchiveRecordWriter writer;
    private readonly ArchiveBatch batch;
    private readonly List<(ImageHeader Image, MessageSummary Summary)> moving = [];
    private readonly List<(ImageHeader Image, MessageSummary Summary)> recorded = [];
    private long recordedBytes;

    /// <param name="storage">Where records that are too large for memory wait.</param>
    /// <param name="spoolFolder">The folder for them; it must exist.</param>
    /// <param name="batchBytes">Bytes of records that are gathered in memory before they are appended.</param>
    public Archiver(
        IArchiveTarget target, IKeyManager keys, ArchiveCompression compression, DateTimeOffset storageDate, ReceiptBook receipts, IStorage storage, string spoolFolder, int batchBytes)
    {
        this.target = target;
        this.keys = keys;
        this.storageDate = storageDate;
        this.receipts = receipts;
        this.batchBytes = batchBytes;
        writer = new ArchiveRecordWriter(compression, storage, spoolFolder);
        batch = new ArchiveBatch(writer);
    }

    public async Task MoveAsync(ArchiveTask task, CancellationToken cancellationToken)
    {
        long settled = 0;
        try
        {
            using IArchiveSession session = await target.OpenSessionAsync(task.Mailbox, storageDate, cancellationToken).ConfigureAwait(false);
            foreach (string note in session.Notes) receipts.Note(task.Mailbox, note);
            settled += await AdoptAsync(task, session).ConfigureAwait(false);
            IReadOnlyList<string> folders = task.Group.FolderNames(task.MailboxNumber);
            foreach (IndexEntry entry in task.Group.List(task.MailboxNumber))
            {
                cancellationToken.ThrowIfCancellationRequested();
                if (!entry.IsTagged || entry.IsArchived) continue;
                try
                {
                    if (await IsRecordedAsync(task, entry, cancellationToken).ConfigureAwait(false))
                    {
                        if (recorded.Count >= BatchMessages) settled += await FinishRecordedAsync(task).ConfigureAwait(false);
                        continue;
                    }
                    Pack(task, entry, folders);
                }
                catch (MessageStoreException error) when (error.ErrorId == ErrorIds.MessageDamaged)
                {
                    receipts.Fail(task.Mailbox, 1, error.Message);
                    settled++;
                    continue;
                }
                if (batch.MemoryLength >= batchBytes || moving.Count >= BatchMessages) settled += await FlushAsync(task, session, cancellationToken).ConfigureAwait(false);
            }
            if (moving.Count > 0) settled += await FlushAsync(task, session, cancellationToken).ConfigureAwait(false);
            if (recorded.Count > 0) settled += await FinishRecordedAsync(task).ConfigureAwait(false);
            long gone = task.Matched - settled;
            if (gone > 0) receipts.Skip(task.Mailbox, gone, $"{gone} deleted while they waited.");
        }
        catch (Exception error) when (error is MessageStoreException or IOException or UnauthorizedAccessException)
        {
            // This user's trouble is no one else's. What is tagged stays readable where it is, and the next run goes on from there.
            receipts.Fail(task.Mailbox, task.Matched - settled, error.Message);
        }
        finally
        {
            Clear();
            recorded.Clear();
            recordedBytes = 0;
            receipts.Done(task.Mailbox);
        }
    }

    public void Dispose()
    {
        batch.Dispose();
        writer.Dispose();
    }

    /// <summary>Takes over what an interrupted run had written and not come to record.</summary>
    /// <returns>The number of messages whose move is complete now.</returns>
    private async Task<long> AdoptAsync(ArchiveTask task, IArchiveSession session)
    {
        if (session.Unrecorded.Count == 0) return 0;
        keys.Put([.. session.Unrecorded.Select(r => r.Key)]);
        var adopted = new List<(ImageHeader, MessageSummary)>();
        var orphans = new List<Guid>();
        long bytes = 0, archiveBytes = 0;
        foreach (ArchivedRecord record in session.Unrecorded)
        {
            if (!task.Group.TryGet(record.Info.Id, out IndexEntry entry)) orphans.Add(record.Info.Id);
            else if (!entry.IsArchived && task.Group.ReadSummary(entry) is { } found)
            {
                adopted.Add(found);
                bytes += found.Image.BodyLength;
                archiveBytes += record.Info.Length;
            }
        }
        await task.Group.ArchivedAsync(adopted).ConfigureAwait(false);
        if (orphans.Count > 0) keys.Remove(orphans);
        receipts.Note(task.Mailbox, $"{session.Unrecorded.Count} records of an interrupted run were taken over.");
        receipts.Moved(task.Mailbox, adopted.Count, bytes, archiveBytes);
        return adopted.Count;
    }

    /// <summary>
    /// Whether a message already has a whole record: a run ended between the key and the transaction, or the store was restored to a time before the move.
    /// A second record of the same Id would be read twice by everyone's tools.
    /// </summary>
    private async ValueTask<bool> IsRecordedAsync(ArchiveTask task, IndexEntry entry, CancellationToken cancellationToken)
    {
        foreach (ArchiveKey key in keys.Find(entry.Id.ToGuid()))
        {
            // A record that is to be kept for another time than this run says is not the one that this run would write.
            if (key.Target != target.Name || key.DeletionDate - key.StorageDate != task.RetainFor) continue;
            try
            {
                ArchivedRecordInfo info = await target.VerifyAsync(key, cancellationToken).ConfigureAwait(false);
                if (task.Group.ReadSummary(entry) is not { } found || found.Image.BodyLength != info.BodyLength || !IsDigestOf(key, found.Image)) continue;
                recorded.Add(found);
                recordedBytes += key.Length;
                return true;
            }
            catch (MessageStoreException error) when (error.ErrorId == ErrorIds.ArchiveDamaged)
            {
                // The store still has the message: a new record takes the place of the damaged one.
            }
        }
        return false;
    }

    private static bool IsDigestOf(ArchiveKey key, in ImageHeader image)
    {
        Span<byte> sha256 = Convert.FromHexString(key.Sha256);
        return UInt128Bytes.Read(sha256) == image.DigestLow && UInt128Bytes.Read(sha256[16..]) == image.DigestHigh;
    }

    /// <returns>The number of messages whose move is complete now.</returns>
    private async Task<long> FinishRecordedAsync(ArchiveTask task)
    {
        await task.Group.ArchivedAsync(recorded).ConfigureAwait(false);
        List<Guid> deleted = [.. recorded.Where(m => !task.Group.TryGet(m.Image.Id, out _)).Select(m => m.Image.Id)];
        if (deleted.Count > 0) keys.Remove(deleted);
        long moved = recorded.Count - deleted.Count;
        receipts.Note(task.Mailbox, $"{recorded.Count} messages had a whole record in the archive already; it was kept.");
        receipts.Moved(task.Mailbox, moved, recorded.Sum(m => m.Image.BodyLength), recordedBytes);
        recorded.Clear();
        recordedBytes = 0;
        return moved;
    }

    private void Pack(ArchiveTask task, in IndexEntry entry, IReadOnlyList<string> folders)
    {
        if (task.Group.ReadSummary(entry) is not { } found || task.Group.OpenBody(entry) is not { } stream) return; // deleted in the meantime
        using (stream)
        {
            using MessageBody body = MessageBody.FromStream(stream);
            if (UInt128Bytes.Read(body.Sha256) != found.Image.DigestLow || UInt128Bytes.Read(body.Sha256[16..]) != found.Image.DigestHigh)
                throw StorageGroup.Gone(entry);
            batch.Add(new ArchiveEntry
            {
                Id = found.Image.Id,
                Mailbox = task.Mailbox,
                Folder = entry.Folder < folders.Count ? folders[entry.Folder] : StoreLimits.Inbox,
                Flags = (MessageFlags)(entry.Flags & EntryFlags.UserMask),
                Sender = found.Summary.From,
                ReceivedDate = new DateTimeOffset(found.Image.ReceivedTicks, TimeSpan.Zero),
                StorageDate = storageDate,
                DeletionDate = task.RetainFor is { } retain ? storageDate + retain : null,
                Body = body,
            });
            moving.Add(found);
        }
    }

    /// <summary>Moves what is packed.</summary>
    /// <returns>The number of messages moved.</returns>
    private async Task<long> FlushAsync(ArchiveTask task, IArchiveSession session, CancellationToken cancellationToken)
    {
        IReadOnlyList<ArchiveKey> written = await session.AppendAsync(batch, cancellationToken).ConfigureAwait(false);
        // From here on the batch is finished whatever happens, or the records would have to be adopted by the next run.
        keys.Put(written);
        await task.Group.ArchivedAsync(moving).ConfigureAwait(false);
        List<Guid> deleted = [.. moving.Where(m => !task.Group.TryGet(m.Image.Id, out _)).Select(m => m.Image.Id)];
        if (deleted.Count > 0) keys.Remove(deleted);
        long moved = moving.Count - deleted.Count;
        receipts.Moved(task.Mailbox, moved, moving.Sum(m => m.Image.BodyLength), batch.Length);
        Clear();
        return moved;
    }

    private void Clear()
    {
        moving.Clear();
        batch.Clear();
    }
}
