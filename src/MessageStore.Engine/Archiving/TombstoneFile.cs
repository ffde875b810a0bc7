using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using MessageStore.IO;

namespace MessageStore.Archiving;

/// <summary>What a frame of the tombstone file is.</summary>
internal enum TombstoneFrameType : byte
{
    /// <summary>The first: format and database.</summary>
    Head = 1,
    /// <summary>Messages that have expired, all of one volume.</summary>
    Expired = 2,
    /// <summary>A volume that holds records which nothing needs any more, though their messages live.</summary>
    Superfluous = 3,
    /// <summary>Messages that their users deleted long ago, all of one volume: their records are given up.</summary>
    Reclaimed = 4,
}

/// <summary>Messages of one volume whose records are to go; none where only the volume is to be rewritten.</summary>
internal sealed record Tombstones(TombstoneFrameType Type, string Volume, IReadOnlyList<Guid> Ids);

/// <summary>
/// <c>tombstones.journal</c> in the archive folder: which messages have expired. It lies where their records lay, so it is lost only together with what it forbids. A
/// restore reads it, so that an older backup does not bring back what has expired since. Layout: docs/format-archive.md.
/// </summary>
internal sealed class TombstoneFile(IStorage storage, string root, Guid databaseId, TimeProvider clock)
{
    public const string FileName = "tombstones.journal";

    private const int Format = 1;
    private const int HeadLength = 20;

    private string FilePath => Path.Combine(root, FileName);

    /// <summary>Adds tombstones; they are durable on return.</summary>
    /// <exception cref="MessageStoreException">ArchiveDamaged: what was recorded before cannot be read; ArchiveUnavailable, DiskFull.</exception>
    public void Add(IReadOnlyCollection<Tombstones> tombstones)
    {
        if (tombstones.Count == 0) return;
        try
        {
            bool isNew = !storage.FileExists(FilePath);
            using IStorageFile file = storage.Open(FilePath, isNew ? FileAccessKind.CreateNew : FileAccessKind.ReadWrite);
            (long end, ulong lsn, long doubtful) = isNew ? (0, 1UL, 0) : FindEnd(file);
            if (file.Length > end) file.SetLength(end); // torn: nobody was told that it was recorded
            // What is written now vouches for what is there, and that may be left from an Add that failed.
            DoubtfulTail.MakeDurable(file, doubtful, end);
            ulong durable = lsn - 1;
            var bytes = new ArrayBufferWriter<byte>();
            if (lsn == 1) Write(bytes, TombstoneFrameType.Head, lsn++, 0, Head());
            foreach (Tombstones one in tombstones)
                Write(bytes, one.Type, lsn++, durable, Encode(one));
            file.Write(bytes.WrittenSpan, end);
            file.Flush();
            storage.FlushFolder(root); // also where it is not new: whoever created it may have failed just here
        }
        catch (Exception error) when (ArchiveErrors.IsDevice(error))
        {
            throw ArchiveErrors.Wrap(error, "recording what has expired", FilePath);
        }
    }

    /// <summary>All tombstones, oldest first; none where there is no file.</summary>
    /// <exception cref="MessageStoreException">ArchiveDamaged, ArchiveUnavailable, DatabaseFormatTooNew.</exception>
    public IEnumerable<Tombstones> Read()
    {
        if (!storage.FileExists(FilePath)) yield break;
        using IStorageFile file = Open();
        using var reader = new FrameReader(file, 0, 0, 1);
        while (Next(file, reader, out _) is { } one) yield return one;
    }

    private IStorageFile Open()
    {
        try
        {
            return storage.Open(FilePath, FileAccessKind.Read);
        }
        catch (Exception error) when (ArchiveErrors.IsDevice(error))
        {
            throw ArchiveErrors.Wrap(error, "reading what has expired", FilePath);
        }
    }

    /// <param name="isFirst">Whether it begins what one <see cref="Add"/> wrote.</param>
    private Tombstones? Next(IStorageFile file, FrameReader reader, out bool isFirst)
    {
        isFirst = false;
        try
        {
            while (reader.TryRead(out FrameHeader header, out ReadOnlySpan<byte> payload))
            {
                if (header.Lsn == 1) CheckHead(header, payload);
                else
                {
                    isFirst = header.Lsn == header.DurableLsn + 1;
                    return Decode((TombstoneFrameType)header.Type, payload);
                }
            }
            if (reader.End.Kind == FrameEndKind.Damaged) throw ArchiveErrors.Damaged(file.Path, reader.End.Offset, reader.End.Detail);
            return null;
        }
        catch (Exception error) when (ArchiveErrors.IsDevice(error))
        {
            throw ArchiveErrors.Wrap(error, "reading what has expired", FilePath);
        }
    }

    /// <returns>Where the next frame goes, its LSN, and where the last ones begin that were written together.</returns>
    private (long End, ulong Lsn, long Doubtful) FindEnd(IStorageFile file)
    {
        using var reader = new FrameReader(file, 0, 0, 1);
        long doubtful = 0;
        while (Next(file, reader, out bool isFirst) is not null)
            if (isFirst) doubtful = reader.FrameOffset;
        return (reader.End.Offset, reader.End.Lsn, doubtful);
    }

    private byte[] Head()
    {
        byte[] payload = new byte[HeadLength];
        BinaryPrimitives.WriteInt32LittleEndian(payload, Format);
        databaseId.TryWriteBytes(payload.AsSpan(4), bigEndian: true, out _);
        return payload;
    }

    private void CheckHead(in FrameHeader header, ReadOnlySpan<byte> payload)
    {
        if (header.Type != (byte)TombstoneFrameType.Head || payload.Length < HeadLength) throw ArchiveErrors.Damaged(FilePath, 0, "its head is not what was written.");
        int format = BinaryPrimitives.ReadInt32LittleEndian(payload);
        if (format > Format)
            throw new MessageStoreException(ErrorIds.DatabaseFormatTooNew, ErrorKind.NotSupported, $"{FilePath} is of format {format}; this version reads up to {Format}. Use a newer version.", FilePath);
        if (new Guid(payload.Slice(4, 16), bigEndian: true) != databaseId) throw ArchiveErrors.Unavailable(root, $"its {FileName} belongs to another database.");
    }

    private void Write(ArrayBufferWriter<byte> target, TombstoneFrameType type, ulong lsn, ulong durable, ReadOnlySpan<byte> payload)
    {
        var header = new FrameHeader((byte)type, lsn, durable, clock.GetUtcNow().UtcTicks, payload.Length, FrameHeader.Checksum(payload, 0));
        Span<byte> frame = target.GetSpan(header.Length)[..header.Length];
        frame.Clear();
        header.Write(frame, 0);
        payload.CopyTo(frame[FrameHeader.Size..]);
        target.Advance(header.Length);
    }

    private static byte[] Encode(Tombstones one)
    {
        int nameLength = Encoding.UTF8.GetByteCount(one.Volume);
        byte[] payload = new byte[2 + nameLength + one.Ids.Count * 16];
        BinaryPrimitives.WriteUInt16LittleEndian(payload, (ushort)nameLength);
        Encoding.UTF8.GetBytes(one.Volume, payload.AsSpan(2));
        for (int i = 0; i < one.Ids.Count; i++) one.Ids[i].TryWriteBytes(payload.AsSpan(2 + nameLength + i * 16), bigEndian: true, out _);
        return payload;
    }

    private static Tombstones Decode(TombstoneFrameType type, ReadOnlySpan<byte> payload)
    {
        int nameLength = BinaryPrimitives.ReadUInt16LittleEndian(payload);
        string volume = Encoding.UTF8.GetString(payload.Slice(2, nameLength));
        var ids = new List<Guid>();
        for (ReadOnlySpan<byte> rest = payload[(2 + nameLength)..]; rest.Length >= 16; rest = rest[16..]) ids.Add(new Guid(rest[..16], bigEndian: true));
        return new Tombstones(type, volume, ids);
    }
}
