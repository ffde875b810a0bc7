using System.Buffers.Binary;
using System.Text;
using MessageStore.IO;

namespace MessageStore.Archiving;

/// <summary>
/// The gzip header of an archive record (RFC 1952 §2.3) with our subfield <c>MS</c>. Keep in step with docs/format-archive.md, which has it byte by
/// byte.
/// </summary>
internal static class ArchiveRecordHeader
{
    /// <summary>The largest header: both names at their longest, in UTF-8.</summary>
    public const int MaximumLength = NamesAt + 2 * 3 * StoreLimits.NameLength;

    /// <summary>The gzip trailer: CRC-32 and length modulo 2^32 of the entry.</summary>
    public const int TrailerLength = 8;

    /// <summary>Bytes by which a header is recognised when one searches for it: gzip with an extra field, and nothing else optional.</summary>
    public static ReadOnlySpan<byte> Magic => [0x1F, 0x8B, Deflate, ExtraFlag];

    private const byte Deflate = 8;
    private const byte ExtraFlag = 4;
    private const byte UnknownSystem = 255;
    private const byte Version = 1;

    private const int FixedGzip = 10;
    private const int SubfieldAt = FixedGzip + 2;
    private const int DataAt = SubfieldAt + 4;
    private const int NamesAt = DataAt + 112;
    private const int CrcAt = DataAt + 4;

    private static ReadOnlySpan<byte> SubfieldId => "MS"u8;

    public static int LengthFor(string mailbox, string folder) =>
        NamesAt + Encoding.UTF8.GetByteCount(mailbox) + Encoding.UTF8.GetByteCount(folder);

    public static void Write(Span<byte> header, ArchiveEntry entry, ArchivedRecordInfo info)
    {
        header = header[..info.HeaderLength];
        header[..NamesAt].Clear();
        Magic.CopyTo(header);
        long seconds = info.ReceivedDate.ToUnixTimeSeconds();
        BinaryPrimitives.WriteUInt32LittleEndian(header[4..], seconds is >= 0 and <= uint.MaxValue ? (uint)seconds : 0);
        header[8] = info.Compression switch { ArchiveCompression.Fastest => 4, ArchiveCompression.Optimal => 2, _ => 0 };
        header[9] = UnknownSystem;
        BinaryPrimitives.WriteUInt16LittleEndian(header[FixedGzip..], (ushort)(header.Length - SubfieldAt));
        SubfieldId.CopyTo(header[SubfieldAt..]);
        BinaryPrimitives.WriteUInt16LittleEndian(header[(SubfieldAt + 2)..], (ushort)(header.Length - DataAt));

        Span<byte> data = header[DataAt..];
        data[0] = Version;
        data[1] = (byte)info.Compression;
        BinaryPrimitives.WriteUInt16LittleEndian(data[2..], (ushort)info.Flags);
        BinaryPrimitives.WriteInt64LittleEndian(data[8..], info.Length);
        BinaryPrimitives.WriteInt64LittleEndian(data[16..], info.EntryLength);
        BinaryPrimitives.WriteInt64LittleEndian(data[24..], info.BodyLength);
        info.Id.TryWriteBytes(data[32..], bigEndian: true, out _);
        entry.Body.Sha256.CopyTo(data[48..]);
        BinaryPrimitives.WriteInt64LittleEndian(data[80..], info.ReceivedDate.UtcTicks);
        BinaryPrimitives.WriteInt64LittleEndian(data[88..], info.StorageDate.UtcTicks);
        BinaryPrimitives.WriteInt64LittleEndian(data[96..], info.DeletionDate?.UtcTicks ?? 0);
        int mailbox = Encoding.UTF8.GetBytes(info.Mailbox, header[NamesAt..]);
        int folder = Encoding.UTF8.GetBytes(info.Folder, header[(NamesAt + mailbox)..]);
        BinaryPrimitives.WriteUInt16LittleEndian(data[104..], (ushort)mailbox);
        BinaryPrimitives.WriteUInt16LittleEndian(data[106..], (ushort)folder);
        BinaryPrimitives.WriteUInt16LittleEndian(data[108..], (ushort)info.FromLineLength);
        BinaryPrimitives.WriteUInt32LittleEndian(header[CrcAt..], Crc(header));
    }

    /// <summary>Reads a header; <see langword="null"/> where these bytes are none of ours or not what was written.</summary>
    /// <param name="source">Bytes from the record's start on, as many as there are up to <see cref="MaximumLength"/>.</param>
    /// <param name="offset">Where the record begins in its volume.</param>
    public static ArchivedRecordInfo? TryRead(ReadOnlySpan<byte> source, long offset)
    {
        if (source.Length < NamesAt || !source.StartsWith(Magic) || !source[SubfieldAt..].StartsWith(SubfieldId)) return null;
        int length = SubfieldAt + BinaryPrimitives.ReadUInt16LittleEndian(source[FixedGzip..]);
        ReadOnlySpan<byte> data = source[DataAt..];
        int mailbox = BinaryPrimitives.ReadUInt16LittleEndian(data[104..]);
        int folder = BinaryPrimitives.ReadUInt16LittleEndian(data[106..]);
        if (data[0] != Version || length > source.Length || NamesAt + mailbox + folder != length) return null;
        if (BinaryPrimitives.ReadUInt32LittleEndian(source[CrcAt..]) != Crc(source[..length])) return null;
        long deletion = BinaryPrimitives.ReadInt64LittleEndian(data[96..]);
        var info = new ArchivedRecordInfo
        {
            Id = new Guid(data.Slice(32, 16), bigEndian: true),
            Mailbox = Encoding.UTF8.GetString(source.Slice(NamesAt, mailbox)),
            Folder = Encoding.UTF8.GetString(source.Slice(NamesAt + mailbox, folder)),
            Flags = (MessageFlags)BinaryPrimitives.ReadUInt16LittleEndian(data[2..]),
            ReceivedDate = Date(data[80..]),
            StorageDate = Date(data[88..]),
            DeletionDate = deletion == 0 ? null : Date(data[96..]),
            Compression = (ArchiveCompression)data[1],
            Offset = offset,
            Length = BinaryPrimitives.ReadInt64LittleEndian(data[8..]),
            HeaderLength = length,
            EntryLength = BinaryPrimitives.ReadInt64LittleEndian(data[16..]),
            FromLineLength = BinaryPrimitives.ReadUInt16LittleEndian(data[108..]),
            BodyLength = BinaryPrimitives.ReadInt64LittleEndian(data[24..]),
            Sha256 = Convert.ToHexStringLower(data.Slice(48, 32)),
        };
        return MakesSense(info) ? info : null;
    }

    /// <summary>
    /// Lengths that fit together, so that a forged header never makes a reader ask for more memory than its message takes: quoting adds at most one
    /// byte to six, compression at most an eighth.
    /// </summary>
    private static bool MakesSense(ArchivedRecordInfo info)
    {
        const int Slack = 1024;
        long least = info.FromLineLength + info.BodyLength + 1;
        return info.BodyLength is >= 0 and <= Messages.MessageBody.LengthLimit
            && info.EntryLength >= least && info.EntryLength <= least + info.BodyLength / 5 + Slack
            && info.Length > info.HeaderLength + TrailerLength
            && info.Length <= info.HeaderLength + info.EntryLength + info.EntryLength / 4 + Slack;
    }

    /// <summary>CRC-32 of the whole header with the checksum's own four bytes left out.</summary>
    private static uint Crc(ReadOnlySpan<byte> header) => Crc32.Compute(header[(CrcAt + 4)..], Crc32.Compute(header[..CrcAt]));

    private static DateTimeOffset Date(ReadOnlySpan<byte> ticks) =>
        new(Math.Clamp(BinaryPrimitives.ReadInt64LittleEndian(ticks), 0, DateTimeOffset.MaxValue.UtcTicks), TimeSpan.Zero);
}
