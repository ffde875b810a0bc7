using MessageStore.Archiving;
using MessageStore.IO;

namespace MessageStore.Replication;

/// <summary>An archive record on its way to a unit, checked as far as that is cheap.</summary>
/// <param name="Info">What it says of itself.</param>
/// <param name="Bytes">The gzip member.</param>
internal readonly record struct IncomingRecord(ArchivedRecordInfo Info, ReadOnlyMemory<byte> Bytes)
{
    /// <summary>Takes bytes for a record.</summary>
    /// <param name="bytes">The gzip member; it must not change until it is acknowledged.</param>
    /// <param name="checksum">CRC-32C of the bytes, as the sender computed it.</param>
    /// <exception cref="MessageStoreException">MessageDamaged: these bytes are not what was sent, or no record.</exception>
    public static IncomingRecord Check(ReadOnlyMemory<byte> bytes, uint checksum)
    {
        if (Crc32C.Compute(bytes.Span) != checksum) throw Damaged("its checksum is wrong");
        ReadOnlySpan<byte> head = bytes.Span[..Math.Min(bytes.Length, ArchiveRecordHeader.MaximumLength)];
        ArchivedRecordInfo info = ArchiveRecordHeader.TryRead(head, 0) ?? throw Damaged("its header makes no sense");
        return info.Length == bytes.Length ? new IncomingRecord(info, bytes) : throw Damaged("its length is not what its header says");
    }

    private static MessageStoreException Damaged(string detail) =>
        new(ErrorIds.MessageDamaged, ErrorKind.Damaged, $"A record arrived damaged: {detail}. Send it again.");
}

/// <summary>Where a record lies in a unit.</summary>
/// <param name="Volume">The volume, as keys name it.</param>
/// <param name="Offset">Where it begins, in bytes.</param>
/// <param name="Length">Its length in bytes.</param>
internal readonly record struct RecordPlace(string Volume, long Offset, long Length);
