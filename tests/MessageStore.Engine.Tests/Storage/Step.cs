using System.Buffers.Binary;
using MessageStore.Messages;
using MessageStore.Storage;

namespace MessageStore.Tests.Storage;

/// <summary>A transaction together with what it must do to the model.</summary>
internal sealed record Step(string What, Transaction Transaction, Action<StoreModel> Effect)
{
    public bool IsAcknowledged => Transaction.Committed.IsCompletedSuccessfully;

    /// <summary>Whether its group closed over it: only the next opening knows whether it is there.</summary>
    public bool IsInDoubt => Transaction.Committed.Exception?.InnerException is MessageStoreException { ErrorId: ErrorIds.GroupClosedForWriting };

    public static Step CreateMailbox(uint salt, int number, string name) => new(
        $"mailbox {number}", Transaction.MailboxCreated(number, name, salt), m => m.AddMailbox(number, name));

    public static Step RemoveMailbox(uint salt, int number) => new(
        $"remove mailbox {number}", Transaction.MailboxRemoved(number, salt), m => m.RemoveMailbox(number));

    public static Step CreateFolder(uint salt, int mailbox, int number, string name) => new(
        $"folder {mailbox}/{number}", Transaction.FolderCreated(mailbox, number, name, salt), m => m.Mailboxes[mailbox].Folders.Add(name));

    public static Step Flag(uint salt, Guid id, EntryFlags flags) => new(
        $"flags {id}", Transaction.Flags(id, flags, EntryFlags.UserMask & ~flags, salt),
        m => m.Change(id, x => x with { Flags = (x.Flags & ~EntryFlags.UserMask) | flags }));

    public static Step Move(uint salt, Guid id, ushort folder) => new(
        $"move {id}", Transaction.Moved(id, folder, salt), m => m.Change(id, x => x with { Folder = folder }));

    public static Step Delete(uint salt, Guid id) => new($"delete {id}", Transaction.Deleted(id, salt), m => m.Delete(id));

    public static Step Tag(uint salt, bool tagged, Guid[] ids) => new(
        "tag", Transaction.Tagged(tagged, ids, salt), m =>
        {
            foreach (Guid id in ids)
                m.Change(id, x => x with { Flags = tagged ? x.Flags | EntryFlags.Tagged : x.Flags & ~EntryFlags.Tagged });
        });

    public static Step BackedUp(uint salt, Guid backup, ulong lsn) => new("backed up", Transaction.BackedUp(backup, lsn, DateTime.UnixEpoch.Ticks, salt), _ => { });

    /// <summary>An append: one step up to 1 MiB, beyond that several of which only the last shows an effect.</summary>
    public static IReadOnlyList<Step> Append(uint salt, ModelMessage message)
    {
        byte[] summary = SummaryCodec.Encode(MessageSummary.Empty with { Subject = message.Subject });
        byte[] head = new byte[ImageHeader.Size + summary.Length];
        summary.CopyTo(head, ImageHeader.Size);
        ImageHeader image = message.Header();
        image.SummaryLength = (ushort)summary.Length;
        image.Write(head, salt);
        int frames = ImageHeader.FrameCount(message.Body.Length);
        if (frames == 1)
            return [new Step($"append {message.Id} {message.Body.Length}", new Transaction(TransactionType.Append, head, message.Body, salt), m => m.Add(message))];

        var steps = new List<Step>
        {
            new($"begin {message.Id}", new Transaction(TransactionType.AppendBegin, head, message.Body.AsMemory(0, ImageHeader.PartBytes), salt), _ => { }),
        };
        for (int part = 1; part < frames; part++)
        {
            bool isLast = part == frames - 1;
            byte[] partHead = new byte[ImageHeader.PartHeaderSize];
            message.Id.TryWriteBytes(partHead, bigEndian: true, out _);
            BinaryPrimitives.WriteInt32LittleEndian(partHead.AsSpan(16), part);
            BinaryPrimitives.WriteInt32LittleEndian(partHead.AsSpan(20), isLast ? 1 : 0);
            int offset = part * ImageHeader.PartBytes;
            ReadOnlyMemory<byte> body = message.Body.AsMemory(offset, Math.Min(ImageHeader.PartBytes, message.Body.Length - offset));
            steps.Add(new Step($"part {part} {message.Id}", new Transaction(TransactionType.AppendPart, partHead, body, salt),
                m =>
                {
                    if (isLast) m.Add(message);
                }));
        }
        return steps;
    }
}
