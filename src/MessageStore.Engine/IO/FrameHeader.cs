using System.Buffers.Binary;

namespace MessageStore.IO;

/// <summary>
/// The header of a frame: the one unit in which logs, patch files, segments, snapshots and the key journal are written. Layout and validity rule:
/// docs/format-frame.md.
/// </summary>
/// <param name="Type">What the payload is; the file's own format gives the meaning.</param>
/// <param name="Lsn">Sequence number of the transaction, from 1.</param>
/// <param name="DurableLsn">The newest sequence number that was durable when this frame was written.</param>
/// <param name="TimeTicks">When it was committed: UTC ticks of 100 ns since 0001-01-01.</param>
/// <param name="PayloadLength">Length of the payload in bytes, 0 to <see cref="MaximumPayload"/>.</param>
/// <param name="PayloadCrc">CRC-32C of the payload, seeded with the file family's salt.</param>
internal readonly record struct FrameHeader(
    byte Type, ulong Lsn, ulong DurableLsn, long TimeTicks, int PayloadLength, uint PayloadCrc)
{
    /// <summary>Length of a header in bytes.</summary>
    public const int Size = 48;

    /// <summary>Frames begin at multiples of this many bytes in their file.</summary>
    public const int Alignment = 8;

    /// <summary>The largest payload: 16 MiB. A length beyond it is damage, so a reader never asks for more memory than this.</summary>
    public const int MaximumPayload = 16 << 20;

    private const uint Magic = 0x3146_534D; // "MSF1" read as little-endian

    /// <summary>The first bytes of every frame.</summary>
    public static ReadOnlySpan<byte> MagicBytes => "MSF1"u8;

    /// <summary>Bytes that a frame takes in its file, padding included.</summary>
    public static int FrameLength(int payloadLength) => (Size + payloadLength + Alignment - 1) & ~(Alignment - 1);

    /// <summary>Bytes that this frame takes in its file, padding included.</summary>
    public int Length => FrameLength(PayloadLength);

    /// <summary>The checksum that goes into <see cref="PayloadCrc"/>.</summary>
    public static uint Checksum(ReadOnlySpan<byte> payload, uint salt) => Crc32C.Compute(payload, salt);

    public bool Matches(ReadOnlySpan<byte> payload, uint salt) => PayloadCrc == Checksum(payload, salt);

    public void Write(Span<byte> destination, uint salt)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(destination, Magic);
        BinaryPrimitives.WriteInt32LittleEndian(destination[4..], PayloadLength);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[8..], PayloadCrc);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[16..], Lsn);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[24..], DurableLsn);
        BinaryPrimitives.WriteInt64LittleEndian(destination[32..], TimeTicks);
        destination[40] = Type;
        destination[41..Size].Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(destination[12..], HeaderCrc(destination, salt));
    }

    /// <summary>Reads a header; <see langword="false"/> where these bytes are none, or not one written under this salt.</summary>
    public static bool TryRead(ReadOnlySpan<byte> source, uint salt, out FrameHeader header)
    {
        header = default;
        if (source.Length < Size || BinaryPrimitives.ReadUInt32LittleEndian(source) != Magic) return false;
        if (BinaryPrimitives.ReadUInt32LittleEndian(source[12..]) != HeaderCrc(source, salt)) return false;
        header = new FrameHeader(
            source[40],
            BinaryPrimitives.ReadUInt64LittleEndian(source[16..]),
            BinaryPrimitives.ReadUInt64LittleEndian(source[24..]),
            BinaryPrimitives.ReadInt64LittleEndian(source[32..]),
            BinaryPrimitives.ReadInt32LittleEndian(source[4..]),
            BinaryPrimitives.ReadUInt32LittleEndian(source[8..]));
        return header.PayloadLength is >= 0 and <= MaximumPayload;
    }

    /// <summary>Of bytes 0 to 11 and 16 to 47: everything in the header but the checksum itself.</summary>
    private static uint HeaderCrc(ReadOnlySpan<byte> header, uint salt) =>
        Crc32C.Compute(header[16..Size], Crc32C.Compute(header[..12], salt));
}
