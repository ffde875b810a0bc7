using MessageStore.IO;

namespace MessageStore.Storage;

/// <summary>A log or patch file that a backup copies.</summary>
internal sealed record LogExtent(string Path, GroupFileKind Kind, ulong FirstLsn, long Length);

/// <summary>Log and patch files to be copied; as long as this is not disposed, none of them is written again.</summary>
internal sealed class HeldLogs(IReadOnlyList<LogExtent> files, IDisposable hold) : IDisposable
{
    /// <summary>In order of their first LSN.</summary>
    public IReadOnlyList<LogExtent> Files { get; } = files;

    public void Dispose() => hold.Dispose();
}

/// <summary>The state of a group at one transaction.</summary>
internal readonly record struct GroupMoment(ulong Lsn, long TimeTicks, UInt128 Digest, long MessageCount);

/// <summary>
/// What a backup copies of a group: a checkpoint and the segments that it names, held so that nothing takes them away, and the logs and patches
/// since. Disposing gives everything back and ends the patch file.
/// </summary>
internal sealed class GroupImage : IDisposable
{
    private readonly Action release;
    private int disposed;

    public GroupImage(string snapshotPath, IndexTables tables, IReadOnlyList<Segment> segments, ulong patchStart, Action release)
    {
        SnapshotPath = snapshotPath;
        Tables = tables;
        Segments = segments;
        PatchStart = patchStart;
        this.release = release;
    }

    public string SnapshotPath { get; }

    public IndexTables Tables { get; }

    /// <summary>In the order of <see cref="IndexTables.Segments"/>, which has their lengths.</summary>
    public IReadOnlyList<Segment> Segments { get; }

    /// <summary>LSN of the first transaction that goes to a patch file.</summary>
    public ulong PatchStart { get; }

    public void Dispose()
    {
        if (Interlocked.Exchange(ref disposed, 1) == 0) release();
    }
}

internal sealed partial class StorageGroup
{
    /// <summary>Takes a checkpoint, holds what it names, and switches the log to a patch file (design §6, figure 7 at 760).</summary>
    public GroupImage BeginBackup(CancellationToken cancellationToken)
    {
        if (committer.Failure is { } closed) throw closed;
        IndexTables tables;
        var held = new List<Segment>();
        checkpointing.Wait(cancellationToken);
        try
        {
            tables = CheckpointHeld(cancellationToken, newLog: true);
            lock (heldSnapshots) heldSnapshots.Add(tables.Lsn);
            foreach (SegmentInfo info in tables.Segments) held.Add(segments.Acquire(info.Number)!);
        }
        finally
        {
            checkpointing.Release();
        }
        void Release()
        {
            foreach (Segment segment in held) segment.Dispose();
            lock (heldSnapshots) heldSnapshots.Remove(tables.Lsn);
            try
            {
                if (committer.Failure is null) SwitchLog(GroupFileKind.Log, always: false);
            }
            catch (MessageStoreException)
            {
                // The patch file goes on being the log: it is the same but for its name.
            }
        }
        try
        {
            ulong patchStart = SwitchLog(GroupFileKind.Patch, always: true).Lsn + 1;
            return new GroupImage(IndexSnapshot.PathOf(StoreFolder, tables.Lsn), tables, held, patchStart, Release);
        }
        catch
        {
            Release();
            throw;
        }
    }

    /// <summary>Ends the patch file: from here on the log is a log again.</summary>
    public GroupMoment EndPatch() => SwitchLog(GroupFileKind.Log, always: false);

    /// <summary>Closes the log file that is being written, so that it can be copied: the next transaction goes to a new one.</summary>
    public GroupMoment EndLogFile() => SwitchLog(GroupFileKind.Log, always: true);

    /// <summary>
    /// The log and patch files with transactions after <paramref name="after"/> up to <paramref name="last"/>, all closed by now. Until they are given back none of them is
    /// written again.
    /// </summary>
    public HeldLogs LogsBetween(ulong after, ulong last)
    {
        IDisposable hold = spares.Hold();
        try
        {
            return new HeldLogs(ListLogs(after, last), hold);
        }
        catch
        {
            hold.Dispose();
            throw;
        }
    }

    private List<LogExtent> ListLogs(ulong after, ulong last)
    {
        List<LogFile> files = LogFiles.List(storage, LogFolder);
        var found = new List<LogExtent>();
        for (int i = 0; i < files.Count && files[i].FirstLsn <= last; i++)
        {
            ulong end = LogFiles.LastLsn(files, i);
            if (end <= after || end < files[i].FirstLsn) continue;
            found.Add(new LogExtent(files[i].Path, files[i].Kind, files[i].FirstLsn, storage.FileLength(files[i].Path)));
        }
        return found;
    }

    /// <summary>The histories that the group's transactions belong to.</summary>
    public IReadOnlyList<GroupHistory> Histories => log.Histories;

    /// <summary>Begins a history: what is committed from now on is not what anybody else has under the same numbers. For a group that was restored, before it serves.</summary>
    /// <param name="id">Its name, random.</param>
    /// <param name="isAnew">Whether all transactions of the group are of it: they were numbered anew.</param>
    /// <exception cref="MessageStoreException">Why the group is closed for writing; DiskFull, DeviceFailed.</exception>
    public void BeginHistory(Guid id, bool isAnew)
    {
        try
        {
            committer.RunAsync(() =>
            {
                if (committer.Failure is { } closed) throw closed;
                log.Histories = isAnew ? GroupHistory.Begin([], id, 1) : GroupHistory.Begin(log.Histories, id, committer.LastLsn + 1);
                // A file without transactions would keep its name, and with it its header: one of the other kind takes its place first.
                committer.Rotate(GroupFileKind.Patch);
                committer.Rotate(GroupFileKind.Log);
                return true;
            }).GetAwaiter().GetResult();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw StorageErrors.Wrap(error, "beginning a new log file", LogFolder);
        }
    }

    /// <summary>Notes a complete backup in the log: it lets go of the log files that the backup holds.</summary>
    public Task BackedUpAsync(BackupMark mark) =>
        CommitAsync(Transaction.BackedUp(mark.Id, mark.Lsn, mark.StartedTicks, Identity.Salt));

    /// <inheritdoc cref="GroupCommitter.Meters"/>
    public IReadOnlyList<CommitMeter> Meters => committer.Meters;

    /// <inheritdoc cref="GroupCommitter.Meter"/>
    public void Meter(CommitMeter meter) => committer.Meter(meter);

    public void Unmeter(CommitMeter meter) => committer.Unmeter(meter);

    public BackupMark? LastBackup => applier.LastBackup;

    /// <summary>Begins a new log file of a kind between two transactions, and says which state that is.</summary>
    private GroupMoment SwitchLog(GroupFileKind kind, bool always)
    {
        try
        {
            return committer.RunAsync(() =>
            {
                if (committer.Failure is { } closed) throw closed;
                if (always || log.Kind != kind) committer.Rotate(kind);
                lock (index.Gate) return new GroupMoment(committer.LastLsn, committer.LastTime, index.Digest, index.MessageCount);
            }).GetAwaiter().GetResult();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw StorageErrors.Wrap(error, "switching the log", LogFolder);
        }
    }
}
