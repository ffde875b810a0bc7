using System.Runtime.InteropServices;
using System.Text;

namespace MessageStore.Storage;

/// <summary>Everything in a snapshot but the entries: small enough to be taken in one piece while the committer waits.</summary>
internal sealed record IndexTables
{
    public required ulong Lsn { get; init; }
    public required long TimeTicks { get; init; }
    public required UInt128 Digest { get; init; }
    public required int SlotCount { get; init; }
    public required int NextMailboxNumber { get; init; }
    public required IReadOnlyList<MailboxTable> Mailboxes { get; init; }
    public required IReadOnlyList<SegmentInfo> Segments { get; init; }
    public required IReadOnlyList<PendingAppend> Pending { get; init; }
    public BackupMark? LastBackup { get; init; }
    /// <summary>Empty in a snapshot of before there were records.</summary>
    public IReadOnlyList<RecordTable> Records { get; init; } = [];

    public byte[] Encode()
    {
        using var stream = new MemoryStream();
        using var writer = new BinaryWriter(stream, Encoding.UTF8);
        writer.Write(Lsn);
        writer.Write(TimeTicks);
        writer.Write((ulong)Digest);
        writer.Write((ulong)(Digest >> 64));
        writer.Write(SlotCount);
        writer.Write(NextMailboxNumber);
        writer.Write(Mailboxes.Count);
        foreach (MailboxTable mailbox in Mailboxes)
        {
            writer.Write(mailbox.Number);
            writer.Write(mailbox.Name);
            writer.Write(mailbox.First);
            writer.Write(mailbox.Last);
            writer.Write(mailbox.Folders.Count);
            foreach (string folder in mailbox.Folders) writer.Write(folder);
        }
        writer.Write(Segments.Count);
        foreach (SegmentInfo segment in Segments)
        {
            writer.Write(segment.Number);
            writer.Write(segment.Length);
        }
        writer.Write(Pending.Count);
        foreach (PendingAppend append in Pending)
        {
            writer.Write(append.Segment);
            writer.Write(append.Offset);
            writer.Write(append.Head.Length);
            writer.Write(append.Head);
        }
        writer.Write(LastBackup is not null);
        if (LastBackup is not null)
        {
            writer.Write(LastBackup.Id.ToByteArray(bigEndian: true));
            writer.Write(LastBackup.Lsn);
            writer.Write(LastBackup.StartedTicks);
        }
        writer.Write(Records.Count);
        foreach (RecordTable table in Records)
        {
            byte[] encoded = table.Record.Encode();
            writer.Write(encoded.Length);
            writer.Write(encoded);
            writer.Write(table.Members.Length);
            writer.Write(MemoryMarshal.AsBytes<UInt128Bytes>(table.Members));
        }
        writer.Flush();
        return stream.ToArray();
    }

    /// <exception cref="FormatException">The bytes passed their checksum but are no tables: a newer format or our mistake.</exception>
    public static IndexTables Decode(byte[] bytes, uint salt)
    {
        using var reader = new BinaryReader(new MemoryStream(bytes), Encoding.UTF8);
        try
        {
            ulong lsn = reader.ReadUInt64();
            long time = reader.ReadInt64();
            ulong low = reader.ReadUInt64();
            var digest = new UInt128(reader.ReadUInt64(), low);
            int slots = reader.ReadInt32();
            int next = reader.ReadInt32();
            var mailboxes = new MailboxTable[reader.ReadInt32()];
            for (int i = 0; i < mailboxes.Length; i++)
            {
                int number = reader.ReadInt32();
                string name = reader.ReadString();
                int first = reader.ReadInt32(), last = reader.ReadInt32();
                var folders = new string[reader.ReadInt32()];
                for (int f = 0; f < folders.Length; f++) folders[f] = reader.ReadString();
                mailboxes[i] = new MailboxTable(number, name, first, last, folders);
            }
            var segments = new SegmentInfo[reader.ReadInt32()];
            for (int i = 0; i < segments.Length; i++) segments[i] = new SegmentInfo(reader.ReadInt32(), reader.ReadInt64());
            var pending = new PendingAppend[reader.ReadInt32()];
            for (int i = 0; i < pending.Length; i++)
            {
                int segment = reader.ReadInt32();
                long offset = reader.ReadInt64();
                byte[] head = reader.ReadBytes(reader.ReadInt32());
                if (!ImageHeader.TryRead(head, salt, out ImageHeader image)) throw new FormatException("An unfinished append has no image header.");
                pending[i] = new PendingAppend(image, segment, offset, head);
            }
            BackupMark? backup = reader.ReadBoolean()
                ? new BackupMark(new Guid(reader.ReadBytes(16), bigEndian: true), reader.ReadUInt64(), reader.ReadInt64())
                : null;
            var records = new RecordTable[reader.BaseStream.Position < bytes.Length ? reader.ReadInt32() : 0];
            for (int i = 0; i < records.Length; i++)
            {
                GroupRecord record = GroupRecord.Read(reader.ReadBytes(reader.ReadInt32()));
                var members = new UInt128Bytes[reader.ReadInt32()];
                reader.BaseStream.ReadExactly(MemoryMarshal.AsBytes(members.AsSpan()));
                records[i] = new RecordTable(record, members);
            }
            return new IndexTables
            {
                Lsn = lsn, TimeTicks = time, Digest = digest, SlotCount = slots, NextMailboxNumber = next, Mailboxes = mailboxes,
                Segments = segments, Pending = pending, LastBackup = backup, Records = records,
            };
        }
        catch (Exception error) when (error is EndOfStreamException or ArgumentException or OverflowException or OutOfMemoryException)
        {
            throw new FormatException("The tables of the snapshot cannot be read.", error);
        }
    }
}

/// <summary>A mailbox in a snapshot.</summary>
internal sealed record MailboxTable(int Number, string Name, int First, int Last, IReadOnlyList<string> Folders);

/// <summary>A record in a snapshot, with the messages that it names one by one.</summary>
internal sealed record RecordTable(GroupRecord Record, UInt128Bytes[] Members);
