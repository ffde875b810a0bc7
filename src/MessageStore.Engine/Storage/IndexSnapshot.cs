using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;
using MessageStore.IO;

namespace MessageStore.Storage;

/// <summary>Writes and reads index snapshots: the files behind checkpoints (docs/format-segment.md).</summary>
internal static partial class IndexSnapshot
{
    private const string Prefix = "checkpoint-";
    private const string Extension = ".idx";
    public const int PageHeaderSize = 8;
    private const int TablesChunk = 8 << 20;

    public static string PathOf(string folder, ulong lsn) =>
        Path.Combine(folder, Prefix + lsn.ToString("x16", CultureInfo.InvariantCulture) + Extension);

    /// <summary>All snapshots of a folder, newest first.</summary>
    public static List<(ulong Lsn, string Path)> List(IStorage storage, string folder)
    {
        var found = new List<(ulong, string)>();
        foreach (string path in storage.ListFiles(folder))
        {
            string name = Path.GetFileName(path);
            if (name.StartsWith(Prefix, StringComparison.Ordinal) && name.EndsWith(Extension, StringComparison.Ordinal)
                && ulong.TryParse(name.AsSpan(Prefix.Length, name.Length - Prefix.Length - Extension.Length), NumberStyles.HexNumber,
                    CultureInfo.InvariantCulture, out ulong lsn))
                found.Add((lsn, path));
        }
        found.Sort((a, b) => b.Item1.CompareTo(a.Item1));
        return found;
    }

    /// <summary>Writes the frozen index durably under its final name while the committer goes on.</summary>
    /// <returns>Length of the file in bytes.</returns>
    public static long Write(IStorage storage, string folder, GroupIdentity identity, IndexTables tables, MessageIndex index, CancellationToken cancellationToken)
    {
        long length = 0;
        AtomicFile.Write(storage, PathOf(folder, tables.Lsn), file =>
        {
            var writer = new SnapshotFrameWriter(file, identity.Salt, tables.Lsn, tables.TimeTicks);
            writer.WriteRaw(new GroupFileHeader(GroupFileKind.Snapshot, identity, tables.Lsn).Encode(tables.Lsn, tables.TimeTicks));
            byte[] encoded = tables.Encode();
            for (int start = 0; start < encoded.Length; start += TablesChunk)
                writer.Write(FileFrameType.SnapshotTables, encoded.AsSpan(start, Math.Min(TablesChunk, encoded.Length - start)));

            byte[] payload = new byte[PageHeaderSize + EntryPages.EntriesPerPage * IndexEntry.Size];
            uint chained = 0;
            int pageCount = (tables.SlotCount + EntryPages.EntriesPerPage - 1) / EntryPages.EntriesPerPage;
            for (int page = 0; page < pageCount; page++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                int entries = Math.Min(EntryPages.EntriesPerPage, tables.SlotCount - page * EntryPages.EntriesPerPage);
                Span<byte> used = payload.AsSpan(0, PageHeaderSize + entries * IndexEntry.Size);
                BinaryPrimitives.WriteInt32LittleEndian(used, page);
                lock (index.Gate) index.Pages.CopyFrozen(page, MemoryMarshal.Cast<byte, IndexEntry>(used[PageHeaderSize..]));
                chained = Crc32C.Compute(used, chained);
                writer.Write(FileFrameType.SnapshotPage, used);
            }
            Span<byte> end = stackalloc byte[8];
            BinaryPrimitives.WriteInt32LittleEndian(end, pageCount);
            BinaryPrimitives.WriteUInt32LittleEndian(end[4..], chained);
            writer.Write(FileFrameType.SnapshotEnd, end);
            length = writer.Finish();
        });
        return length;
    }

    /// <summary>Hands out the entries of a snapshot page by page, as they lie.</summary>
    /// <exception cref="MessageStoreException">StoreDamaged.</exception>
    public static void ReadPages(IStorage storage, string path, GroupIdentity identity, PageAction page)
    {
        using IStorageFile file = storage.Open(path, FileAccessKind.Read);
        ReadPages(file, identity, page);
    }

    /// <inheritdoc cref="ReadPages(IStorage, string, GroupIdentity, PageAction)"/>
    public static void ReadPages(IStorageFile file, GroupIdentity identity, PageAction page)
    {
        try
        {
            using SnapshotFrameReader reader = Begin(file, identity);
            FileFrameType type;
            while ((type = reader.Next(out ReadOnlySpan<byte> payload)) != FileFrameType.SnapshotEnd)
                if (type == FileFrameType.SnapshotPage) page(payload[PageHeaderSize..]);
        }
        catch (FormatException error)
        {
            throw new MessageStoreException(ErrorIds.StoreDamaged, ErrorKind.Damaged, error.Message, file.Path, error);
        }
    }

    /// <summary>The pages of a snapshot, to be taken one by one.</summary>
    /// <exception cref="MessageStoreException">StoreDamaged.</exception>
    public static SnapshotPages OpenPages(IStorageFile file, GroupIdentity identity)
    {
        try
        {
            return new SnapshotPages(Begin(file, identity), file.Path);
        }
        catch (FormatException error)
        {
            throw new MessageStoreException(ErrorIds.StoreDamaged, ErrorKind.Damaged, error.Message, file.Path, error);
        }
    }

    /// <summary>Which segments the snapshots of a folder name. One that cannot be read now may be readable later, so it is taken to name all.</summary>
    public static Func<int, bool> NamedSegments(IStorage storage, string folder, GroupIdentity identity)
    {
        var named = new HashSet<int>();
        foreach ((_, string path) in List(storage, folder))
        {
            try
            {
                foreach (SegmentInfo segment in ReadTables(storage, path, identity).Segments) named.Add(segment.Number);
            }
            catch (Exception error) when (error is FormatException or IOException or MessageStoreException)
            {
                return _ => true;
            }
        }
        return named.Contains;
    }

    /// <summary>Everything in a snapshot but the entries.</summary>
    /// <exception cref="FormatException">The file is not a valid snapshot of this group as far as its tables go.</exception>
    public static IndexTables ReadTables(IStorage storage, string path, GroupIdentity identity)
    {
        using IStorageFile file = storage.Open(path, FileAccessKind.Read);
        using SnapshotFrameReader reader = Begin(file, identity);
        return ReadTables(reader, identity, out _, out _);
    }

    private static SnapshotFrameReader Begin(IStorageFile file, GroupIdentity identity)
    {
        GroupFileHeader header = GroupFileHeader.Read(file, out int headerLength) ?? throw new FormatException($"{file.Path} has no valid header.");
        if (header.Kind != GroupFileKind.Snapshot || header.Identity.Salt != identity.Salt || header.Identity.DatabaseId != identity.DatabaseId)
            throw new FormatException($"{file.Path} is not a snapshot of storage group {identity.Name}.");
        return new SnapshotFrameReader(file, identity.Salt, headerLength, header.Number);
    }

    private static IndexTables ReadTables(SnapshotFrameReader reader, GroupIdentity identity, out FileFrameType next, out ReadOnlySpan<byte> payload)
    {
        using var encoded = new MemoryStream();
        while ((next = reader.Next(out payload)) == FileFrameType.SnapshotTables) encoded.Write(payload);
        return IndexTables.Decode(encoded.ToArray(), identity.Salt);
    }

    /// <summary>Takes the entries of a page, 72 bytes each.</summary>
    public delegate void PageAction(ReadOnlySpan<byte> entries);

    /// <summary>Reads a snapshot into an empty index.</summary>
    /// <exception cref="FormatException">The file is not a whole and valid snapshot of this group; the message says where it fails.</exception>
    public static IndexTables Load(IStorage storage, string path, GroupIdentity identity, MessageIndex index)
    {
        using IStorageFile file = storage.Open(path, FileAccessKind.Read);
        return Load(file, identity, index);
    }

    /// <inheritdoc cref="Load(IStorage, string, GroupIdentity, MessageIndex)"/>
    public static IndexTables Load(IStorageFile file, GroupIdentity identity, MessageIndex index)
    {
        string path = file.Path;
        using SnapshotFrameReader reader = Begin(file, identity);
        IndexTables tables = ReadTables(reader, identity, out FileFrameType type, out ReadOnlySpan<byte> payload);
        index.LoadTables(tables);

        uint chained = 0;
        int pages = 0;
        for (; type == FileFrameType.SnapshotPage; type = reader.Next(out payload), pages++)
        {
            if (BinaryPrimitives.ReadInt32LittleEndian(payload) != pages) throw new FormatException($"{path} lacks page {pages}.");
            chained = Crc32C.Compute(payload, chained);
            ReadOnlySpan<IndexEntry> entries = MemoryMarshal.Cast<byte, IndexEntry>(payload[PageHeaderSize..]);
            var page = new IndexEntry[EntryPages.EntriesPerPage];
            entries.CopyTo(page);
            index.Pages.Load(page, entries.Length);
        }
        if (type != FileFrameType.SnapshotEnd || BinaryPrimitives.ReadInt32LittleEndian(payload) != pages
            || BinaryPrimitives.ReadUInt32LittleEndian(payload[4..]) != chained || index.Pages.SlotLimit != tables.SlotCount)
            throw new FormatException($"{path} ends before its last page.");
        index.Rebuild(tables.Digest);
        return tables;
    }
}
