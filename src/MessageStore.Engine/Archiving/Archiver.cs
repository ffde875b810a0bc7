using System.Buffers;
using System.Security.Cryptography;
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

    /// <summary>How often a message is looked up again that a compaction moved under our hands.</summary>
    private const int LookAgain = 8;

    private readonly IArchiveTarget target;
    private readonly IKeyManager keys;
    private readonly DateTimeOffset storageDate;
    private readonly ReceiptBook receipts;
    private readonly int batchBytes;
    private readonly QuietThread quiet;
    private readonly ArchivePace pace;
    private readonly ArchiveRecordWriter writer;
    private readonly ArchiveBatch batch;
    private readonly List<(ImageHeader Image, MessageSummary Summary)> moving = [];
    private byte[] frame = [];
    private readonly List<(ImageHeader Image, MessageSummary Summary)> recorded = [];
    private long recordedBytes;

    /// <param name="storage">Where records that are too large for memory wait.</param>
    /// <param name="spoolFolder">The folder for them; it must exist.</param>
    /// <param name="batchBytes">Bytes of records that are gathered in memory before they are appended.</param>
    /// <param name="quiet">Where messages are packed and read back.</param>
    /// <param name="pace">How fast, of all archivers together.</param>
    public Archiver(
        IArchiveTarget target, IKeyManager keys, ArchiveCompression compression, DateTimeOffset storageDate, ReceiptBook receipts, IStorage storage, string spoolFolder, int batchBytes, QuietThread quiet, ArchivePace pace)
    {
        this.pace = pace;
        this.target = target;
        this.keys = keys;
        this.storageDate = storageDate;
        this.receipts = receipts;
        this.batchBytes = batchBytes;
        this.quiet = quiet;
        writer = new ArchiveRecordWriter(compression, storage, spoolFolder);
        batch = new ArchiveBatch(writer);
    }

    public async Task MoveAsync(ArchiveTask task, CancellationToken cancellationToken)
    {
        long settled = 0;
        await quiet;
        try
        {
            foreach (string note in AdministratorRecords.NotesOn(task.Group, task.Mailbox)) receipts.Note(task.Mailbox, note);
            using IArchiveSession session = await target.OpenSessionAsync(task.Mailbox, storageDate, cancellationToken).ConfigureAwait(false);
            foreach (string note in session.Notes) receipts.Note(task.Mailbox, note);
            settled += await AdoptAsync(task, session).ConfigureAwait(false);
            IReadOnlyList<string> folders = task.Group.FolderNames(task.MailboxNumber);
            foreach (IndexEntry entry in task.Group.List(task.MailboxNumber))
            {
                await quiet; // after whatever was waited for
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
                if (batch.MemoryLength >= pace.BatchBytes(batchBytes) || moving.Count >= BatchMessages) settled += await FlushAsync(task, session, cancellationToken).ConfigureAwait(false);
            }
            await quiet;
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
        if (frame.Length > 0) ArrayPool<byte>.Shared.Return(frame);
        frame = [];
    }

    /// <summary>Takes over what an interrupted run had written and not come to record, a batch at a time: where keys are those of long ago that may be a whole file.</summary>
    /// <returns>The number of messages whose move is complete now.</returns>
    private async Task<long> AdoptAsync(ArchiveTask task, IArchiveSession session)
    {
        if (session.Unrecorded.Count == 0) return 0;
        long adopted = 0;
        foreach (ArchivedRecord[] records in session.Unrecorded.Chunk(BatchMessages)) adopted += await AdoptAsync(task, records).ConfigureAwait(false);
        receipts.Note(task.Mailbox, $"{session.Unrecorded.Count} records of an interrupted run were taken over.");
        return adopted;
    }

    private async Task<long> AdoptAsync(ArchiveTask task, ArchivedRecord[] records)
    {
        keys.Put([.. records.Select(r => r.Key)]);
        var adopted = new List<(ImageHeader, MessageSummary)>();
        var orphans = new List<Guid>();
        long bytes = 0, archiveBytes = 0;
        foreach (ArchivedRecord record in records)
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
            catch (MessageStoreException error) when (ArchiveErrors.IsDamage(error))
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

    private static byte[] DigestOf(in ImageHeader image)
    {
        byte[] sha256 = new byte[SHA256.HashSizeInBytes];
        image.DigestLow.Write(sha256);
        image.DigestHigh.Write(sha256.AsSpan(16));
        return sha256;
    }

    /// <returns>The number of messages whose move is complete now.</returns>
    private async Task<long> FinishRecordedAsync(ArchiveTask task)
    {
        await task.Group.ArchivedAsync(recorded).ConfigureAwait(false);
        List<Guid> deleted = [.. recorded.Where(m => !task.Group.TryGet(m.Image.Id, out _)).Select(m => m.Image.Id)];
        DeletedRecords.Forget(keys, deleted, storageDate);
        long moved = recorded.Count - deleted.Count;
        receipts.Note(task.Mailbox, $"{recorded.Count} messages had a whole record in the archive already; it was kept.");
        receipts.Moved(task.Mailbox, moved, recorded.Sum(m => m.Image.BodyLength), recordedBytes);
        recorded.Clear();
        recordedBytes = 0;
        return moved;
    }

    private void Pack(ArchiveTask task, IndexEntry entry, IReadOnlyList<string> folders)
    {
        for (int look = 0; look < LookAgain; look++)
        {
            if (TryPack(task, entry, folders)) return;
            // Deleted in the meantime, or moved by a compaction.
            if (!task.Group.TryGet(entry.Id.ToGuid(), out entry) || entry.IsArchived) return;
        }
    }

    /// <returns>Whether the message was where the index said.</returns>
    private bool TryPack(ArchiveTask task, in IndexEntry entry, IReadOnlyList<string> folders)
    {
        if (entry.Length <= ImageHeader.PartBytes)
        {
            if (task.Group.ReadWhole(entry, ref frame) is not { } whole) return false;
            // Its frame's checksum has been compared.
            using MessageBody small = target.ComparesDigests ? MemoryBody.Trusting(whole.Body, DigestOf(whole.Image)) : MessageBody.FromMemory(whole.Body);
            Pack(task, entry, folders, whole.Image, whole.Summary, small);
            return true;
        }
        if (task.Group.ReadSummary(entry) is not { } found || task.Group.OpenBody(entry) is not { } stream) return false;
        using (stream)
        {
            using MessageBody large = MessageBody.FromStream(stream);
            Pack(task, entry, folders, found.Image, found.Summary, large);
        }
        return true;
    }

    private void Pack(ArchiveTask task, in IndexEntry entry, IReadOnlyList<string> folders, in ImageHeader image, MessageSummary summary, MessageBody body)
    {
        if (UInt128Bytes.Read(body.Sha256) != image.DigestLow || UInt128Bytes.Read(body.Sha256[16..]) != image.DigestHigh) throw StorageGroup.Gone(entry);
        batch.Add(new ArchiveEntry
        {
            Id = image.Id,
            Mailbox = task.Mailbox,
            Folder = entry.Folder < folders.Count ? folders[entry.Folder] : StoreLimits.Inbox,
            Flags = (MessageFlags)(entry.Flags & EntryFlags.UserMask),
            Sender = summary.From,
            ReceivedDate = new DateTimeOffset(image.ReceivedTicks, TimeSpan.Zero),
            StorageDate = storageDate,
            DeletionDate = task.RetainFor is { } retain ? storageDate + retain : null,
            Body = body,
        });
        moving.Add((image, summary));
    }

    /// <summary>Moves what is packed.</summary>
    /// <returns>The number of messages moved.</returns>
    private async Task<long> FlushAsync(ArchiveTask task, IArchiveSession session, CancellationToken cancellationToken)
    {
        using ArchivePace.Turn turn = await pace.TakeTurnAsync(cancellationToken).ConfigureAwait(false);
        await quiet;
        pace.Wait(batch.Length, batch.Records.Count, cancellationToken);
        IReadOnlyList<ArchiveKey> written = await session.AppendAsync(batch, cancellationToken).ConfigureAwait(false);
        // From here on the batch is finished whatever happens, or the records would have to be adopted by the next run.
        keys.Put(written);
        await task.Group.ArchivedAsync(moving).ConfigureAwait(false);
        List<Guid> deleted = [.. moving.Where(m => !task.Group.TryGet(m.Image.Id, out _)).Select(m => m.Image.Id)];
        DeletedRecords.Forget(keys, deleted, storageDate);
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
