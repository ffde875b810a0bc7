using System.Buffers.Binary;
using System.Runtime.InteropServices;
using MessageStore.IO;

namespace MessageStore.Storage;

/// <summary>What is whole in a damaged index snapshot: its tables where all of them are, and the entries of the pages that are.</summary>
internal sealed class SnapshotRemains
{
    private const int PageHeaderSize = 8;

    /// <summary>Mailboxes and segments; <see langword="null"/> where a piece of that is damaged.</summary>
    public IndexTables? Tables { get; private set; }

    /// <summary>Entries in use, in the order of their Ids, which is the order of arrival.</summary>
    public List<IndexEntry> Entries { get; } = [];

    /// <param name="file">The snapshot; what is missing of it reads as zeros.</param>
    public static SnapshotRemains Read(IStorageFile file, GroupIdentity identity)
    {
        var remains = new SnapshotRemains();
        using var tables = new MemoryStream();
        var pages = new HashSet<int>();
        byte[] payload = new byte[PageHeaderSize + EntryPages.EntriesPerPage * IndexEntry.Size];
        long offset = 0;
        while (FrameScanner.FindNext(file, identity.Salt, offset) is { } found)
        {
            offset = found.Offset + FrameHeader.Alignment;
            FrameHeader header = found.Header;
            if ((FileFrameType)header.Type is not (FileFrameType.SnapshotTables or FileFrameType.SnapshotPage)) continue;
            if (payload.Length < header.PayloadLength) payload = new byte[header.PayloadLength];
            Span<byte> bytes = payload.AsSpan(0, header.PayloadLength);
            if (file.ReadFully(bytes, found.Offset + FrameHeader.Size) < bytes.Length || !header.Matches(bytes, identity.Salt)) continue;
            offset = found.Offset + header.Length;
            if ((FileFrameType)header.Type == FileFrameType.SnapshotTables) tables.Write(bytes);
            else if (bytes.Length >= PageHeaderSize && pages.Add(BinaryPrimitives.ReadInt32LittleEndian(bytes))) remains.Take(bytes[PageHeaderSize..]);
        }
        remains.Entries.Sort((a, b) => a.Id.ToGuid().CompareTo(b.Id.ToGuid()));
        try
        {
            remains.Tables = IndexTables.Decode(tables.ToArray(), identity.Salt);
        }
        catch (FormatException)
        {
            // A piece is missing. Without names the mailboxes are known by their numbers.
        }
        return remains;
    }

    private void Take(ReadOnlySpan<byte> page)
    {
        foreach (ref readonly IndexEntry entry in MemoryMarshal.Cast<byte, IndexEntry>(page))
            if (entry.IsInUse) Entries.Add(entry);
    }
}
