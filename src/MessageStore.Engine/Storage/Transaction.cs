using System.Buffers.Binary;
using System.Text;
using MessageStore.IO;

namespace MessageStore.Storage;

/// <summary>
/// One change on its way into the log: its payload in two pieces, so that a message's bytes are copied once, from the caller's buffer to the
/// buffer that goes to disk. The caller keeps both unchanged until <see cref="Committed"/> ends.
/// </summary>
internal sealed class Transaction
{
    private readonly TaskCompletionSource<ulong> committed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Transaction(TransactionType type, ReadOnlyMemory<byte> head, ReadOnlyMemory<byte> body, uint salt)
    {
        Type = type;
        Head = head;
        Body = body;
        // Computed here, by the caller's thread: the committer is the one thread that everybody waits for.
        PayloadCrc = Crc32C.Compute(body.Span, Crc32C.Compute(head.Span, salt));
    }

    public TransactionType Type { get; }

    public ReadOnlyMemory<byte> Head { get; }

    public ReadOnlyMemory<byte> Body { get; }

    public uint PayloadCrc { get; }

    public int PayloadLength => Head.Length + Body.Length;

    public int FrameLength => FrameHeader.FrameLength(PayloadLength);

    /// <summary>When it was handed in, in <see cref="System.Diagnostics.Stopwatch"/> time; 0 where nobody measures.</summary>
    public long Submitted { get; set; }

    /// <summary>Whether the frame goes to a segment too.</summary>
    public bool IsImage => Type is TransactionType.Append or TransactionType.AppendBegin or TransactionType.AppendPart
        or TransactionType.Archived or TransactionType.Recalled;

    /// <summary>Whether it is the archive agent's, whose own waits are nobody's trouble.</summary>
    public bool IsAgents => Type is TransactionType.Tagged or TransactionType.Archived;

    /// <summary>Ends with the transaction's LSN once it is durable and visible, or with the error that kept it from that.</summary>
    public Task<ulong> Committed => committed.Task;

    public void Complete(ulong lsn) => committed.TrySetResult(lsn);

    public void Fail(Exception error) => committed.TrySetException(error);

    /// <summary>Writes header and payload.</summary>
    public void Encode(Span<byte> destination, ulong lsn, ulong durableLsn, long time, uint salt)
    {
        new FrameHeader((byte)Type, lsn, durableLsn, time, PayloadLength, PayloadCrc).Write(destination, salt);
        Head.Span.CopyTo(destination[FrameHeader.Size..]);
        Body.Span.CopyTo(destination[(FrameHeader.Size + Head.Length)..]);
        destination[(FrameHeader.Size + PayloadLength)..FrameLength].Clear();
    }

    public static Transaction MailboxCreated(int number, string name, uint salt)
    {
        byte[] payload = new byte[4 + Encoding.UTF8.GetByteCount(name)];
        BinaryPrimitives.WriteInt32LittleEndian(payload, number);
        Encoding.UTF8.GetBytes(name, payload.AsSpan(4));
        return new Transaction(TransactionType.MailboxCreated, payload, default, salt);
    }

    public static Transaction MailboxRemoved(int number, uint salt)
    {
        byte[] payload = new byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(payload, number);
        return new Transaction(TransactionType.MailboxRemoved, payload, default, salt);
    }

    public static Transaction FolderCreated(int mailbox, int number, string name, uint salt)
    {
        byte[] payload = new byte[6 + Encoding.UTF8.GetByteCount(name)];
        BinaryPrimitives.WriteInt32LittleEndian(payload, mailbox);
        BinaryPrimitives.WriteUInt16LittleEndian(payload.AsSpan(4), (ushort)number);
        Encoding.UTF8.GetBytes(name, payload.AsSpan(6));
        return new Transaction(TransactionType.FolderCreated, payload, default, salt);
    }

    public static Transaction Flags(Guid id, EntryFlags set, EntryFlags clear, uint salt) =>
        OfMessage(TransactionType.Flags, id, [(ushort)set, (ushort)clear], salt);

    public static Transaction Moved(Guid id, int folder, uint salt) => OfMessage(TransactionType.Moved, id, [(ushort)folder], salt);

    public static Transaction Deleted(Guid id, uint salt) => OfMessage(TransactionType.Deleted, id, [], salt);

    public static Transaction Tagged(bool tagged, IReadOnlyCollection<Guid> ids, uint salt)
    {
        byte[] payload = new byte[8 + ids.Count * 16];
        payload[0] = tagged ? (byte)1 : (byte)0;
        int position = 8;
        foreach (Guid id in ids)
        {
            id.TryWriteBytes(payload.AsSpan(position), bigEndian: true, out _);
            position += 16;
        }
        return new Transaction(TransactionType.Tagged, payload, default, salt);
    }

    /// <summary>
    /// Changes nothing, and vouches for what came before: written last at a close. It also gives a checkpoint a sequence number of its own where only the places of images have changed:
    /// a snapshot bears the number of its transaction, and two with different places must not share a name.
    /// </summary>
    public static Transaction Vouch(uint salt) => new(TransactionType.Vouch, default, default, salt);

    public static Transaction BackedUp(Guid backup, ulong lsn, long started, uint salt)
    {
        byte[] payload = new byte[32];
        backup.TryWriteBytes(payload, bigEndian: true, out _);
        BinaryPrimitives.WriteUInt64LittleEndian(payload.AsSpan(16), lsn);
        BinaryPrimitives.WriteInt64LittleEndian(payload.AsSpan(24), started);
        return new Transaction(TransactionType.BackedUp, payload, default, salt);
    }

    public static Transaction Record(GroupRecord record, uint salt) => new(TransactionType.Record, record.Encode(), default, salt);

    public static Transaction RecordMembers(Guid record, IReadOnlyCollection<Guid> ids, uint salt)
    {
        byte[] payload = new byte[16 + ids.Count * 16];
        record.TryWriteBytes(payload, bigEndian: true, out _);
        int position = 16;
        foreach (Guid id in ids)
        {
            id.TryWriteBytes(payload.AsSpan(position), bigEndian: true, out _);
            position += 16;
        }
        return new Transaction(TransactionType.RecordMembers, payload, default, salt);
    }

    private static Transaction OfMessage(TransactionType type, Guid id, ReadOnlySpan<ushort> values, uint salt)
    {
        byte[] payload = new byte[16 + values.Length * sizeof(ushort)];
        id.TryWriteBytes(payload, bigEndian: true, out _);
        for (int i = 0; i < values.Length; i++) BinaryPrimitives.WriteUInt16LittleEndian(payload.AsSpan(16 + i * sizeof(ushort)), values[i]);
        return new Transaction(type, payload, default, salt);
    }
}
