using MessageStore.IO;

namespace MessageStore.Storage;

internal sealed partial class StorageGroup
{
    /// <summary>How many messages of a record go in one transaction.</summary>
    private const int MembersAtOnce = 10_000;

    /// <summary>Takes over names of mailboxes and folders, with their numbers, and records, such as holds, from another copy of this group.</summary>
    public Task AdoptNamesAsync(IEnumerable<MailboxState> mailboxes, IEnumerable<RecordTable> records)
    {
        var transactions = new List<Transaction>();
        foreach (MailboxState mailbox in mailboxes)
        {
            transactions.Add(Transaction.MailboxCreated(mailbox.Number, mailbox.Name, Identity.Salt));
            for (int folder = 1; folder < mailbox.Folders.Count; folder++)
                transactions.Add(Transaction.FolderCreated(mailbox.Number, folder, mailbox.Folders[folder].Name, Identity.Salt));
        }
        foreach (RecordTable record in records)
        {
            transactions.Add(Transaction.Record(record.Record, Identity.Salt));
            foreach (UInt128Bytes[] members in record.Members.Chunk(MembersAtOnce))
                transactions.Add(Transaction.RecordMembers(record.Record.Id, [.. members.Select(m => m.ToGuid())], Identity.Salt));
        }
        return CommitAsync(transactions);
    }

    /// <summary>
    /// Stores a message from an image of it that was verified, under the Id it has there. One that is archived comes without its body, as it was.
    /// </summary>
    /// <param name="entry">The message as the copy has it.</param>
    /// <param name="place">Its image header with mailbox, folder and flags as they are to be here.</param>
    /// <param name="source">Its image.</param>
    /// <returns>
    /// Ends when the message is durable. One that fits in a frame is handed in before this returns, so that many may be under way in their order; a longer one goes part
    /// by part, and keeps its place only where it is waited for.
    /// </returns>
    /// <exception cref="IOException">The source's device failed.</exception>
    public async Task AdoptAsync(IndexEntry entry, ImageHeader place, ImageSource source)
    {
        int parts = ImageFrames.Count(entry);
        for (int part = 0; part < parts; part++)
        {
            byte[] frame = new byte[ImageFrames.LengthOf(entry, part)];
            source.Read(part, frame);
            int head = ImageFrames.HeadLength(entry, part);
            if (part == 0) place.Write(frame.AsSpan(FrameHeader.Size, head), Identity.Salt);
            TransactionType type = part > 0 ? TransactionType.AppendPart : parts > 1 ? TransactionType.AppendBegin : TransactionType.Append;
            Memory<byte> body = frame.AsMemory(FrameHeader.Size + head, ImageFrames.BodyLength(entry, part));
            await CommitAsync(new Transaction(type, frame.AsMemory(FrameHeader.Size, head), body, Identity.Salt)).ConfigureAwait(false);
        }
    }
}
