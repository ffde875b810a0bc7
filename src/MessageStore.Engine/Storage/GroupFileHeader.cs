using System.Buffers.Binary;
using System.Text;
using MessageStore.IO;

namespace MessageStore.Storage;

/// <summary>What a group's file is, in its header frame.</summary>
internal enum GroupFileKind : byte
{
    Log = 1,
    Patch = 2,
    Segment = 3,
    Snapshot = 4,
    SearchRun = 5,
}

/// <summary>Whose a file is: the same in every file of a group.</summary>
/// <param name="Salt">Seeds every checksum of the group's frames.</param>
internal sealed record GroupIdentity(Guid DatabaseId, string Name, uint Salt);

/// <summary>The first frame of every file of a group, written under salt 0 so that each file explains itself (docs/format-log.md).</summary>
internal sealed record GroupFileHeader(GroupFileKind Kind, GroupIdentity Identity, ulong Number)
{
    /// <summary>That of a file with histories; one without has version 1.</summary>
    public const ushort FormatVersion = 2;

    private const ushort PlainVersion = 1;

    /// <summary>A header frame never takes more than this many bytes.</summary>
    public const int LongestFrame = 2048;

    private const int FixedSize = 26;
    private const int HistorySize = 24;

    /// <summary>In a log or patch file: the histories that its transactions, and those before, belong to. Empty in the file of a group that was never restored, and in files of other kinds.</summary>
    public IReadOnlyList<GroupHistory> Histories { get; init; } = [];

    private FileFrameType Type => Kind switch
    {
        GroupFileKind.Segment => FileFrameType.SegmentHeader,
        GroupFileKind.Snapshot => FileFrameType.SnapshotHeader,
        GroupFileKind.SearchRun => FileFrameType.SearchHeader,
        _ => FileFrameType.LogHeader,
    };

    /// <summary>The whole frame, padding included.</summary>
    /// <param name="durableLsn">What is durable when the file is created.</param>
    /// <param name="time">UTC ticks.</param>
    public byte[] Encode(ulong durableLsn, long time)
    {
        int nameLength = Encoding.UTF8.GetByteCount(Identity.Name), payloadLength = FixedSize + nameLength + HistorySize * Histories.Count;
        byte[] bytes = new byte[FrameHeader.FrameLength(payloadLength)];
        Span<byte> payload = bytes.AsSpan(FrameHeader.Size, payloadLength);
        BinaryPrimitives.WriteUInt16LittleEndian(payload, Histories.Count > 0 ? FormatVersion : PlainVersion);
        payload[2] = (byte)Kind;
        BinaryPrimitives.WriteUInt32LittleEndian(payload[4..], Identity.Salt);
        Identity.DatabaseId.TryWriteBytes(payload[8..], bigEndian: true, out _);
        BinaryPrimitives.WriteUInt16LittleEndian(payload[24..], (ushort)nameLength);
        Encoding.UTF8.GetBytes(Identity.Name, payload[FixedSize..]);
        Span<byte> rest = payload[(FixedSize + nameLength)..];
        foreach (GroupHistory history in Histories)
        {
            history.Id.TryWriteBytes(rest, bigEndian: true, out _);
            BinaryPrimitives.WriteUInt64LittleEndian(rest[16..], history.FirstLsn);
            rest = rest[HistorySize..];
        }
        new FrameHeader((byte)Type, Number, durableLsn, time, payloadLength, FrameHeader.Checksum(payload, 0)).Write(bytes, 0);
        return bytes;
    }

    /// <summary>Reads the header of an open file.</summary>
    /// <param name="length">Bytes the header frame takes.</param>
    /// <returns><see langword="null"/> where the file does not begin with a valid header.</returns>
    /// <exception cref="MessageStoreException">DatabaseFormatTooNew.</exception>
    public static GroupFileHeader? Read(IStorageFile file, out int length)
    {
        byte[] bytes = new byte[LongestFrame];
        int read = file.ReadFully(bytes, 0);
        return Read(bytes.AsSpan(0, read), file.Path, out length);
    }

    public static GroupFileHeader? Read(ReadOnlySpan<byte> bytes, string path, out int length)
    {
        length = 0;
        if (!FrameHeader.TryRead(bytes, 0, out FrameHeader frame)) return null;
        if (frame.PayloadLength < FixedSize || FrameHeader.Size + frame.PayloadLength > bytes.Length) return null;
        ReadOnlySpan<byte> payload = bytes.Slice(FrameHeader.Size, frame.PayloadLength);
        if (!frame.Matches(payload, 0)) return null;
        ushort version = BinaryPrimitives.ReadUInt16LittleEndian(payload);
        if (version > FormatVersion)
            throw new MessageStoreException(ErrorIds.DatabaseFormatTooNew, ErrorKind.NotSupported,
                $"{path} has format {version}; this version reads up to {FormatVersion}. Use a newer MessageStore.", path);
        int nameLength = BinaryPrimitives.ReadUInt16LittleEndian(payload[24..]);
        int historyLength = payload.Length - FixedSize - nameLength;
        if (historyLength < 0 || historyLength % HistorySize != 0 || (version == PlainVersion && historyLength > 0)) return null;
        length = frame.Length;
        var identity = new GroupIdentity(
            new Guid(payload.Slice(8, 16), bigEndian: true),
            Encoding.UTF8.GetString(payload.Slice(FixedSize, nameLength)),
            BinaryPrimitives.ReadUInt32LittleEndian(payload[4..]));
        var histories = new GroupHistory[historyLength / HistorySize];
        for (int i = 0; i < histories.Length; i++)
        {
            ReadOnlySpan<byte> history = payload[(FixedSize + nameLength + i * HistorySize)..];
            histories[i] = new GroupHistory(new Guid(history[..16], bigEndian: true), BinaryPrimitives.ReadUInt64LittleEndian(history[16..]));
        }
        return new GroupFileHeader((GroupFileKind)payload[2], identity, frame.Lsn) { Histories = histories };
    }
}
