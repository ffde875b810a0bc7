using System.Buffers.Binary;
using MessageStore.IO;
using MessageStore.Messages;

namespace MessageStore.Storage;

/// <summary>The fixed part at the start of an image's payload, 80 bytes, and the arithmetic of where its frames lie (docs/format-segment.md).</summary>
internal struct ImageHeader
{
    public const int Size = 80;

    /// <summary>Bytes in front of the body in a frame of type <see cref="TransactionType.AppendPart"/>.</summary>
    public const int PartHeaderSize = 24;

    /// <summary>Body bytes in a frame.</summary>
    public const int PartBytes = MessageBody.MemoryLimit;

    public Guid Id;
    public UInt128Bytes DigestLow;
    public UInt128Bytes DigestHigh;
    public long ReceivedTicks;
    public long BodyLength;
    public int Mailbox;
    public ushort Folder;
    public EntryFlags Flags;
    public ushort SummaryLength;

    /// <summary>Writes header and CRC in front of the summary, which lies in place already.</summary>
    public readonly void Write(Span<byte> headerAndSummary, uint salt)
    {
        Id.TryWriteBytes(headerAndSummary, bigEndian: true, out _);
        DigestLow.Write(headerAndSummary[16..]);
        DigestHigh.Write(headerAndSummary[32..]);
        BinaryPrimitives.WriteInt64LittleEndian(headerAndSummary[48..], ReceivedTicks);
        BinaryPrimitives.WriteInt64LittleEndian(headerAndSummary[56..], BodyLength);
        BinaryPrimitives.WriteInt32LittleEndian(headerAndSummary[64..], Mailbox);
        BinaryPrimitives.WriteUInt16LittleEndian(headerAndSummary[68..], Folder);
        BinaryPrimitives.WriteUInt16LittleEndian(headerAndSummary[70..], (ushort)(Flags & ~EntryFlags.InUse));
        BinaryPrimitives.WriteUInt16LittleEndian(headerAndSummary[72..], SummaryLength);
        BinaryPrimitives.WriteUInt16LittleEndian(headerAndSummary[74..], 0);
        BinaryPrimitives.WriteUInt32LittleEndian(headerAndSummary[76..], SummaryCrc(headerAndSummary, SummaryLength, salt));
    }

    /// <summary>Reads a header and verifies it together with its summary.</summary>
    public static bool TryRead(ReadOnlySpan<byte> payload, uint salt, out ImageHeader header)
    {
        header = default;
        if (payload.Length < Size) return false;
        header = new ImageHeader
        {
            Id = new Guid(payload[..16], bigEndian: true),
            DigestLow = UInt128Bytes.Read(payload[16..]),
            DigestHigh = UInt128Bytes.Read(payload[32..]),
            ReceivedTicks = BinaryPrimitives.ReadInt64LittleEndian(payload[48..]),
            BodyLength = BinaryPrimitives.ReadInt64LittleEndian(payload[56..]),
            Mailbox = BinaryPrimitives.ReadInt32LittleEndian(payload[64..]),
            Folder = BinaryPrimitives.ReadUInt16LittleEndian(payload[68..]),
            Flags = (EntryFlags)BinaryPrimitives.ReadUInt16LittleEndian(payload[70..]),
            SummaryLength = BinaryPrimitives.ReadUInt16LittleEndian(payload[72..]),
        };
        return payload.Length >= Size + header.SummaryLength
            && header.BodyLength is >= 0 and <= MessageBody.LengthLimit
            && BinaryPrimitives.ReadUInt32LittleEndian(payload[76..]) == SummaryCrc(payload, header.SummaryLength, salt);
    }

    /// <summary>Number of frames of an image: 1, and one more for each <see cref="PartBytes"/> of body beyond the first.</summary>
    public static int FrameCount(long bodyLength) => bodyLength <= PartBytes ? 1 : (int)((bodyLength + PartBytes - 1) / PartBytes);

    /// <summary>Bytes of all frames of an image.</summary>
    public static long ImageLength(long bodyLength, int summaryLength)
    {
        long first = FrameHeader.FrameLength(Size + summaryLength + (int)Math.Min(bodyLength, PartBytes));
        if (bodyLength <= PartBytes) return first;
        long rest = bodyLength - PartBytes;
        long full = rest / PartBytes;
        int last = (int)(rest % PartBytes);
        return first + full * FrameHeader.FrameLength(PartHeaderSize + PartBytes)
            + (last > 0 ? FrameHeader.FrameLength(PartHeaderSize + last) : 0);
    }

    /// <summary>Position of part <paramref name="part"/> (1 and up) relative to the image's first frame.</summary>
    public static long PartOffset(int part, int summaryLength) =>
        FrameHeader.FrameLength(Size + summaryLength + PartBytes) + (part - 1L) * FrameHeader.FrameLength(PartHeaderSize + PartBytes);

    private static uint SummaryCrc(ReadOnlySpan<byte> payload, int summaryLength, uint salt) =>
        Crc32C.Compute(payload.Slice(Size, summaryLength), Crc32C.Compute(payload[..76], salt));
}
