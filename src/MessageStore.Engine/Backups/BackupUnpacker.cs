using System.Buffers.Binary;
using MessageStore.IO;
using MessageStore.Storage;

namespace MessageStore.Backups;

/// <summary>Where a group of a backup is to be unpacked.</summary>
internal sealed record UnpackTarget(GroupSettings Settings, string StoreFolder, string LogFolder);

/// <summary>A group as it came out of a backup.</summary>
internal sealed record UnpackedGroup(UnpackTarget Target, GroupBeginMark Begin, GroupEndMark End);

/// <summary>
/// Lays the files of a backup out again: images, then logs, then patches, in the order in which they were written. What it leaves is exactly what a storage
/// group looks like after a crash, so the one recovery there is brings it back to life.
/// </summary>
internal sealed class BackupUnpacker(IStorage storage, BackupReader reader, IProgress<RunProgress>? progress)
{
    private readonly Dictionary<string, IStorageFile> open = [];
    private List<UnpackTarget> targets = [];

    /// <param name="choose">Says where a group goes; <see langword="null"/> to leave it out.</param>
    /// <param name="keysFile">Gets the image of the key manager; <see langword="null"/> to leave it out.</param>
    /// <returns>The groups unpacked. Everything is flushed, and the whole backup was verified.</returns>
    /// <exception cref="MessageStoreException">BackupDamaged, DiskFull, and other device errors.</exception>
    public List<UnpackedGroup> Run(Func<GroupSettings, UnpackTarget?> choose, string? keysFile, CancellationToken cancellationToken)
    {
        var unpacked = new List<UnpackedGroup>();
        GroupBeginMark? begin = null;
        UnpackTarget? target = null;
        LogsMark logs = new([]);
        try
        {
            while (true)
            {
                cancellationToken.ThrowIfCancellationRequested();
                long offset = reader.Position;
                BackupFrameType type = reader.Next(out ReadOnlySpan<byte> payload);
                switch (type)
                {
                    case BackupFrameType.Groups:
                        targets = [.. reader.Decode<GroupsMark>(payload, offset).Groups.Select(choose).OfType<UnpackTarget>()];
                        break;
                    case BackupFrameType.GroupBegin:
                        begin = reader.Decode<GroupBeginMark>(payload, offset);
                        target = targets.Find(t => t.Settings.Name == begin.Name);
                        if (target is not null) CreateFolders(target);
                        break;
                    case BackupFrameType.Snapshot when target is not null:
                        WriteChunk(IndexSnapshot.PathOf(target.StoreFolder, begin!.CheckpointLsn), payload);
                        break;
                    case BackupFrameType.Segment when target is not null:
                        int number = BinaryPrimitives.ReadInt32LittleEndian(payload);
                        WriteChunk(Path.Combine(GroupRecovery.SegmentFolder(target.StoreFolder), SegmentStore.FileName(number)), payload);
                        break;
                    case BackupFrameType.LogsMark:
                        logs = reader.Decode<LogsMark>(payload, offset);
                        break;
                    case BackupFrameType.Log or BackupFrameType.Patch when target is not null:
                        LogMark log = logs.Files[BinaryPrimitives.ReadInt32LittleEndian(payload)];
                        WriteChunk(Path.Combine(target.LogFolder, LogFiles.NameOf(log.FirstLsn, log.IsPatch ? GroupFileKind.Patch : GroupFileKind.Log)), payload);
                        break;
                    case BackupFrameType.GroupEnd:
                        FlushAll();
                        if (target is not null) unpacked.Add(EndGroup(target, begin!, logs, reader.Decode<GroupEndMark>(payload, offset)));
                        break;
                    case BackupFrameType.Keys when keysFile is not null:
                        WriteChunk(keysFile, payload);
                        break;
                    case BackupFrameType.Trailer:
                        FlushAll();
                        return unpacked;
                    default:
                        break;
                }
                progress?.Report(new RunProgress("Restoring", begin?.Name ?? "", reader.Position, reader.Length));
            }
        }
        finally
        {
            foreach (IStorageFile file in open.Values) file.Dispose();
            open.Clear();
        }
    }

    /// <summary>A session in which nobody wrote has neither logs nor patches, but a group needs a log to go on with.</summary>
    private UnpackedGroup EndGroup(UnpackTarget target, GroupBeginMark begin, LogsMark logs, GroupEndMark end)
    {
        if (logs.Files.Count == 0)
        {
            using var log = new LogWriter(storage, target.LogFolder, MailDatabase.IdentityOf(reader.Header.Settings, target.Settings));
            log.Rotate(GroupFileKind.Log, end.EndLsn + 1, end.EndTime.UtcTicks);
        }
        return new UnpackedGroup(target, begin, end);
    }

    private void CreateFolders(UnpackTarget target)
    {
        DurableFolder.Create(storage, GroupRecovery.SegmentFolder(target.StoreFolder));
        DurableFolder.Create(storage, target.LogFolder);
    }

    private void WriteChunk(string path, ReadOnlySpan<byte> payload)
    {
        try
        {
            if (!open.TryGetValue(path, out IStorageFile? file))
            {
                // One file after the other comes, so the one before is complete.
                FlushAll();
                open[path] = file = storage.Open(path, FileAccessKind.CreateOrTruncate);
            }
            file.Write(payload[BackupWriter.ChunkHeaderSize..], BinaryPrimitives.ReadInt64LittleEndian(payload[8..]));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw StorageErrors.Wrap(error, "restoring", path);
        }
    }

    private void FlushAll()
    {
        foreach ((string path, IStorageFile file) in open)
        {
            try
            {
                file.Flush();
                file.Dispose();
                storage.FlushFolder(Path.GetDirectoryName(path)!);
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                throw StorageErrors.Wrap(error, "restoring", path);
            }
        }
        open.Clear();
    }
}
