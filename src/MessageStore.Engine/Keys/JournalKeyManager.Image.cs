using System.Buffers;
using System.Buffers.Binary;
using MessageStore.IO;

namespace MessageStore.Keys;

/// <summary>
/// Images for backups: because the journal only grows, what was durable at a moment is its own consistent image. Format: docs/format-keys.md.
/// </summary>
internal sealed partial class JournalKeyManager
{
    private const uint ImageMagic = 0x314B_534D; // "MSK1" read as little-endian
    private const int ImageHeaderSize = 40;
    private const int CopyBlockSize = 1 << 20;

    /// <summary>Hands out an image of all keys as they are now, in blocks, while others read and write on.</summary>
    /// <exception cref="MessageStoreException">KeysDamaged, DeviceFailed; and what <paramref name="write"/> raises.</exception>
    public void WriteImage(Action<ReadOnlyMemory<byte>> write)
    {
        KeyGeneration generation;
        long end;
        ulong nextLsn;
        lock (gate)
        {
            ObjectDisposedException.ThrowIf(disposed, this);
            generation = current;
            (end, nextLsn) = (generation.End, generation.NextLsn);
            generation.Lease();
        }
        byte[] block = ArrayPool<byte>.Shared.Rent(CopyBlockSize);
        try
        {
            Span<byte> header = block.AsSpan(0, ImageHeaderSize);
            header.Clear();
            BinaryPrimitives.WriteUInt32LittleEndian(header, ImageMagic);
            BinaryPrimitives.WriteInt32LittleEndian(header[4..], KeySettings.CurrentFormat);
            BinaryPrimitives.WriteUInt32LittleEndian(header[8..], salt);
            BinaryPrimitives.WriteInt64LittleEndian(header[16..], generation.Number);
            BinaryPrimitives.WriteInt64LittleEndian(header[24..], end);
            BinaryPrimitives.WriteUInt64LittleEndian(header[32..], nextLsn);
            BinaryPrimitives.WriteUInt32LittleEndian(header[12..], ImageHeaderCrc(header));
            write(block.AsMemory(0, ImageHeaderSize));
            for (long at = 0; at < end;)
            {
                int count = ReadJournal(generation, block.AsSpan(0, (int)Math.Min(CopyBlockSize, end - at)), at);
                if (count == 0) throw generation.Damage(at, "The file ends there.");
                write(block.AsMemory(0, count));
                at += count;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(block);
            generation.Dispose();
        }
    }

    /// <inheritdoc cref="WriteImage(Action{ReadOnlyMemory{byte}})"/>
    public void CopyTo(Stream target) => WriteImage(block => target.Write(block.Span));

    /// <summary>Makes a key manager out of an image, and proves it by a replay before its settings file makes it one.</summary>
    /// <param name="storage">Where it is to lie.</param>
    /// <param name="folder">The database folder; it must exist and have no key manager.</param>
    /// <param name="image">At the image's first byte; left behind its last.</param>
    /// <returns>The number of keys restored.</returns>
    /// <exception cref="MessageStoreException">BackupDamaged, BackupFormatTooNew, DatabaseExists, DiskFull, DeviceFailed.</exception>
    public static long Restore(IStorage storage, string folder, Stream image)
    {
        Span<byte> header = stackalloc byte[ImageHeaderSize];
        if (image.ReadAtLeast(header, ImageHeaderSize, throwOnEndOfStream: false) < ImageHeaderSize
            || BinaryPrimitives.ReadUInt32LittleEndian(header) != ImageMagic
            || BinaryPrimitives.ReadUInt32LittleEndian(header[12..]) != ImageHeaderCrc(header))
        {
            throw BadImage("its header is not what was written");
        }
        int format = BinaryPrimitives.ReadInt32LittleEndian(header[4..]);
        if (format > KeySettings.CurrentFormat)
        {
            throw new MessageStoreException(
                ErrorIds.BackupFormatTooNew, ErrorKind.NotSupported, $"The image of the archive keys is of format {format}. Use a newer version.", folder);
        }
        uint salt = BinaryPrimitives.ReadUInt32LittleEndian(header[8..]);
        long number = BinaryPrimitives.ReadInt64LittleEndian(header[16..]);
        long length = BinaryPrimitives.ReadInt64LittleEndian(header[24..]);
        ulong nextLsn = BinaryPrimitives.ReadUInt64LittleEndian(header[32..]);
        string path = KeyGeneration.PathOf(folder, number);
        try
        {
            RefuseExisting(storage, folder);
            AtomicFile.Write(storage, path, file => CopyJournal(image, file, length));
            using var generation = new KeyGeneration(storage.Open(path, FileAccessKind.ReadWrite), number, salt);
            Replay(generation, salt);
            if (generation.End != length || generation.NextLsn != nextLsn) throw generation.Damage(generation.End, "Keys are missing at the end.");
            new KeySettings(KeySettings.CurrentFormat, salt).Save(storage, folder);
            return generation.Table.Count;
        }
        catch (Exception error) when (IsDeviceError(error))
        {
            throw StorageErrors.Wrap(error, "restoring the archive keys", folder);
        }
        catch (MessageStoreException error) when (error.ErrorId == ErrorIds.KeysDamaged)
        {
            storage.DeleteFile(path);
            throw BadImage(error.Message);
        }
    }

    private static int ReadJournal(KeyGeneration generation, Span<byte> block, long at)
    {
        try
        {
            return generation.File.ReadFully(block, at);
        }
        catch (Exception error) when (IsDeviceError(error))
        {
            throw StorageErrors.Wrap(error, "reading the archive keys", generation.File.Path);
        }
    }

    private static void CopyJournal(Stream image, IStorageFile file, long length)
    {
        byte[] block = ArrayPool<byte>.Shared.Rent(CopyBlockSize);
        try
        {
            for (long at = 0; at < length;)
            {
                int count = image.Read(block, 0, (int)Math.Min(CopyBlockSize, length - at));
                if (count == 0) throw BadImage($"it ends after {at} of {length} bytes");
                file.Write(block.AsSpan(0, count), at);
                at += count;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(block);
        }
    }

    private static uint ImageHeaderCrc(ReadOnlySpan<byte> header) =>
        Crc32C.Compute(header[16..ImageHeaderSize], Crc32C.Compute(header[..12]));

    private static MessageStoreException BadImage(string what) => new(
        ErrorIds.BackupDamaged, ErrorKind.Damaged, $"The image of the archive keys is damaged: {what}.");
}
