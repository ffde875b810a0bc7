using System.Buffers.Binary;
using System.Security.Cryptography;
using MessageStore.IO;

namespace MessageStore.Backups;

/// <summary>The last bytes of a layer, without which it is not complete (docs/format-backup.md, "The layer").</summary>
/// <param name="Length">Of the content, in bytes.</param>
/// <param name="Chunks">How many there are.</param>
/// <param name="LabelOffset">Where the chunks end and the label begins; the table follows it.</param>
internal sealed record LayerTail(Guid Id, long Length, long Chunks, long LabelOffset, int LabelLength)
{
    public const int Size = 128;

    /// <summary>Bytes of the table for each chunk.</summary>
    public const int TableEntry = sizeof(uint);

    private const int ChecksumOffset = 124;
    private const int BoundBytes = 56;
    private const int ZeroOffset = BoundBytes + HMACSHA256.HashSizeInBytes;

    private static ReadOnlySpan<byte> MagicBytes => "MSLTAIL1"u8;

    /// <summary>The tail's bytes.</summary>
    /// <param name="end">Label and table.</param>
    public byte[] ToBytes(ReadOnlySpan<byte> end, LayerKeys? keys)
    {
        byte[] bytes = new byte[Size];
        MagicBytes.CopyTo(bytes);
        Id.TryWriteBytes(bytes.AsSpan(8), bigEndian: true, out _);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(24), Length);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(32), Chunks);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(40), LabelOffset);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(48), LabelLength);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(52), Crc32C.Compute(end));
        if (keys is not null) Authenticate(bytes, end, keys, bytes.AsSpan(BoundBytes));
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(ChecksumOffset), Crc32C.Compute(bytes.AsSpan(0, ChecksumOffset)));
        return bytes;
    }

    /// <summary>Reads the tail with label and table.</summary>
    /// <param name="keys"><see langword="null"/> where there are none, or where they are not known: then only the checksums are compared.</param>
    /// <param name="end">Label and table.</param>
    /// <exception cref="MessageStoreException">BackupIncomplete, BackupDamaged.</exception>
    public static LayerTail Read(IStorageFile file, LayerHeader header, LayerKeys? keys, out byte[] end)
    {
        byte[] bytes = new byte[Size];
        long offset = file.Length - Size;
        if (offset < LayerHeader.Size || file.ReadFully(bytes, offset) < Size || !bytes.AsSpan().StartsWith(MagicBytes) || BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(ChecksumOffset)) != Crc32C.Compute(bytes.AsSpan(0, ChecksumOffset)))
            throw new MessageStoreException(ErrorIds.BackupIncomplete, ErrorKind.Damaged, $"Backup {file.Path} has no valid tail at its end, where a complete one has its trailer: it was cut off, or altered there. It is not a backup.", file.Path);
        var tail = new LayerTail(new Guid(bytes.AsSpan(8, 16), bigEndian: true), BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(24)), BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(32)),
            BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(40)), BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(48)));
        if (tail.Id != header.Id || tail.LabelOffset < LayerHeader.Size || tail.LabelLength <= 0 || tail.Chunks is <= 0 or > int.MaxValue / TableEntry || tail.Length <= (tail.Chunks - 1) * header.ChunkBytes
            || tail.Length > tail.Chunks * header.ChunkBytes || offset - tail.LabelOffset != tail.LabelLength + tail.Chunks * TableEntry || offset - tail.LabelOffset > int.MaxValue || bytes.AsSpan(ZeroOffset, ChecksumOffset - ZeroOffset).ContainsAnyExcept((byte)0))
            throw LayerFile.Damaged(file.Path, offset, "the tail of its layer does not fit the file");
        end = new byte[offset - tail.LabelOffset];
        if (file.ReadFully(end, tail.LabelOffset) < end.Length || BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(52)) != Crc32C.Compute(end))
            throw LayerFile.Damaged(file.Path, tail.LabelOffset, "label or table of its layer is not what was written");
        if (!header.IsEncrypted && bytes.AsSpan(BoundBytes, HMACSHA256.HashSizeInBytes).ContainsAnyExcept((byte)0)) throw LayerFile.Damaged(file.Path, offset, "the tail of its layer is not what was written");
        if (keys is null) return tail;
        Span<byte> expected = stackalloc byte[HMACSHA256.HashSizeInBytes];
        Authenticate(bytes, end, keys, expected);
        if (!CryptographicOperations.FixedTimeEquals(expected, bytes.AsSpan(BoundBytes, expected.Length))) throw LayerFile.Damaged(file.Path, tail.LabelOffset, "label, table or tail of its layer were not written with this key");
        return tail;
    }

    private static void Authenticate(ReadOnlySpan<byte> tail, ReadOnlySpan<byte> end, LayerKeys keys, Span<byte> mac)
    {
        using var hmac = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, keys.Check);
        hmac.AppendData(tail[..BoundBytes]);
        hmac.AppendData(end);
        hmac.GetHashAndReset(mac);
    }
}
