using System.Globalization;
using MessageStore.IO;

namespace MessageStore.Storage;

/// <summary>
/// A storage group: own log, own store, own index, opened, backed up and restored on its own. Reads take the index's lock for a moment; writes go
/// through the committer. A group that could not be opened keeps its name and the reason.
/// </summary>
internal sealed partial class StorageGroup : IDisposable
{
    private readonly IStorage storage;
    private readonly GroupOptions options;
    private readonly GroupCommitter committer;
    private readonly LogWriter log;
    private readonly SpareLogs spares;
    private readonly SegmentStore segments;
    private readonly MessageIndex index;
    private readonly Applier applier;
    private readonly string recoveryNote;
    private int disposed;

    private StorageGroup(IStorage storage, GroupIdentity identity, GroupOptions options, string storeFolder, string logFolder, RecoveredGroup recovered)
    {
        this.storage = storage;
        this.options = options;
        Identity = identity;
        StoreFolder = storeFolder;
        LogFolder = logFolder;
        index = recovered.Index;
        segments = recovered.Segments;
        applier = recovered.Applier;
        checkpointLsn = recovered.CheckpointLsn;
        snapshotBytes = recovered.SnapshotBytes;
        ReplayedTransactions = recovered.Replayed;
        replayedBytes = recovered.ReplayedBytes;
        recoveryNote = recovered.Note;
        spares = new SpareLogs(storage, logFolder);
        log = new LogWriter(storage, logFolder, identity, options.LogAheadBytes, spares) { Histories = recovered.Histories };
        committer = new GroupCommitter(identity, options, log, segments, index, applier, recovered.LastLsn, recovered.LastTime)
        {
            AfterCommit = () =>
            {
                CheckpointIfDue();
                CompactIfDue();
            },
        };
        if (recovered.ClosedForWriting is not null) committer.Close(recovered.ClosedForWriting);
        else log.Resume(recovered.Log!.Value.File, recovered.Log.Value.Tail, recovered.Log.Value.Doubtful);
        committer.Start();
    }

    public GroupIdentity Identity { get; }

    public string Name => Identity.Name;

    public string StoreFolder { get; }

    public string LogFolder { get; }

    public ulong LastLsn => committer.LastLsn;

    /// <summary>How many log files were used again since the group was opened.</summary>
    public long LogsUsedAgain => spares.Taken;

    /// <summary>Transactions applied from the log when the group was opened.</summary>
    public long ReplayedTransactions { get; }

    public MessageStoreException? ClosedForWriting => committer.Failure;

    /// <summary>Takes the group out of service: whoever still has it in hand gets the reason from now on. To be disposed next.</summary>
    public void Retire(MessageStoreException reason) => committer.Retired = reason;

    /// <summary>The sum over all that the group holds (docs/format-segment.md), with the transaction it belongs to.</summary>
    public (ulong Lsn, UInt128 Digest) StateDigest
    {
        get
        {
            lock (index.Gate) return (committer.LastLsn, index.Digest);
        }
    }

    /// <summary>Lays out an empty group: folders, first checkpoint, first log file, all durable.</summary>
    public static void Create(IStorage storage, GroupIdentity identity, GroupOptions options, string storeFolder, string logFolder)
    {
        string segmentFolder = GroupRecovery.SegmentFolder(storeFolder);
        DurableFolder.Create(storage, segmentFolder);
        DurableFolder.Create(storage, logFolder);
        var index = new MessageIndex();
        using var segments = new SegmentStore(storage, segmentFolder, identity, options.SegmentLimit);
        IndexTables tables = index.Freeze(0, options.Clock.GetUtcNow().UtcTicks, segments, new Applier(index, segments, identity));
        IndexSnapshot.Write(storage, storeFolder, identity, tables, index, CancellationToken.None);
        using (var log = new LogWriter(storage, logFolder, identity)) log.Rotate(GroupFileKind.Log, 1, tables.TimeTicks);
    }

    /// <exception cref="MessageStoreException">StoreMissing, StoreDamaged, LogDamaged, and device errors.</exception>
    /// <param name="limit">Where replay stops, by default nowhere; what lies beyond is cut off for good.</param>
    public static StorageGroup Open(IStorage storage, GroupIdentity identity, GroupOptions options, string storeFolder, string logFolder, ReplayLimit? limit = null)
    {
        try
        {
            RecoveredGroup recovered = new GroupRecovery(storage, storeFolder, logFolder, identity, options) { Limit = limit ?? ReplayLimit.None }.Run();
            try
            {
                return new StorageGroup(storage, identity, options, storeFolder, logFolder, recovered);
            }
            catch
            {
                recovered.Segments.Dispose();
                throw;
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw StorageErrors.Wrap(error, $"opening storage group {identity.Name}", storeFolder);
        }
    }

    /// <exception cref="MessageStoreException">Why the group is out of service.</exception>
    public void ThrowIfRetired()
    {
        if (committer.Retired is { } reason) throw reason;
    }

    /// <summary>The group in figures.</summary>
    public StorageGroupStatus GetStatus()
    {
        MessageStoreException? closed = committer.Failure;
        BackupMark? backup = applier.LastBackup;
        string deviceTrouble = "";
        long logBytes = 0;
        try
        {
            // Outside the lock: a device that hangs must not keep readers waiting.
            logBytes = LogFiles.List(storage, LogFolder).Sum(f => storage.FileLength(f.Path));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            deviceTrouble = StorageErrors.Wrap(error, "looking at the log", LogFolder).Message;
        }
        lock (index.Gate)
        {
            return new StorageGroupStatus
            {
                Name = Name,
                State = closed is null ? StorageState.Open : StorageState.ReadOnly,
                Reason = closed?.Message ?? committer.RotationError?.Message ?? checkpointError?.Message ?? deviceTrouble,
                Warning = string.Join(' ', ((string[])[LogWarning(logBytes, backup), recoveryNote]).Where(w => w.Length > 0)),
                MailboxCount = index.Mailboxes.Count,
                MessageCount = index.MessageCount,
                HotMessageCount = index.MessageCount - index.ArchivedCount,
                ArchivedMessageCount = index.ArchivedCount,
                HotBytes = index.HotBytes,
                ArchivedBytes = index.ArchivedBytes,
                StoreBytes = segments.TotalBytes + segments.RetiredBytes,
                DeadBytes = segments.TotalBytes + segments.RetiredBytes - segments.LiveBytes,
                LogBytes = logBytes,
                SpareLogBytes = spares.Bytes,
                Lsn = committer.LastLsn,
                CheckpointLsn = Volatile.Read(ref checkpointLsn),
                BackupAge = backup is null ? null : options.Clock.GetUtcNow() - new DateTimeOffset(backup.StartedTicks, TimeSpan.Zero),
            };
        }
    }

    /// <summary>Logs that grow because nothing is backed up are reported, never dropped (design §4). With circular logging nothing waits for a backup.</summary>
    private string LogWarning(long logBytes, BackupMark? backup)
    {
        long limit = Math.Min(options.LogWarningBytes, Math.Max(options.LogWarningLeast, index.HotBytes * 2));
        if (options.CircularLogging || logBytes <= limit) return "";
        string since = backup is null ? "no backup was ever made" : $"no backup since {new DateTime(backup.StartedTicks, DateTimeKind.Utc):u}";
        return string.Create(CultureInfo.InvariantCulture, $"Logs hold {logBytes / (double)(1 << 30):0.0} GB: {since}. Back up with Start-StorageGroupBackup; the log files go then.");
    }

    /// <summary>Ends writing, takes a checkpoint where the next open would have much to replay, and closes the files.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref disposed, 1) != 0) return;
        committer.AfterCommit = null;
        closing.Cancel();
        compacting.Wait();
        try
        {
            bool worthIt = committer.LogBytes + replayedBytes - checkpointLogBytes > options.CloseReplayBytes;
            // With the log's device gone, the store is all there is: it takes what it can.
            bool lastResort = committer.Failure is not null;
            if ((worthIt || lastResort) && committer.LastLsn > checkpointLsn && segments.FlushFailure is null) Checkpoint(CancellationToken.None);
        }
        catch (MessageStoreException)
        {
            // The log has everything; the next open replays it. The error stays visible as checkpointError until then.
        }
        committer.Dispose();
        checkpointing.Wait();
        log.Dispose();
        spares.Clear();
        segments.Dispose();
        checkpointing.Dispose();
        compacting.Dispose();
        closing.Dispose();
    }
}
