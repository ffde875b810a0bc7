using MessageStore.IO;

namespace MessageStore.Storage;

/// <summary>What opening a group found out.</summary>
internal sealed class RecoveredGroup
{
    public required MessageIndex Index { get; init; }
    public required SegmentStore Segments { get; init; }
    public required Applier Applier { get; init; }
    public required ulong CheckpointLsn { get; init; }
    public required long SnapshotBytes { get; init; }
    public ulong LastLsn { get; set; }
    public long LastTime { get; set; }
    public long Replayed { get; set; }
    public long ReplayedBytes { get; set; }
    /// <summary>The log file to go on with, and where; none where the group must be closed for writing.</summary>
    public (LogFile File, long Tail, long Doubtful)? Log { get; set; }
    /// <summary>As the log file to go on with names them.</summary>
    public IReadOnlyList<GroupHistory> Histories { get; set; } = [];
    public MessageStoreException? ClosedForWriting { get; set; }
    /// <summary>What people should know although the group is open; empty for nothing.</summary>
    public string Note { get; set; } = "";
}

/// <summary>
/// Opens a group: newest valid checkpoint, then replay. Follows docs/recovery-table.md row by row; the numbers in comments are its rows.
/// </summary>
internal sealed class GroupRecovery(IStorage storage, string storeFolder, string logFolder, GroupIdentity identity, GroupOptions options)
{
    /// <summary>Where replay stops; what lies beyond is cut off for good.</summary>
    public ReplayLimit Limit { get; init; } = ReplayLimit.None;

    public static string SegmentFolder(string storeFolder) => Path.Combine(storeFolder, "segments");

    /// <exception cref="MessageStoreException">StoreMissing, StoreDamaged, LogDamaged.</exception>
    public RecoveredGroup Run()
    {
        RecoveredGroup group = LoadCheckpoint();
        try
        {
            Replay(group);
            if (group.ClosedForWriting is null) SpareLogs.DeleteLeftovers(storage, logFolder); // 18
            return group;
        }
        catch
        {
            group.Segments.Dispose();
            throw;
        }
    }

    private RecoveredGroup LoadCheckpoint()
    {
        List<(ulong Lsn, string Path)> snapshots = IndexSnapshot.List(storage, storeFolder);
        if (snapshots.Count == 0) // 1
            throw new MessageStoreException(ErrorIds.StoreMissing, ErrorKind.Device,
                $"The store of group {identity.Name} is missing at {storeFolder}. Mount the device, or restore the group from its newest backup.", storeFolder);
        MessageStoreException? first = null;
        foreach ((ulong lsn, string path) in snapshots)
        {
            var index = new MessageIndex();
            var segments = new SegmentStore(storage, SegmentFolder(storeFolder), identity, options.SegmentLimit);
            try
            {
                IndexTables tables = IndexSnapshot.Load(storage, path, identity, index);
                if (tables.Lsn != lsn) throw new FormatException($"{path} is the snapshot of transaction {tables.Lsn}.");
                if (lsn != snapshots[0].Lsn && !LogsReach(lsn)) break; // 3
                segments.Open(tables.Segments); // 2, 5
                var applier = new Applier(index, segments, identity) { LastBackup = tables.LastBackup };
                foreach (PendingAppend append in tables.Pending) applier.AddPending(append);
                CountLive(index, segments);
                RetireNewerThan(lsn, snapshots);
                return new RecoveredGroup
                {
                    Index = index, Segments = segments, Applier = applier, CheckpointLsn = lsn,
                    SnapshotBytes = storage.FileLength(path), LastLsn = lsn, LastTime = tables.TimeTicks,
                };
            }
            catch (Exception error) when (error is FormatException or IOException or MessageStoreException { ErrorId: ErrorIds.StoreDamaged })
            {
                segments.Dispose();
                first ??= error as MessageStoreException ?? new MessageStoreException(ErrorIds.StoreDamaged, ErrorKind.Damaged,
                    $"The newest checkpoint of group {identity.Name} cannot be used: {error.Message} Restore the group from its newest backup.", path, error);
            }
        }
        throw first!; // 4
    }

    /// <summary>
    /// Takes newer snapshots out of the way before replay writes into the segments that they describe: one that turns out readable later (a cable, a
    /// transient error) would point at other messages then.
    /// </summary>
    private void RetireNewerThan(ulong lsn, List<(ulong Lsn, string Path)> snapshots)
    {
        if (snapshots[0].Lsn == lsn) return;
        foreach ((ulong newer, string path) in snapshots)
            if (newer > lsn) storage.RenameFile(path, path + ".damaged");
        storage.FlushFolder(storeFolder);
    }

    private bool LogsReach(ulong lsn)
    {
        List<LogFile> files = LogFiles.List(storage, logFolder);
        return files.Count > 0 && files[0].FirstLsn <= lsn + 1;
    }

    private void Replay(RecoveredGroup group)
    {
        List<LogFile> files = [.. LogFiles.List(storage, logFolder)];
        while (files.Count > 0 && HasNoHeader(files[^1])) Drop(files, files.Count - 1); // 7
        for (int i = files.Count - 1; i > 0; i--) // 15
        {
            if (files[i].FirstLsn != files[i - 1].FirstLsn) continue;
            Drop(files, HoldsTransactions(files[i]) ? i - 1 : HoldsTransactions(files[i - 1]) ? i : i - 1);
        }
        int start = files.FindLastIndex(f => f.FirstLsn <= group.LastLsn + 1);
        if (start < 0) // 6
        {
            group.ClosedForWriting = LogMissing(group);
            return;
        }
        using var writer = new ReplayWriter(group);
        for (int i = start; i < files.Count; i++)
        {
            options.Opening?.Invoke($"storage group {identity.Name}, {i - start} of {files.Count - start} log files replayed");
            bool isLast = i == files.Count - 1;
            using IStorageFile file = storage.Open(files[i].Path, FileAccessKind.Read);
            GroupFileHeader header = GroupFileHeader.Read(file, out int headerLength) ?? throw Damaged(files[i].Path, 0, "its header is damaged");
            if (header.Identity.Salt != identity.Salt || header.Identity.DatabaseId != identity.DatabaseId)
                throw Damaged(files[i].Path, 0, "it belongs to another storage group");
            if (header.Number != files[i].FirstLsn) throw Damaged(files[i].Path, 0, $"its header is that of the log from transaction {header.Number} on"); // 17
            group.Histories = header.Histories;
            using var reader = new LogReader(file, identity.Salt, headerLength, files[i].FirstLsn, group.CheckpointLsn);
            long doubtful = headerLength;
            while (reader.TryRead(out FrameHeader frame, out ReadOnlySpan<byte> payload))
            {
                if (frame.Lsn == frame.DurableLsn + 1) doubtful = reader.FrameOffset;
                if (frame.Lsn <= group.LastLsn) continue; // 8
                if (Limit.Excludes(frame))
                {
                    writer.Drain();
                    group.Log = (files[i], reader.FrameOffset, Math.Min(doubtful, reader.FrameOffset));
                    DeleteFrom(files, i + 1);
                    group.Applier.AbandonAll(); // 14
                    return;
                }
                writer.Apply(frame, payload, identity.Salt); // 9
            }
            group.Note += reader.Note; // 16
            if (isLast)
            {
                if (reader.End.Kind == FrameEndKind.Damaged) throw reader.End.ToException(ErrorIds.LogDamaged, files[i].Path); // 12
                if (reader.ExpectedLsn <= group.CheckpointLsn) group.ClosedForWriting = LogMissing(group); // 6
                else group.Log = (files[i], reader.End.Offset, doubtful); // 10, 11: the writer cuts the tail there
            }
            else if (reader.ExpectedLsn < files[i + 1].FirstLsn)
            {
                throw Damaged(files[i].Path, reader.End.Offset, $"transaction {reader.ExpectedLsn} is missing although the next file begins at {files[i + 1].FirstLsn}"); // 13
            }
        }
        writer.Drain();
        group.Applier.AbandonAll(); // 14
        if (group.ClosedForWriting is not null) return;
        var named = new Lazy<Func<int, bool>>(() => IndexSnapshot.NamedSegments(storage, storeFolder, identity));
        group.Segments.DeleteLeftovers(number => named.Value(number));
    }

    /// <summary>After a stop in the middle: what lies beyond the point in time must not come back at the next open.</summary>
    private void DeleteFrom(List<LogFile> files, int first)
    {
        for (int i = files.Count - 1; i >= first; i--) Drop(files, i);
    }

    /// <summary>Whether a file has neither header nor frames. A file with frames had a durable header once: that is damage, not a beginning.</summary>
    private bool HasNoHeader(LogFile log)
    {
        using IStorageFile file = storage.Open(log.Path, FileAccessKind.Read);
        if (GroupFileHeader.Read(file, out _) is not null) return false;
        // All that a file holds was written when everything before it was durable, so any frame of it makes this "damaged".
        return FrameScanner.Judge(file, identity.Salt, 0, log.FirstLsn - 1).Kind != FrameEndKind.Damaged;
    }

    private bool HoldsTransactions(LogFile log)
    {
        using IStorageFile file = storage.Open(log.Path, FileAccessKind.Read);
        if (GroupFileHeader.Read(file, out int headerLength) is null) return !HasNoHeader(log);
        using var reader = new FrameReader(file, identity.Salt, headerLength, log.FirstLsn);
        return reader.TryRead(out _, out _);
    }

    /// <summary>Deletes a file for certain: one that comes back after the next loss of power would lie between others then.</summary>
    private void Drop(List<LogFile> files, int number)
    {
        storage.DeleteFile(files[number].Path);
        storage.FlushFolder(logFolder);
        files.RemoveAt(number);
    }

    private static void CountLive(MessageIndex index, SegmentStore segments)
    {
        for (int slot = 0; slot < index.Pages.SlotLimit; slot++)
        {
            ref readonly IndexEntry entry = ref index.Entry(slot);
            if (entry.IsInUse) segments.CountLive(entry.Segment, entry.ImageLength);
        }
    }

    private MessageStoreException LogMissing(RecoveredGroup group) => new(ErrorIds.LogMissing, ErrorKind.Device,
        $"The log of group {identity.Name} is missing at {logFolder}: nothing there reaches transaction {group.CheckpointLsn + 1}. "
        + "Reading goes on from the checkpoint. Mount the device, or restore the group.", logFolder);

    private static MessageStoreException Damaged(string path, long offset, string what) => new(ErrorIds.LogDamaged, ErrorKind.Damaged,
        $"Log file {path} is damaged at offset {offset}: {what}. Restore the group from its newest backup.", path);
}
