using System.Buffers.Binary;
using System.Text;

namespace MessageStore.Storage;

/// <summary>What a record is for.</summary>
internal enum GroupRecordKind : byte
{
    /// <summary>Messages that it covers cannot be deleted while it is in force.</summary>
    Hold = 1,
    /// <summary>The archives of the mailboxes that it names are barred while it is in force. The store only keeps it.</summary>
    Block = 2,
    /// <summary>What the archive agent does in the mailboxes that it names. The store only keeps it.</summary>
    Policy = 3,
}

/// <summary>
/// Something that the administrator said about mailboxes, kept in every group: so it is in the log, in checkpoints and in backups, and comes back to any transaction
/// with the rest. A record is replaced, never removed: what was lifted stays on record. Layout: docs/format-log.md.
/// </summary>
/// <param name="Mailboxes">Pattern of mailbox names; empty where the record names its messages one by one.</param>
/// <param name="FromTicks">Messages received at this time (UTC ticks) or later are covered.</param>
/// <param name="BeforeTicks">Messages received before this time are covered.</param>
/// <param name="Note">UTF-8 JSON that the store does not look into: who, when, why.</param>
internal sealed record GroupRecord(Guid Id, GroupRecordKind Kind, bool InForce, string Mailboxes, long FromTicks, long BeforeTicks, byte[] Note)
{
    private const int FixedSize = 40;

    public byte[] Encode()
    {
        int nameLength = Encoding.UTF8.GetByteCount(Mailboxes);
        byte[] bytes = new byte[FixedSize + nameLength + Note.Length];
        Id.TryWriteBytes(bytes, bigEndian: true, out _);
        bytes[16] = (byte)Kind;
        bytes[17] = InForce ? (byte)1 : (byte)0;
        BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(18), (ushort)nameLength);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(24), FromTicks);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(32), BeforeTicks);
        Encoding.UTF8.GetBytes(Mailboxes, bytes.AsSpan(FixedSize));
        Note.CopyTo(bytes, FixedSize + nameLength);
        return bytes;
    }

    public static GroupRecord Read(ReadOnlySpan<byte> bytes)
    {
        int nameLength = BinaryPrimitives.ReadUInt16LittleEndian(bytes[18..]);
        return new GroupRecord(
            new Guid(bytes[..16], bigEndian: true), (GroupRecordKind)bytes[16], bytes[17] != 0,
            Encoding.UTF8.GetString(bytes.Slice(FixedSize, nameLength)),
            BinaryPrimitives.ReadInt64LittleEndian(bytes[24..]), BinaryPrimitives.ReadInt64LittleEndian(bytes[32..]),
            bytes[(FixedSize + nameLength)..].ToArray());
    }
}
