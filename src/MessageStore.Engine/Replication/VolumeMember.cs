using System.Buffers.Binary;
using MessageStore.Archiving;
using MessageStore.IO;

namespace MessageStore.Replication;

/// <summary>What a member of a volume is.</summary>
internal enum VolumeMemberKind
{
    /// <summary>No whole member lies there.</summary>
    None,
    Block,
    Record,
    Filler,
}

/// <summary>What a block header is for.</summary>
internal enum BlockKind : byte
{
    First = 1,
    Following = 2,
    /// <summary>The volume was closed in order; no records follow this header.</summary>
    End = 3,
}

/// <summary>A member of a volume.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Length">Its length in bytes.</param>
/// <param name="Record">What a record says of itself.</param>
internal readonly record struct VolumeMember(VolumeMemberKind Kind, long Length, ArchivedRecordInfo? Record)
{
    /// <summary>Length of a block header in bytes.</summary>
    public const int BlockHeaderLength = 48;

    /// <summary>Bytes of a member that say what it is: the longest record header.</summary>
    public const int PrefixLength = ArchiveRecordHeader.MaximumLength;

    /// <summary>Length of the shortest filler in bytes.</summary>
    public const int ShortestFiller = 26;

    /// <summary>Every record is longer than this: its header without names and its trailer.</summary>
    public const int ShortestRecord = 136;

    private const int LongestFiller = 22 + ushort.MaxValue;
    private const int ExtraLengthAt = 10;
    private const int SubfieldAt = 12;
    private const int SubfieldLengthAt = 14;
    private const int DataAt = 16;
    private const int CrcAt = 18;
    private const int OffsetAt = 22;
    private const int CountAt = 30;
    private const int BytesAt = 34;
    private const int EmptyDeflateAt = 38;
    private const int EndLength = 10; // the empty deflate stream, CRC-32 and length of nothing
    private const byte Version = 1;
    private const byte UnknownSystem = 255;

    private static ReadOnlySpan<byte> BlockId => "MB"u8;

    private static ReadOnlySpan<byte> FillerId => "MF"u8;

    private static ReadOnlySpan<byte> EmptyDeflate => [3, 0];

    /// <summary>Writes a block header. It may be written only once all before <paramref name="offset"/> is durable: that is what it says.</summary>
    public static void WriteBlock(Span<byte> target, uint salt, BlockKind kind, long offset, int records, uint bytes)
    {
        target = target[..BlockHeaderLength];
        Begin(target, BlockId);
        target[DataAt] = Version;
        target[DataAt + 1] = (byte)kind;
        BinaryPrimitives.WriteInt64LittleEndian(target[OffsetAt..], offset);
        BinaryPrimitives.WriteInt32LittleEndian(target[CountAt..], records);
        BinaryPrimitives.WriteUInt32LittleEndian(target[BytesAt..], bytes);
        BinaryPrimitives.WriteUInt32LittleEndian(target[CrcAt..], BlockCrc(target, salt));
    }

    /// <summary>Fills a stretch with members that unpack to nothing.</summary>
    /// <param name="target">The stretch; as long as a record is at least.</param>
    public static void WriteFillers(Span<byte> target)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(target.Length, ShortestFiller);
        while (!target.IsEmpty)
        {
            int length = Math.Min(target.Length, LongestFiller);
            if (target.Length > length && target.Length - length < ShortestFiller) length -= ShortestFiller;
            Begin(target[..length], FillerId);
            target = target[length..];
        }
    }

    /// <summary>Whether these bytes, which lie at an offset, begin with a block header of this unit.</summary>
    public static bool IsBlock(ReadOnlySpan<byte> source, uint salt, long offset) =>
        source.Length >= BlockHeaderLength && source.StartsWith(ArchiveRecordHeader.Magic) && source[SubfieldAt..].StartsWith(BlockId)
        && BinaryPrimitives.ReadInt64LittleEndian(source[OffsetAt..]) == offset && BinaryPrimitives.ReadUInt32LittleEndian(source[CrcAt..]) == BlockCrc(source, salt);

    /// <summary>Reads what lies at an offset of a volume.</summary>
    /// <param name="file">The volume.</param>
    /// <param name="salt">The unit's salt.</param>
    /// <param name="offset">Where the member begins.</param>
    /// <param name="fileLength">Length of the volume: a member that goes beyond is not whole.</param>
    public static VolumeMember Read(IStorageFile file, uint salt, long offset, long fileLength)
    {
        Span<byte> prefix = stackalloc byte[PrefixLength];
        ReadOnlySpan<byte> source = prefix[..file.ReadFully(prefix, offset)];
        if (IsBlock(source, salt, offset)) return new VolumeMember(VolumeMemberKind.Block, BlockHeaderLength, null);
        if (ArchiveRecordHeader.TryRead(source, offset) is { } info)
            return info.Length <= fileLength - offset ? new VolumeMember(VolumeMemberKind.Record, info.Length, info) : default;
        if (source.Length < ShortestFiller || !source.StartsWith(ArchiveRecordHeader.Magic) || !source[SubfieldAt..].StartsWith(FillerId)) return default;

        int length = SubfieldAt + BinaryPrimitives.ReadUInt16LittleEndian(source[ExtraLengthAt..]) + EndLength;
        Span<byte> end = stackalloc byte[EndLength];
        bool whole = length >= ShortestFiller && length <= fileLength - offset && file.ReadFully(end, offset + length - EndLength) == EndLength
            && end.StartsWith(EmptyDeflate) && !end[EmptyDeflate.Length..].ContainsAnyExcept((byte)0);
        return whole ? new VolumeMember(VolumeMemberKind.Filler, length, null) : default;
    }

    /// <summary>An empty gzip member as long as the target, with one subfield of zeros.</summary>
    private static void Begin(Span<byte> target, ReadOnlySpan<byte> id)
    {
        target.Clear();
        ArchiveRecordHeader.Magic.CopyTo(target);
        target[9] = UnknownSystem;
        BinaryPrimitives.WriteUInt16LittleEndian(target[ExtraLengthAt..], (ushort)(target.Length - SubfieldAt - EndLength));
        id.CopyTo(target[SubfieldAt..]);
        BinaryPrimitives.WriteUInt16LittleEndian(target[SubfieldLengthAt..], (ushort)(target.Length - DataAt - EndLength));
        EmptyDeflate.CopyTo(target[^EndLength..]);
    }

    private static uint BlockCrc(ReadOnlySpan<byte> header, uint salt) => Crc32C.Compute(header[OffsetAt..EmptyDeflateAt], Crc32C.Compute(header[..CrcAt], salt));
}
