using System.Buffers.Binary;
using MessageStore.Messages;
using MessageStore.Storage;

namespace MessageStore.Tests.Storage;

/// <summary>A transaction together with what it must do to the model.</summary>
internal sealed record Step(string What, Transaction Transaction, Action<StoreModel> Effect)
{
    public bool IsAcknowledged => Transaction.Committed.IsCompletedSuccessfully;

    public static Step CreateMailbox(int number, string name) => new(
        $"mailbox {number}", Transaction.MailboxCreated(number, name, TestGroup.Salt), m => m.AddMailbox(number, name));

    public static Step RemoveMailbox(int number) => new(
        $"remove mailbox {number}", Transaction.MailboxRemoved(number, TestGroup.Salt), m => m.RemoveMailbox(number));

    public static Step CreateFolder(int mailbox, int number, string name) => new(
        $"folder {mailbox}/{number}", Transaction.FolderCreated(mailbox, number, name, TestGroup.Salt), m => m.Mailboxes[mailbox].Folders.Add(name));

    public static Step Flag(Guid id, EntryFlags flags) => new(
        $"flags {id}", Transaction.Flags(id, flags, EntryFlags.UserMask & ~flags, TestGroup.Salt),
        m => m.Change(id, x => x with { Flags = (x.Flags & ~EntryFlags.UserMask) | flags }));

    public static Step Move(Guid id, ushort folder) => new(
        $"move {id}", Transaction.Moved(id, folder, TestGroup.Salt), m => m.Change(id, x => x with { Folder = folder }));

    public static Step Delete(Guid id) => new($"delete {id}", Transaction.Deleted(id, TestGroup.Salt), m => m.Delete(id));

    public static Step Tag(bool tagged, Guid[] ids) => new(
        "tag", Transaction.Tagged(tagged, ids, TestGroup.Salt), m =>
        {
            foreach (Guid id in ids)
                m.Change(id, x => x with { Flags = tagged ? x.Flags | EntryFlags.Tagged : x.Flags & ~EntryFlags.Tagged });
        });

    public static Step BackedUp(Guid backup, ulong lsn) => new("backed up", Transaction.BackedUp(backup, lsn, DateTime.UnixEpoch.Ticks, TestGroup.Salt), _ => { });

    /// <summary>An append: one step up to 1 MiB, beyond that several of which only the last shows an effect.</summary>
    public static IReadOnlyList<Step> Append(ModelMessage message)
    {
        byte[] summary = SummaryCodec.Encode(MessageSummary.Empty with { Subject = message.Subject });
        byte[] head = new byte[ImageHeader.Size + summary.Length];
        summary.CopyTo(head, ImageHeader.Size);
        ImageHeader image = message.Header();
        image.SummaryLength = (ushort)summary.Length;
        image.Write(head, TestGroup.Salt);
        int frames = ImageHeader.FrameCount(message.Body.Length);
        if (frames == 1)
            return [new Step($"append {message.Id} {message.Body.Length}", new Transaction(TransactionType.Append, head, message.Body, TestGroup.Salt), m => m.Add(message))];

        var steps = new List<Step>
        {
            new($"begin {message.Id}", new Transaction(TransactionType.AppendBegin, head, message.Body.AsMemory(0, ImageHeader.PartBytes), TestGroup.Salt), _ => { }),
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
            steps.Add(new Step($"part {part} {message.Id}", new Transaction(TransactionType.AppendPart, partHead, body, TestGroup.Salt),
                m =>
                {
                    if (isLast) m.Add(message);
                }));
        }
        return steps;
    }
}
