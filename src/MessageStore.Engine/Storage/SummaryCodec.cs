using System.Buffers.Binary;
using System.Text;
using MessageStore.Messages;

namespace MessageStore.Storage;

/// <summary>A summary as bytes in front of the body (docs/format-segment.md).</summary>
internal static class SummaryCodec
{
    private const int FixedSize = 11;
    private const byte PartialBit = 1;
    private const byte DateBit = 2;

    /// <summary>Longest field in bytes; the header reader's limits in characters keep below it.</summary>
    private const int FieldLimit = 8 << 10;

    public static byte[] Encode(MessageSummary summary)
    {
        string[] fields = [summary.From, summary.To, summary.Subject, summary.MessageId];
        int length = FixedSize;
        foreach (string field in fields) length += sizeof(ushort) + Encoding.UTF8.GetByteCount(field);
        byte[] bytes = new byte[length];
        bytes[0] = (byte)((summary.IsPartial ? PartialBit : 0) | (summary.Date is null ? 0 : DateBit));
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(1), summary.Date?.UtcTicks ?? 0);
        BinaryPrimitives.WriteInt16LittleEndian(bytes.AsSpan(9), (short)(summary.Date?.Offset.TotalMinutes ?? 0));
        int position = FixedSize;
        foreach (string field in fields)
        {
            int count = Encoding.UTF8.GetBytes(field, bytes.AsSpan(position + sizeof(ushort)));
            ArgumentOutOfRangeException.ThrowIfGreaterThan(count, FieldLimit, nameof(summary));
            BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(position), (ushort)count);
            position += sizeof(ushort) + count;
        }
        return bytes;
    }

    /// <exception cref="FormatException">The bytes are no summary; they passed their CRC, so this is a newer format or our mistake.</exception>
    public static MessageSummary Decode(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < FixedSize) throw new FormatException("A summary is shorter than its fixed part.");
        DateTimeOffset? date = null;
        if ((bytes[0] & DateBit) != 0)
        {
            var offset = TimeSpan.FromMinutes(BinaryPrimitives.ReadInt16LittleEndian(bytes[9..]));
            date = new DateTimeOffset(BinaryPrimitives.ReadInt64LittleEndian(bytes[1..]), TimeSpan.Zero).ToOffset(offset);
        }
        ReadOnlySpan<byte> rest = bytes[FixedSize..];
        string from = Next(ref rest), to = Next(ref rest), subject = Next(ref rest), messageId = Next(ref rest);
        return new MessageSummary(from, to, subject, messageId, date, null, (bytes[0] & PartialBit) != 0);
    }

    private static string Next(ref ReadOnlySpan<byte> rest)
    {
        if (rest.Length < sizeof(ushort)) throw new FormatException("A summary ends before its last field.");
        int length = BinaryPrimitives.ReadUInt16LittleEndian(rest);
        if (rest.Length < sizeof(ushort) + length) throw new FormatException("A summary field is longer than the summary.");
        string text = Encoding.UTF8.GetString(rest.Slice(sizeof(ushort), length));
        rest = rest[(sizeof(ushort) + length)..];
        return text;
    }
}
