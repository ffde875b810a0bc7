using System.Buffers.Binary;
using System.Runtime.InteropServices;
using MessageStore.IO;

namespace MessageStore.Storage;

internal static partial class IndexSnapshot
{
    /// <summary>
    /// Reads all of a snapshot without keeping it: every frame, each entry against the segments that it names, and the state digest, summed up anew.
    /// </summary>
    /// <exception cref="FormatException">Something is not as it was written; the message says what.</exception>
    public static void Verify(IStorage storage, string path, GroupIdentity identity)
    {
        using IStorageFile file = storage.Open(path, FileAccessKind.Read);
        using SnapshotFrameReader reader = Begin(file, identity);
        IndexTables tables = ReadTables(reader, identity, out FileFrameType type, out ReadOnlySpan<byte> payload);
        Dictionary<int, long> lengths = tables.Segments.ToDictionary(s => s.Number, s => s.Length);
        UInt128 digest = NamesDigest(tables);
        uint chained = 0;
        int pages = 0;
        for (; type == FileFrameType.SnapshotPage; type = reader.Next(out payload), pages++)
        {
            chained = Crc32C.Compute(payload, chained);
            foreach (ref readonly IndexEntry entry in MemoryMarshal.Cast<byte, IndexEntry>(payload[PageHeaderSize..]))
            {
                if (!entry.IsInUse) continue;
                digest += entry.StateHash();
                if (!lengths.TryGetValue(entry.Segment, out long length) || entry.Offset + entry.ImageLength > length)
                    throw new FormatException($"{path} has message {entry.Id.ToGuid()} at a place that segment {entry.Segment} does not have.");
            }
        }
        if (type != FileFrameType.SnapshotEnd || BinaryPrimitives.ReadInt32LittleEndian(payload) != pages || BinaryPrimitives.ReadUInt32LittleEndian(payload[4..]) != chained)
            throw new FormatException($"{path} ends before its last page.");
        if (digest != tables.Digest) throw new FormatException($"The entries in {path} do not come to the state digest that it recorded.");
    }

    private static UInt128 NamesDigest(IndexTables tables)
    {
        UInt128 sum = 0;
        foreach (MailboxTable mailbox in tables.Mailboxes)
        {
            sum += StateDigest.OfName(mailbox.Number, ushort.MaxValue, mailbox.Name);
            for (int folder = 0; folder < mailbox.Folders.Count; folder++) sum += StateDigest.OfName(mailbox.Number, (ushort)folder, mailbox.Folders[folder]);
        }
        foreach (RecordTable table in tables.Records) sum += MessageIndex.DigestOf(table.Record, table.Members);
        return sum;
    }
}
