using System.Buffers;
using System.Buffers.Binary;
using System.IO.Compression;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using MessageStore.IO;
using MessageStore.Messages;

namespace MessageStore.Archiving;

/// <summary>
/// Reads archive records: what they say of themselves without unpacking, and their bodies. CRC-32, length and SHA-256 are all compared before the first
/// byte of a body is handed out; bodies beyond <see cref="MessageBody.MemoryLimit"/> are read twice for that, in bounded memory.
/// </summary>
internal static class ArchiveRecordReader
{
    internal const string NotEnded = "its compressed bytes do not end where its checksum begins";

    /// <summary>Reads a record's header; <see langword="null"/> where there is none at this offset, or not the one that was written.</summary>
    public static ArchivedRecordInfo? TryReadInfo(IStorageFile file, long offset)
    {
        Span<byte> header = stackalloc byte[ArchiveRecordHeader.MaximumLength];
        int count = file.ReadFully(header, offset);
        return ArchiveRecordHeader.TryRead(header[..count], offset);
    }

    /// <summary>Reads the header of the record that a key names.</summary>
    /// <exception cref="MessageStoreException">ArchiveDamaged: no record lies there, or another one.</exception>
    public static ArchivedRecordInfo ReadInfo(IStorageFile file, ArchiveKey key)
    {
        return Compared(file, key, TryReadInfo(file, key.Offset));
    }

    private static ArchivedRecordInfo Compared(IStorageFile file, ArchiveKey key, ArchivedRecordInfo? info)
    {
        if (info is null) throw ArchiveErrors.Damaged(file.Path, key.Offset, $"the header of message {key.Id} is not what was written.");
        if (info.Id != key.Id || info.Length != key.Length || !info.Sha256.Equals(key.Sha256, StringComparison.OrdinalIgnoreCase))
            throw ArchiveErrors.Damaged(file.Path, key.Offset, $"message {info.Id} lies where the key of message {key.Id} points.");
        return info;
    }

    /// <summary>Whether a record of so long a body is unpacked in memory.</summary>
    public static bool IsSmall(ArchivedRecordInfo info) => info.BodyLength <= MessageBody.MemoryLimit;

    /// <summary>Compares a record that lies in memory with its key, unpacks it and compares all its checksums.</summary>
    /// <param name="file">Where it was read from.</param>
    /// <param name="key">The key; its record is <see cref="IsSmall">small</see>.</param>
    /// <param name="member">The record's bytes.</param>
    /// <exception cref="MessageStoreException">ArchiveDamaged.</exception>
    public static void Verify(IStorageFile file, ArchiveKey key, ReadOnlyMemory<byte> member)
    {
        ReadOnlySpan<byte> header = member.Span[..Math.Min(member.Length, ArchiveRecordHeader.MaximumLength)];
        UseBody(file, Compared(file, key, ArchiveRecordHeader.TryRead(header, key.Offset)), member, static _ => 0);
    }

    /// <summary>Unpacks a record and compares all its checksums.</summary>
    /// <exception cref="MessageStoreException">ArchiveDamaged.</exception>
    public static void Verify(IStorageFile file, ArchivedRecordInfo info)
    {
        if (!IsSmall(info)) VerifyLarge(file, info);
        else WithBody(file, info, static _ => 0);
    }

    /// <summary>Opens a record's body: the raw message. The stream may use the file until it is disposed, and does not dispose it.</summary>
    /// <exception cref="MessageStoreException">ArchiveDamaged.</exception>
    public static Stream OpenBody(IStorageFile file, ArchivedRecordInfo info)
    {
        if (IsSmall(info))
            return new MemoryStream(WithBody(file, info, static body => body.ToArray()), writable: false);
        VerifyLarge(file, info);
        return new ArchiveBodyStream(file, info);
    }

    private static T WithBody<T>(IStorageFile file, ArchivedRecordInfo info, Func<ReadOnlySpan<byte>, T> use)
    {
        byte[] member = ArrayPool<byte>.Shared.Rent((int)info.Length);
        try
        {
            int count = file.ReadFully(member.AsSpan(0, (int)info.Length), info.Offset);
            if (count < info.Length) throw Damaged(file, info, $"the file ends within the record, after {count} of {info.Length} bytes");
            return UseBody(file, info, member.AsMemory(0, (int)info.Length), use);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(member);
        }
    }

    private static T UseBody<T>(IStorageFile file, ArchivedRecordInfo info, ReadOnlyMemory<byte> member, Func<ReadOnlySpan<byte>, T> use)
    {
        byte[]? entryArray = null;
        try
        {
            ReadOnlyMemory<byte> deflated = member.Slice(info.HeaderLength, (int)info.Length - info.HeaderLength - ArchiveRecordHeader.TrailerLength);
            if (!StoredDeflate.TryReadOneBlock(deflated, out ReadOnlyMemory<byte> entry))
            {
                entryArray = ArrayPool<byte>.Shared.Rent((int)info.EntryLength);
                Unpack(file, info, deflated, entryArray.AsSpan(0, (int)info.EntryLength));
                entry = entryArray.AsMemory(0, (int)info.EntryLength);
            }
            ReadOnlySpan<byte> trailer = member.Span.Slice((int)info.Length - ArchiveRecordHeader.TrailerLength, ArchiveRecordHeader.TrailerLength);
            CheckTrailer(file, info, trailer, Crc32.Compute(entry.Span), entry.Length);
            return UnquoteAndUse(file, info, entry.Span, use);
        }
        finally
        {
            if (entryArray is not null) ArrayPool<byte>.Shared.Return(entryArray);
        }
    }

    private static void Unpack(IStorageFile file, ArchivedRecordInfo info, ReadOnlyMemory<byte> deflated, Span<byte> entry)
    {
        if (StoredDeflate.TryRead(deflated.Span, entry)) return;
        try
        {
            ArraySegment<byte> source = MemoryMarshal.TryGetArray(deflated, out ArraySegment<byte> array) ? array : deflated.ToArray();
            var bytes = new DeflateSource(new MemoryStream(source.Array!, source.Offset, source.Count), source.Count);
            using var inflate = new DeflateStream(bytes, CompressionMode.Decompress);
            int count = inflate.ReadAtLeast(entry, entry.Length, throwOnEndOfStream: false);
            if (count < entry.Length || inflate.ReadByte() >= 0) throw Damaged(file, info, "it does not unpack to the length that it says");
            if (!bytes.IsUsedUp) throw Damaged(file, info, NotEnded);
        }
        catch (InvalidDataException error)
        {
            throw Damaged(file, info, error.Message.TrimEnd('.'));
        }
    }

    private static T UnquoteAndUse<T>(IStorageFile file, ArchivedRecordInfo info, ReadOnlySpan<byte> entry, Func<ReadOnlySpan<byte>, T> use)
    {
        ReadOnlySpan<byte> quoted = entry[info.FromLineLength..];
        long added = quoted.Length - info.BodyLength;

        // The terminator takes one byte or two, a quoted line one; two may be either, so then one looks.
        bool nothingQuoted = added == 1 || (added == 2 && quoted.IndexOf(">From "u8) < 0);
        if (nothingQuoted) return Check(quoted[..(int)info.BodyLength]);

        using var body = new PooledBuffer(entry.Length);
        MboxQuoting.Unquote(quoted, body);
        if (body.Length < info.BodyLength) throw Damaged(file, info, "the message is shorter than it says");
        return Check(body.Span[..(int)info.BodyLength]);

        T Check(ReadOnlySpan<byte> bytes)
        {
            CheckDigest(file, info, SHA256.HashData(bytes));
            return use(bytes);
        }
    }

    private static void VerifyLarge(IStorageFile file, ArchivedRecordInfo info)
    {
        using var body = new ArchiveBodyStream(file, info);
        using var sha = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] block = ArrayPool<byte>.Shared.Rent(ArchiveBodyStream.ChunkSize);
        try
        {
            int read;
            while ((read = body.Read(block, 0, block.Length)) > 0) sha.AppendData(block, 0, read);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(block);
        }
        CheckDigest(file, info, sha.GetHashAndReset());
    }

    internal static void CheckTrailer(IStorageFile file, ArchivedRecordInfo info, ReadOnlySpan<byte> trailer, uint crc, long length)
    {
        if (length != info.EntryLength || BinaryPrimitives.ReadUInt32LittleEndian(trailer[4..]) != (uint)length)
            throw Damaged(file, info, "it does not unpack to the length that it says");
        if (BinaryPrimitives.ReadUInt32LittleEndian(trailer) != crc) throw Damaged(file, info, "its CRC-32 is wrong");
    }

    internal static MessageStoreException Damaged(IStorageFile file, ArchivedRecordInfo info, string detail) =>
        ArchiveErrors.Damaged(file.Path, info.Offset, $"the record of message {info.Id} cannot be read: {detail}.");

    private static void CheckDigest(IStorageFile file, ArchivedRecordInfo info, ReadOnlySpan<byte> digest)
    {
        Span<byte> expected = stackalloc byte[SHA256.HashSizeInBytes];
        Convert.FromHexString(info.Sha256, expected, out _, out _);
        if (!digest.SequenceEqual(expected)) throw Damaged(file, info, "its SHA-256 is wrong");
    }
}
