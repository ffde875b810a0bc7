using System.Buffers.Binary;
using System.Security.Cryptography;
using MessageStore.IO;

namespace MessageStore.Backups;

/// <summary>The first bytes of a backup file that is compressed or encrypted; byte by byte in docs/format-backup.md, "The layer".</summary>
/// <param name="ChunkBytes">Length of the content of each chunk but the last.</param>
/// <param name="Id">Of the set: every chunk and the tail are bound to it.</param>
/// <param name="KeySalt">32 bytes from which, and from the secret, the keys of this file come; zero without encryption.</param>
/// <param name="PasswordSalt">16 bytes; zero for a key file.</param>
/// <param name="Rounds">Of PBKDF2; 0 for a key file.</param>
/// <param name="KeyCheck">HMAC of what stands before it under the check key; zero without encryption.</param>
internal sealed record LayerHeader(
    BackupCompression Compression, bool IsEncrypted, int ChunkBytes, Guid Id, ReadOnlyMemory<byte> KeySalt, ReadOnlyMemory<byte> PasswordSalt, int Rounds, ReadOnlyMemory<byte> KeyCheck)
{
    public const int Size = 128;
    public const int KeySaltBytes = 32;
    public const int PasswordSaltBytes = 16;

    /// <summary>What stands before the key check.</summary>
    public const int CheckedBytes = 88;

    /// <summary>What chunks hold unless somebody chooses otherwise: small enough that damage, and the reading of one message, costs little.</summary>
    public const int DefaultChunkBytes = 256 << 10;

    private const int SmallestChunkBytes = 1 << 10;
    private const int LargestChunkBytes = 16 << 20;
    private const int MostRounds = 10_000_000;
    private const int ChecksumOffset = 124;

    /// <summary>The first bytes of every layer.</summary>
    public static ReadOnlySpan<byte> MagicBytes => "MSLAYER1"u8;

    /// <summary>Whether a file begins as a layer does.</summary>
    public static bool IsLayer(IStorageFile file)
    {
        Span<byte> magic = stackalloc byte[MagicBytes.Length];
        return file.ReadFully(magic, 0) == magic.Length && magic.SequenceEqual(MagicBytes);
    }

    /// <exception cref="MessageStoreException">BackupDamaged, BackupFormatTooNew.</exception>
    public static LayerHeader Read(IStorageFile file)
    {
        byte[] bytes = new byte[Size];
        if (file.ReadFully(bytes, 0) < Size || !bytes.AsSpan().StartsWith(MagicBytes) || BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(ChecksumOffset)) != Crc32C.Compute(bytes.AsSpan(0, ChecksumOffset)))
            throw LayerFile.Damaged(file.Path, 0, "the header of its layer is not valid");
        int chunkBytes = BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(12)), rounds = BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(80));
        if (bytes[8] > 1 || bytes[9] > 1 || bytes.AsSpan(10, 2).ContainsAnyExcept((byte)0) || bytes.AsSpan(84, 4).ContainsAnyExcept((byte)0) || bytes.AsSpan(120, 4).ContainsAnyExcept((byte)0)
            || chunkBytes is < SmallestChunkBytes or > LargestChunkBytes || rounds is < 0 or > MostRounds)
            throw new MessageStoreException(ErrorIds.BackupFormatTooNew, ErrorKind.NotSupported, $"Backup {file.Path} is packed in a way that this version does not know. Use a newer MessageStore.", file.Path);
        return new LayerHeader(bytes[8] == 0 ? BackupCompression.None : BackupCompression.Fastest, bytes[9] != 0, chunkBytes, new Guid(bytes.AsSpan(16, 16), bigEndian: true),
            bytes.AsMemory(32, KeySaltBytes), bytes.AsMemory(64, PasswordSaltBytes), rounds, bytes.AsMemory(CheckedBytes, HMACSHA256.HashSizeInBytes));
    }

    /// <summary>The header's bytes.</summary>
    public byte[] ToBytes()
    {
        byte[] bytes = new byte[Size];
        MagicBytes.CopyTo(bytes);
        bytes[8] = (byte)(Compression == BackupCompression.None ? 0 : 1);
        bytes[9] = (byte)(IsEncrypted ? 1 : 0);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(12), ChunkBytes);
        Id.TryWriteBytes(bytes.AsSpan(16), bigEndian: true, out _);
        KeySalt.Span.CopyTo(bytes.AsSpan(32));
        PasswordSalt.Span.CopyTo(bytes.AsSpan(64));
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(80), Rounds);
        KeyCheck.Span.CopyTo(bytes.AsSpan(CheckedBytes));
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(ChecksumOffset), Crc32C.Compute(bytes.AsSpan(0, ChecksumOffset)));
        return bytes;
    }
}
