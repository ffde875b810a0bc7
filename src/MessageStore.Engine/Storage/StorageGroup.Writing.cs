using System.Buffers.Binary;
using MessageStore.Messages;

namespace MessageStore.Storage;

internal sealed partial class StorageGroup
{
    private readonly SemaphoreSlim naming = new(1, 1);

    /// <summary>Commits one transaction; the task ends when it is durable and visible.</summary>
    public Task<ulong> CommitAsync(Transaction transaction)
    {
        committer.Submit(transaction);
        return transaction.Committed;
    }

    /// <summary>Commits several; the task ends when the last of them is durable and visible.</summary>
    public Task CommitAsync(IReadOnlyList<Transaction> transactions)
    {
        committer.Submit(transactions);
        return Task.WhenAll(transactions.Select(t => t.Committed));
    }

    /// <summary>Ends when the committer has done all that was handed in before, and what follows from it, such as beginning a new log file.</summary>
    internal Task QuiesceAsync() => committer.RunAsync(() => true);

    /// <inheritdoc cref="GroupCommitter.WitnessAsync"/>
    internal Task WitnessAsync() => committer.WitnessAsync();

    /// <summary>Creates a mailbox; its number when it exists already.</summary>
    public async Task<(int Number, bool Created)> CreateMailboxAsync(string name, CancellationToken cancellationToken)
    {
        await naming.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            int number;
            lock (index.Gate)
            {
                if (index.FindMailbox(name) is { } existing) return (existing.Number, false);
                number = index.NextMailboxNumber;
            }
            await CommitAsync(Transaction.MailboxCreated(number, name, Identity.Salt)).ConfigureAwait(false);
            return (number, true);
        }
        finally
        {
            naming.Release();
        }
    }

    public async Task RemoveMailboxAsync(string name, CancellationToken cancellationToken)
    {
        await naming.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            await CommitAsync(Transaction.MailboxRemoved(Mailbox(name).Number, Identity.Salt)).ConfigureAwait(false);
        }
        finally
        {
            naming.Release();
        }
    }

    /// <summary>The number of a folder, which is created where it is missing.</summary>
    public async ValueTask<ushort> FolderAsync(int mailbox, string folder, CancellationToken cancellationToken)
    {
        if (TryFindFolder(mailbox, folder, out ushort found)) return found;
        await naming.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            int number;
            lock (index.Gate)
            {
                MailboxState state = index.FindMailbox(mailbox) ?? throw MailboxGone();
                number = state.FindFolder(folder);
                if (number >= 0) return (ushort)number;
                number = state.Folders.Count;
            }
            if (number >= ushort.MaxValue)
                throw new MessageStoreException(ErrorIds.InvalidName, ErrorKind.InvalidArgument, $"A mailbox holds at most {ushort.MaxValue} folders; '{folder}' is one too many.", folder);
            await CommitAsync(Transaction.FolderCreated(mailbox, number, folder, Identity.Salt)).ConfigureAwait(false);
            return (ushort)number;
        }
        finally
        {
            naming.Release();
        }
    }

    /// <summary>Stores a message, in one transaction up to 1 MiB and in parts beyond, so that no large message keeps others waiting.</summary>
    /// <exception cref="MessageStoreException">MailboxNotFound: the mailbox was removed while the message was on its way, and the message is not there.</exception>
    public async Task AppendAsync(ImageHeader image, MessageSummary summary, MessageBody body, CancellationToken cancellationToken)
    {
        await StoreAsync(TransactionType.Append, image, summary, body, cancellationToken).ConfigureAwait(false);
        // A removal that came before it in the log leaves an append nowhere to go, and one that came behind it has taken the message: numbers are never used again.
        lock (index.Gate)
            if (index.FindMailbox(image.Mailbox) is null) throw MailboxGone();
    }

    /// <summary>
    /// Brings a message back from the archive. Until the last transaction the archive answers, after it the store; a message that is deleted meanwhile stays so.
    /// </summary>
    public Task RecallAsync(ImageHeader image, MessageSummary summary, MessageBody body, CancellationToken cancellationToken)
    {
        image.Flags |= EntryFlags.Recall;
        return StoreAsync(TransactionType.Recalled, image, summary, body, cancellationToken);
    }

    private async Task StoreAsync(TransactionType type, ImageHeader image, MessageSummary summary, MessageBody body, CancellationToken cancellationToken)
    {
        byte[] head = EncodeHead(ref image, summary);
        if (body.Length <= ImageHeader.PartBytes)
        {
            ReadOnlyMemory<byte> bytes = body.IsInMemory ? body.Head : ReadPart(body, 0, (int)body.Length);
            await CommitAsync(new Transaction(type, head, bytes, Identity.Salt)).ConfigureAwait(false);
            return;
        }
        await CommitAsync(new Transaction(TransactionType.AppendBegin, head, ReadPart(body, 0, ImageHeader.PartBytes), Identity.Salt)).ConfigureAwait(false);
        try
        {
            int parts = ImageHeader.FrameCount(body.Length);
            for (int part = 1; part < parts; part++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                long offset = (long)part * ImageHeader.PartBytes;
                byte[] partHead = new byte[ImageHeader.PartHeaderSize];
                image.Id.TryWriteBytes(partHead, bigEndian: true, out _);
                BinaryPrimitives.WriteInt32LittleEndian(partHead.AsSpan(16), part);
                BinaryPrimitives.WriteInt32LittleEndian(partHead.AsSpan(20), part == parts - 1 ? 1 : 0);
                ReadOnlyMemory<byte> bytes = ReadPart(body, offset, (int)Math.Min(ImageHeader.PartBytes, body.Length - offset));
                await CommitAsync(new Transaction(TransactionType.AppendPart, partHead, bytes, Identity.Salt)).ConfigureAwait(false);
            }
        }
        catch
        {
            await committer.RunAsync(() =>
            {
                applier.Abandon(image.Id);
                return true;
            }).ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Marks messages as archived: from then on their bytes are found through the key manager.</summary>
    public Task ArchivedAsync(IReadOnlyList<(ImageHeader Image, MessageSummary Summary)> messages) =>
        CommitAsync([.. messages.Select(m =>
        {
            ImageHeader image = m.Image;
            byte[] head = EncodeHead(ref image, m.Summary);
            return new Transaction(TransactionType.Archived, head, default, Identity.Salt);
        })]);

    private byte[] EncodeHead(ref ImageHeader image, MessageSummary summary)
    {
        byte[] encoded = SummaryCodec.Encode(summary);
        byte[] head = new byte[ImageHeader.Size + encoded.Length];
        encoded.CopyTo(head, ImageHeader.Size);
        image.SummaryLength = (ushort)encoded.Length;
        image.Write(head, Identity.Salt);
        return head;
    }

    private static byte[] ReadPart(MessageBody body, long offset, int length)
    {
        byte[] part = new byte[length];
        int total = 0;
        while (total < length)
        {
            int read = body.Read(part.AsSpan(total), offset + total);
            if (read == 0) throw new InvalidOperationException("A message body is shorter than its length says.");
            total += read;
        }
        return part;
    }

    private static MessageStoreException MailboxGone() =>
        new(ErrorIds.MailboxNotFound, ErrorKind.NotFound, "The mailbox was removed in the meantime.");
}
