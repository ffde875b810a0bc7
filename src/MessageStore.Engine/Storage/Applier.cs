using System.Buffers.Binary;
using System.Text;

namespace MessageStore.Storage;

/// <summary>Where an image frame goes; segment 0 where the frame goes nowhere.</summary>
internal readonly record struct Placement(int Segment, long Offset);

/// <summary>
/// What each transaction does to index and segments: the one place that knows, used by the committer for new transactions and by recovery for
/// old ones. Everything here is absolute, so that replay changes nothing twice (docs/format-log.md).
/// </summary>
internal sealed class Applier(MessageIndex index, SegmentStore segments, GroupIdentity identity)
{
    private readonly Dictionary<Guid, PendingAppend> pending = [];

    public IReadOnlyDictionary<Guid, PendingAppend> Pending => pending;

    /// <summary>The newest complete backup that the log tells of.</summary>
    public BackupMark? LastBackup { get; set; }

    public void AddPending(PendingAppend append) => pending[append.Image.Id] = append;

    /// <summary>Forgets a large append whose sender gave up; its space is dead.</summary>
    public void Abandon(Guid id) => pending.Remove(id);

    /// <summary>Forgets all large appends: their senders did not survive.</summary>
    public void AbandonAll() => pending.Clear();

    /// <summary>Finds the place for an image frame before it is written.</summary>
    /// <param name="payload">At least header and summary of the frame's payload.</param>
    public (Segment? Segment, long Offset) Place(TransactionType type, ReadOnlySpan<byte> payload, int frameLength)
    {
        if (type == TransactionType.AppendPart)
        {
            var id = new Guid(payload[..16], bigEndian: true);
            if (!pending.TryGetValue(id, out PendingAppend? append)) return (null, 0);
            int part = BinaryPrimitives.ReadInt32LittleEndian(payload[16..]);
            Segment? segment = segments.Find(append.Segment);
            return (segment, append.Offset + ImageHeader.PartOffset(part, append.Image.SummaryLength));
        }
        if (type != TransactionType.AppendBegin) return segments.Reserve(frameLength);
        if (!ImageHeader.TryRead(payload, identity.Salt, out ImageHeader image)) throw Unreadable(type);
        (Segment target, long offset) = segments.Reserve(ImageHeader.ImageLength(image.BodyLength, image.SummaryLength));
        SegmentStore.Extend(target);
        byte[] head = payload[..(ImageHeader.Size + image.SummaryLength)].ToArray();
        pending[image.Id] = new PendingAppend(image, target.Number, offset, head);
        return (target, offset);
    }

    /// <summary>Applies a durable transaction. Called with the index's lock held.</summary>
    public void Apply(TransactionType type, ReadOnlySpan<byte> payload, Placement place)
    {
        switch (type)
        {
            case TransactionType.Append:
            case TransactionType.Recalled:
                ApplyImage(ReadImage(type, payload), place);
                break;
            case TransactionType.AppendBegin:
            case TransactionType.Vouch:
                break;
            case TransactionType.AppendPart:
                ApplyPart(payload);
                break;
            case TransactionType.MailboxCreated:
                index.AddMailbox(BinaryPrimitives.ReadInt32LittleEndian(payload), Encoding.UTF8.GetString(payload[4..]));
                break;
            case TransactionType.FolderCreated:
                index.AddFolder(BinaryPrimitives.ReadInt32LittleEndian(payload), BinaryPrimitives.ReadUInt16LittleEndian(payload[4..]),
                    Encoding.UTF8.GetString(payload[6..]));
                break;
            case TransactionType.MailboxRemoved:
                ApplyMailboxRemoved(BinaryPrimitives.ReadInt32LittleEndian(payload));
                break;
            case TransactionType.Flags:
                ApplyFlags(payload);
                break;
            case TransactionType.Moved:
                ApplyMoved(payload);
                break;
            case TransactionType.Deleted:
                int deleted = index.Find(UInt128Bytes.Read(payload));
                if (deleted >= 0 && !index.IsHeld(deleted)) Remove(deleted);
                break;
            case TransactionType.Tagged:
                ApplyTagged(payload);
                break;
            case TransactionType.Archived:
                ApplyArchived(ReadImage(type, payload), place);
                break;
            case TransactionType.Record:
                index.PutRecord(GroupRecord.Read(payload));
                break;
            case TransactionType.RecordMembers:
                index.AddMembers(new Guid(payload[..16], bigEndian: true), payload[16..]);
                break;
            case TransactionType.BackedUp:
                LastBackup = new BackupMark(new Guid(payload[..16], bigEndian: true),
                    BinaryPrimitives.ReadUInt64LittleEndian(payload[16..]), BinaryPrimitives.ReadInt64LittleEndian(payload[24..]));
                break;
            default:
                throw new MessageStoreException(ErrorIds.DatabaseFormatTooNew, ErrorKind.NotSupported,
                    $"Storage group {identity.Name} holds a transaction of type {(int)type}, which this version does not know. Use a newer MessageStore.", identity.Name);
        }
    }

    private void ApplyImage(in ImageHeader image, Placement place)
    {
        int slot = index.Find(UInt128Bytes.From(image.Id));
        IndexEntry entry = EntryOf(image, place, image.Flags);
        if (slot < 0)
        {
            // Deleted while it came back from the archive: it must not come back to life.
            if ((image.Flags & EntryFlags.Recall) != 0 || index.FindMailbox(image.Mailbox) is null) return;
            index.Add(entry);
        }
        else
        {
            IndexEntry current = index.Entry(slot);
            if (!current.IsArchived) return;
            segments.CountLive(current.Segment, -current.ImageLength);
            entry.Flags = current.Flags & ~(EntryFlags.Archived | EntryFlags.Tagged);
            entry.Mailbox = current.Mailbox;
            entry.Folder = current.Folder;
            index.Update(slot, entry);
        }
        segments.CountLive(place.Segment, entry.ImageLength);
    }

    private void ApplyPart(ReadOnlySpan<byte> payload)
    {
        var id = new Guid(payload[..16], bigEndian: true);
        bool isLast = BinaryPrimitives.ReadUInt32LittleEndian(payload[20..]) == 1;
        if (isLast && pending.Remove(id, out PendingAppend? append))
            ApplyImage(append.Image, new Placement(append.Segment, append.Offset));
    }

    private void ApplyArchived(in ImageHeader image, Placement place)
    {
        int slot = index.Find(UInt128Bytes.From(image.Id));
        if (slot < 0) return;
        IndexEntry entry = index.Entry(slot);
        if (entry.IsArchived) return;
        segments.CountLive(entry.Segment, -entry.ImageLength);
        entry.Segment = place.Segment;
        entry.Offset8 = (uint)(place.Offset / 8);
        entry.SummaryLength = image.SummaryLength;
        entry.Flags = (entry.Flags | EntryFlags.Archived) & ~EntryFlags.Tagged;
        index.Update(slot, entry);
        segments.CountLive(place.Segment, entry.ImageLength);
    }

    private void ApplyFlags(ReadOnlySpan<byte> payload)
    {
        int slot = index.Find(UInt128Bytes.Read(payload));
        if (slot < 0) return;
        IndexEntry entry = index.Entry(slot);
        EntryFlags set = (EntryFlags)BinaryPrimitives.ReadUInt16LittleEndian(payload[16..]) & EntryFlags.UserMask;
        EntryFlags clear = (EntryFlags)BinaryPrimitives.ReadUInt16LittleEndian(payload[18..]) & EntryFlags.UserMask;
        entry.Flags = (entry.Flags & ~clear) | set;
        index.Update(slot, entry);
    }

    private void ApplyMoved(ReadOnlySpan<byte> payload)
    {
        int slot = index.Find(UInt128Bytes.Read(payload));
        ushort folder = BinaryPrimitives.ReadUInt16LittleEndian(payload[16..]);
        if (slot < 0) return;
        IndexEntry entry = index.Entry(slot);
        if (folder >= index.FindMailbox(entry.Mailbox)!.Folders.Count) return;
        entry.Folder = folder;
        index.Update(slot, entry);
    }

    private void ApplyTagged(ReadOnlySpan<byte> payload)
    {
        bool tagged = payload[0] != 0;
        for (ReadOnlySpan<byte> ids = payload[8..]; ids.Length >= 16; ids = ids[16..])
        {
            int slot = index.Find(UInt128Bytes.Read(ids));
            if (slot < 0) continue;
            IndexEntry entry = index.Entry(slot);
            if (entry.IsArchived || entry.IsTagged == tagged) continue;
            entry.Flags ^= EntryFlags.Tagged;
            index.Update(slot, entry);
        }
    }

    private void ApplyMailboxRemoved(int number)
    {
        if (index.FindMailbox(number) is not { } mailbox || index.IsHeld(mailbox)) return;
        while (mailbox.First >= 0) Remove(mailbox.First);
        index.RemoveMailbox(number);
    }

    private void Remove(int slot)
    {
        ref readonly IndexEntry entry = ref index.Entry(slot);
        segments.CountLive(entry.Segment, -entry.ImageLength);
        index.Remove(slot);
    }

    private ImageHeader ReadImage(TransactionType type, ReadOnlySpan<byte> payload) =>
        ImageHeader.TryRead(payload, identity.Salt, out ImageHeader image) ? image : throw Unreadable(type);

    private MessageStoreException Unreadable(TransactionType type) => new(ErrorIds.LogDamaged, ErrorKind.Damaged,
        $"A transaction of type {type} in storage group {identity.Name} passed its checksum but holds no image header.", identity.Name);

    /// <summary>The entry of an image.</summary>
    public static IndexEntry EntryOf(in ImageHeader image, Placement place, EntryFlags flags) => new()
    {
        Id = UInt128Bytes.From(image.Id),
        ContentDigest = image.DigestLow,
        ReceivedTicks = image.ReceivedTicks,
        Segment = place.Segment,
        Offset8 = (uint)(place.Offset / 8),
        Length = (int)image.BodyLength,
        Mailbox = image.Mailbox,
        Folder = image.Folder,
        Flags = flags,
        SummaryLength = image.SummaryLength,
    };
}

/// <summary>The newest complete backup of a group: its id, the newest LSN in it, and when its session began (UTC ticks).</summary>
internal sealed record BackupMark(Guid Id, ulong Lsn, long StartedTicks);
