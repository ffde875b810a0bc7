using System.Buffers;
using System.Buffers.Binary;
using MessageStore.IO;
using MessageStore.Storage;

namespace MessageStore.Backups;

/// <summary>
/// Unpacks one stretch of a backup file: one thread reads, others verify and hash, one writes, in the order of the frames. The number of blocks bounds the memory.
/// </summary>
/// <param name="target">Where the group goes; <see langword="null"/> to verify only.</param>
/// <param name="part">What is taken from this set.</param>
internal sealed class StretchUnpacker(BackupReader source, BackupStretch stretch, UnpackTarget? target, SetPart part, UnpackedFiles files)
{
    /// <summary>Frames on their way at once: enough that reading, hashing and writing each have one to work on.</summary>
    private const int BlocksUnderWay = 8;

    private readonly BackupFrames frames = source.Read(stretch);
    private readonly ArrayBufferWriter<byte> leaves = new();
    private LogsMark logs = new([]);

    /// <summary>The digests of the frames, the trailer's left out.</summary>
    public ReadOnlyMemory<byte> Leaves => leaves.WrittenMemory;

    /// <param name="advance">Told of bytes that are done.</param>
    /// <exception cref="MessageStoreException">BackupDamaged, DiskFull, and other device errors.</exception>
    public void Run(Action<long> advance, CancellationToken cancellationToken)
    {
        int longest = (int)Math.Min(stretch.End - stretch.Offset, FrameHeader.FrameLength(BackupWriter.ChunkHeaderSize + BackupWriter.ChunkBytes));
        var pool = new BlockPool(BlocksUnderWay, longest);
        using var pipe = new OrderedPipe("restore", frames.Verify, block =>
        {
            using (block)
            {
                Take(block);
                advance(block.Length);
            }
        });
        while (true)
        {
            Block block = pool.Rent(cancellationToken);
            bool more = false;
            try
            {
                more = frames.TryRead(block);
            }
            finally
            {
                if (!more) block.Dispose();
            }
            if (!more) break;
            pipe.Add(block);
        }
        pipe.Complete();
        files.Flush();
    }

    private void Take(Block block)
    {
        var type = (BackupFrameType)block.Header.Type;
        ReadOnlySpan<byte> payload = BackupFrames.PayloadOf(block);
        if (type != BackupFrameType.Trailer) leaves.Write(block.Leaf);
        switch (type)
        {
            case BackupFrameType.Snapshot when target is not null && part.HasImages:
                files.Write(IndexSnapshot.PathOf(target.StoreFolder, stretch.Group!.Begin.CheckpointLsn), payload, 0, long.MaxValue);
                break;
            case BackupFrameType.Segment when target is not null:
                int number = BinaryPrimitives.ReadInt32LittleEndian(payload);
                (long from, long to) = part.Wanted(target.Settings.Name, number);
                files.Write(Path.Combine(GroupRecovery.SegmentFolder(target.StoreFolder), SegmentStore.FileName(number)), payload, from, to);
                break;
            case BackupFrameType.LogsMark:
                logs = source.Decode<LogsMark>(payload, block.Offset);
                break;
            case BackupFrameType.Log or BackupFrameType.Patch when target is not null && part.HasLogs:
                LogMark log = logs.Files[BinaryPrimitives.ReadInt32LittleEndian(payload)];
                files.Write(Path.Combine(target.LogFolder, LogFiles.NameOf(log.FirstLsn, log.IsPatch ? GroupFileKind.Patch : GroupFileKind.Log)), payload, 0, long.MaxValue);
                break;
            case BackupFrameType.Keys when part.KeysFile is { } keys:
                files.Write(keys, payload, 0, long.MaxValue);
                break;
            default:
                break;
        }
    }
}
