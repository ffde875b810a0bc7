using System.Runtime.InteropServices;

namespace MessageStore.Storage;

internal sealed partial class MessageIndex
{
    /// <summary>Takes the tables and freezes the pages, both as of now. The snapshot's writer thaws them.</summary>
    public IndexTables Freeze(ulong lsn, long timeTicks, SegmentStore segments, Applier applier) => new()
    {
        Lsn = lsn,
        TimeTicks = timeTicks,
        Digest = Digest,
        SlotCount = pages.Freeze(),
        NextMailboxNumber = NextMailboxNumber,
        Mailboxes = [.. byNumber.Values.Select(m => new MailboxTable(m.Number, m.Name, m.First, m.Last, [.. m.Folders.Select(f => f.Name)]))],
        Segments = segments.Lengths(),
        Pending = [.. applier.Pending.Values],
        LastBackup = applier.LastBackup,
        Records = AllRecords(),
    };

    /// <summary>Takes over what a snapshot recorded, all but the entries.</summary>
    public void LoadTables(IndexTables tables)
    {
        foreach (MailboxTable table in tables.Mailboxes)
        {
            AddMailbox(table.Number, table.Name);
            for (int folder = 1; folder < table.Folders.Count; folder++) AddFolder(table.Number, folder, table.Folders[folder]);
            MailboxState mailbox = byNumber[table.Number];
            mailbox.First = table.First;
            mailbox.Last = table.Last;
        }
        NextMailboxNumber = Math.Max(NextMailboxNumber, tables.NextMailboxNumber);
        foreach (RecordTable table in tables.Records)
        {
            PutRecord(table.Record);
            AddMembers(table.Record.Id, MemoryMarshal.AsBytes<UInt128Bytes>(table.Members));
        }
    }
}
