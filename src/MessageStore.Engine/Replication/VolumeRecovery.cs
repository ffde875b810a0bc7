using System.Buffers;
using MessageStore.Archiving;
using MessageStore.IO;

namespace MessageStore.Replication;

/// <summary>What opening a volume found.</summary>
/// <param name="End">Where the next block goes; 0 where the volume was never begun and is gone now.</param>
/// <param name="Notes">What an administrator should know.</param>
/// <param name="Damaged">Stretches that were passed over: acknowledged bytes that are not what was written.</param>
internal readonly record struct RecoveredVolume(long End, IReadOnlyList<string> Notes, IReadOnlyList<DamagedStretch> Damaged);

/// <summary>A stretch of a volume that is not what was written.</summary>
internal readonly record struct DamagedStretch(long Offset, long End);

/// <summary>
/// Goes over a volume when its unit is opened, as the table in docs/format-volume.md says: a whole block header proves that everything before it was durable; what is not
/// whole behind the last one was never acknowledged and is cut off; what is not whole before it is damage, and passed over.
/// </summary>
internal static class VolumeRecovery
{
    /// <summary>The longest block that is ever written. A tail beyond it is no torn block, whatever it is.</summary>
    public const long LongestBlock = UnitOptions.RecordLimit + (64L << 20);

    private const int BlockSize = 1 << 20;

    /// <param name="storage">Where the volume lies.</param>
    /// <param name="path">The volume.</param>
    /// <param name="salt">The unit's salt.</param>
    /// <param name="found">Told of each whole record.</param>
    /// <exception cref="MessageStoreException">ArchiveDamaged: the volume is not of this unit, or damaged in a way that no crash leaves.</exception>
    public static RecoveredVolume Recover(IStorage storage, string path, uint salt, Action<ArchivedRecordInfo> found)
    {
        var notes = new List<string>();
        var damaged = new List<DamagedStretch>();
        long length = storage.FileLength(path);
        using IStorageFile file = storage.Open(path, FileAccessKind.ReadWrite);
        long offset = 0;
        long doubtful = 0; // where the last block begins: its bodies are verified, for nothing proves that they were durable
        var last = new List<ArchivedRecordInfo>();
        while (true)
        {
            VolumeMember member = offset < length ? VolumeMember.Read(file, salt, offset, length) : default;
            if (member.Kind == VolumeMemberKind.Block)
            {
                foreach (ArchivedRecordInfo record in last) found(record);
                last.Clear();
                doubtful = offset;
            }
            else if (member.Record is { } record)
            {
                last.Add(record);
            }
            if (member.Kind != VolumeMemberKind.None)
            {
                offset += member.Length;
                continue;
            }
            if (offset >= length) break;
            long proven = FindBlock(file, salt, offset, length);
            if (proven < 0) break;
            long next = FindRecord(file, offset + 1, proven, length);
            notes.Add($"{path} is damaged at offset {offset}: {next - offset} bytes are not what was written.");
            damaged.Add(new DamagedStretch(offset, next));
            offset = next;
        }

        long good = offset;
        foreach (ArchivedRecordInfo record in last)
        {
            if (!IsWhole(file, record))
            {
                good = record.Offset;
                break;
            }
            found(record);
        }
        if (good < length) CutOff(file, salt, good, length, doubtful, notes);

        // What recovery found whole may never have been flushed, and acknowledgements are about to vouch for it.
        if (good > 0) DoubtfulTail.MakeDurable(file, Math.Min(doubtful, good), good);
        else storage.DeleteFile(path);
        return new RecoveredVolume(good, notes, damaged);
    }

    /// <summary>The records of a volume up to a length, by their headers: block headers and fillers are passed by, damage is searched through.</summary>
    public static IEnumerable<ArchivedRecordInfo> Walk(IStorageFile file, uint salt, long length)
    {
        for (long offset = 0; offset < length;)
        {
            VolumeMember member = VolumeMember.Read(file, salt, offset, length);
            if (member.Record is { } record) yield return record;
            offset = member.Kind == VolumeMemberKind.None ? FindRecord(file, offset + 1, length, length) : offset + member.Length;
        }
    }

    private static void CutOff(IStorageFile file, uint salt, long good, long length, long lastBlock, List<string> notes)
    {
        Span<byte> head = stackalloc byte[VolumeMember.BlockHeaderLength];
        int count = file.ReadFully(head, 0);
        bool isForeign = !VolumeMember.IsBlock(head, salt, 0) && head[..count].ContainsAnyExcept((byte)0);

        // A header at the very beginning lies in one sector and is never torn.
        if (isForeign) throw ArchiveErrors.Damaged(file.Path, 0, "its first block header is not of this unit. Were unit.json files exchanged? Nothing was changed.");
        if (length - lastBlock > LongestBlock)
            throw ArchiveErrors.Damaged(file.Path, good, $"{length - good} bytes there are not what was written, more than a crash leaves. Nothing was changed.");
        file.SetLength(good);
        notes.Add($"{file.Path}: {length - good} bytes at offset {good}, never acknowledged, were cut off.");
    }

    /// <summary>Whether a record is what was written: every checksum compared.</summary>
    public static bool IsWhole(IStorageFile file, ArchivedRecordInfo record)
    {
        try
        {
            ArchiveRecordReader.Verify(file, record);
            return true;
        }
        catch (MessageStoreException error) when (error.ErrorId == ErrorIds.ArchiveDamaged)
        {
            return false;
        }
    }

    /// <summary>Where the next whole block header lies, or -1.</summary>
    private static long FindBlock(IStorageFile file, uint salt, long offset, long end) =>
        Search(file, offset, end, at =>
        {
            Span<byte> head = stackalloc byte[VolumeMember.BlockHeaderLength];
            return VolumeMember.IsBlock(head[..file.ReadFully(head, at)], salt, at);
        });

    /// <summary>Where the next whole record lies before an offset, or that offset.</summary>
    private static long FindRecord(IStorageFile file, long offset, long end, long length)
    {
        long found = Search(file, offset, end, at => ArchiveRecordReader.TryReadInfo(file, at) is { } info && info.Length <= length - at);
        return found < 0 ? end : found;
    }

    private static long Search(IStorageFile file, long offset, long end, Func<long, bool> isIt)
    {
        byte[] block = ArrayPool<byte>.Shared.Rent(BlockSize);
        try
        {
            while (offset < end)
            {
                int count = file.ReadFully(block.AsSpan(0, BlockSize), offset);
                for (int at = 0; at < count && offset + at < end; at++)
                {
                    int next = block.AsSpan(at, count - at).IndexOf(ArchiveRecordHeader.Magic);
                    if (next < 0) break;
                    at += next;
                    if (offset + at < end && isIt(offset + at)) return offset + at;
                }
                if (count < BlockSize) break;
                offset += BlockSize - ArchiveRecordHeader.Magic.Length + 1; // the magic may straddle two blocks
            }
            return -1;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(block);
        }
    }
}
