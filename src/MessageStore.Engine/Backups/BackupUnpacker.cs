using System.Buffers.Binary;
using MessageStore.IO;
using MessageStore.Storage;

namespace MessageStore.Backups;

/// <summary>Where a group of a backup is to be unpacked.</summary>
internal sealed record UnpackTarget(GroupSettings Settings, string StoreFolder, string LogFolder);

/// <summary>A group as it came out of a backup.</summary>
/// <param name="Begin">The checkpoint whose images were unpacked.</param>
/// <param name="End">The last transaction that was.</param>
internal sealed record UnpackedGroup(UnpackTarget Target, GroupBeginMark Begin, GroupEndMark End);

/// <summary>
/// Lays the files of a backup out again, with those of all sets that it stands on: images, then logs, then patches, in the order in which they were written. What it leaves is
/// exactly what a storage group looks like after a crash, so the one recovery there is brings it back to life.
/// </summary>
internal sealed class BackupUnpacker(IStorage storage, BackupReader reader, BackupKey? key, IProgress<RunProgress>? progress)
{
    private readonly HashSet<string> created = [];
    private string openPath = "";
    private IStorageFile? open;
    private List<UnpackTarget> targets = [];
    private string? keysFile;
    private long done;

    /// <param name="choose">Says where a group goes; <see langword="null"/> to leave it out.</param>
    /// <param name="keysFile">Gets the image of the key manager; <see langword="null"/> to leave it out.</param>
    /// <returns>The groups unpacked. Everything is flushed, and the whole backup, the sets below it included, was verified.</returns>
    /// <exception cref="MessageStoreException">BackupDamaged, BackupChainBroken, DiskFull, and other device errors.</exception>
    public List<UnpackedGroup> Run(Func<GroupSettings, UnpackTarget?> choose, string? keysFile, CancellationToken cancellationToken)
    {
        this.keysFile = keysFile;
        BackupChain chain = BackupChain.Find(storage, reader.Path);
        var sets = new List<BackupReader>();
        try
        {
            foreach (string path in chain.Paths.SkipLast(1)) sets.Add(new BackupReader(storage, path, key));
            sets.Add(reader);
            int images = sets.FindLastIndex(s => s.Header.Kind != BackupKind.Logs);
            var plan = new ChainPlan([.. sets.Select(s => s.Contents)], images, (set, what) => Broken(sets[set].Path, what));
            targets = [.. reader.Header.Settings.StorageGroups.Where(g => reader.Groups.Contains(g.Name)).Select(choose).OfType<UnpackTarget>()];
            foreach (UnpackTarget target in targets) CreateFolders(target);
            for (int set = 0; set < sets.Count; set++) Unpack(sets[set], set, images, plan, chain.Bytes, cancellationToken);
            return [.. targets.Select(t => new UnpackedGroup(t, Contents(sets[images], t).Begin, Contents(reader, t).End))];
        }
        finally
        {
            open?.Dispose();
            open = null;
            foreach (BackupReader below in sets)
                if (!ReferenceEquals(below, reader)) below.Dispose();
        }
    }

    private static GroupContents Contents(BackupReader set, UnpackTarget target) => set.Contents.Groups.First(g => g.Begin.Name == target.Settings.Name);

    /// <summary>Takes from one set what the plan says, and reads all of it, so that all of it is verified.</summary>
    private void Unpack(BackupReader source, int set, int images, ChainPlan plan, long bytesInAll, CancellationToken cancellationToken)
    {
        long before = done;
        GroupBeginMark? begin = null;
        UnpackTarget? target = null;
        LogsMark logs = new([]);
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            long offset = source.Position;
            BackupFrameType type = source.Next(out ReadOnlySpan<byte> payload);
            switch (type)
            {
                case BackupFrameType.GroupBegin:
                    begin = source.Decode<GroupBeginMark>(payload, offset);
                    target = targets.Find(t => t.Settings.Name == begin.Name);
                    break;
                case BackupFrameType.Snapshot when target is not null && set == images:
                    WriteChunk(IndexSnapshot.PathOf(target.StoreFolder, begin!.CheckpointLsn), payload, 0, long.MaxValue);
                    break;
                case BackupFrameType.Segment when target is not null:
                    int number = BinaryPrimitives.ReadInt32LittleEndian(payload);
                    (long from, long to) = plan.Wanted(set, begin!.Name, number);
                    WriteChunk(Path.Combine(GroupRecovery.SegmentFolder(target.StoreFolder), SegmentStore.FileName(number)), payload, from, to);
                    break;
                case BackupFrameType.LogsMark:
                    logs = source.Decode<LogsMark>(payload, offset);
                    break;
                case BackupFrameType.Log or BackupFrameType.Patch when target is not null && set >= images:
                    LogMark log = logs.Files[BinaryPrimitives.ReadInt32LittleEndian(payload)];
                    WriteChunk(Path.Combine(target.LogFolder, LogFiles.NameOf(log.FirstLsn, log.IsPatch ? GroupFileKind.Patch : GroupFileKind.Log)), payload, 0, long.MaxValue);
                    break;
                case BackupFrameType.GroupEnd when target is not null && ReferenceEquals(source, reader):
                    Flush();
                    EndGroup(target, source.Decode<GroupEndMark>(payload, offset));
                    break;
                case BackupFrameType.Keys when keysFile is not null && set >= images:
                    WriteChunk(keysFile, payload, 0, long.MaxValue);
                    break;
                case BackupFrameType.Trailer:
                    Flush();
                    done = before + source.Length;
                    return;
                default:
                    break;
            }
            done = before + source.Position;
            progress?.Report(new RunProgress("Restoring", begin?.Name ?? "", done, Math.Max(done, bytesInAll)));
        }
    }

    /// <summary>A session in which nobody wrote has neither logs nor patches, but a group needs a log to go on with.</summary>
    private void EndGroup(UnpackTarget target, GroupEndMark end)
    {
        if (LogFiles.List(storage, target.LogFolder).Count > 0) return;
        using var log = new LogWriter(storage, target.LogFolder, MailDatabase.IdentityOf(reader.Header.Settings, target.Settings));
        log.Rotate(GroupFileKind.Log, end.EndLsn + 1, end.EndTime.UtcTicks);
    }

    private void CreateFolders(UnpackTarget target)
    {
        DurableFolder.Create(storage, GroupRecovery.SegmentFolder(target.StoreFolder));
        DurableFolder.Create(storage, target.LogFolder);
    }

    /// <summary>Writes what a chunk has between two offsets of its file.</summary>
    private void WriteChunk(string path, ReadOnlySpan<byte> payload, long from, long to)
    {
        long start = BinaryPrimitives.ReadInt64LittleEndian(payload[8..]);
        ReadOnlySpan<byte> body = payload[BackupWriter.ChunkHeaderSize..];
        long begin = Math.Max(start, from), end = Math.Min(start + body.Length, to);
        if (begin >= end) return;
        try
        {
            if (openPath != path)
            {
                // One file after the other comes, so the one before is complete, as far as this set goes.
                Flush();
                open = storage.Open(path, created.Add(path) ? FileAccessKind.CreateOrTruncate : FileAccessKind.ReadWrite);
                openPath = path;
            }
            open!.Write(body.Slice((int)(begin - start), (int)(end - begin)), begin);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw StorageErrors.Wrap(error, "restoring", path);
        }
    }

    private void Flush()
    {
        if (open is null) return;
        try
        {
            open.Flush();
            open.Dispose();
            open = null;
            storage.FlushFolder(Path.GetDirectoryName(openPath)!);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw StorageErrors.Wrap(error, "restoring", openPath);
        }
        finally
        {
            openPath = "";
        }
    }

    private static MessageStoreException Broken(string path, string what) => new(ErrorIds.BackupChainBroken, ErrorKind.Damaged,
        $"Backup {path} is not what the sets above it were built upon: {what}. Use another backup.", path);
}
