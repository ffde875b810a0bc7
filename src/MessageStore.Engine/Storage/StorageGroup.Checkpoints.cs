using MessageStore.IO;

namespace MessageStore.Storage;

internal sealed partial class StorageGroup
{
    /// <summary>How many snapshots stay: the newest, and the one before in case the newest is found damaged.</summary>
    private const int SnapshotsKept = 2;

    private readonly SemaphoreSlim checkpointing = new(1, 1);
    private readonly long replayedBytes;
    private readonly HashSet<ulong> heldSnapshots = [];
    private int logHolds;
    private ulong checkpointLsn;
    private long checkpointLogBytes;
    private long snapshotBytes;
    private MessageStoreException? checkpointError;

    /// <summary>Makes the store catch up with the log, so that the next open replays only what comes after.</summary>
    /// <returns>The transaction up to which store and snapshot are durable now.</returns>
    public ulong Checkpoint(CancellationToken cancellationToken)
    {
        checkpointing.Wait(cancellationToken);
        try
        {
            return CheckpointHeld(cancellationToken).Lsn;
        }
        finally
        {
            checkpointing.Release();
        }
    }

    /// <param name="newLog">Begin a new log file at the very transaction of the checkpoint, so that a backup need not copy what came before.</param>
    private IndexTables CheckpointHeld(CancellationToken cancellationToken, bool newLog = false)
    {
        // A backup copies the snapshot that it holds by its name; another one of the same transaction would take its place.
        if (IsHeldSnapshot(committer.LastLsn) && committer.Failure is null) CommitAsync(Transaction.Vouch(Identity.Salt)).GetAwaiter().GetResult();
        long logBytesBefore = committer.LogBytes + replayedBytes;
        IndexTables tables;
        try
        {
            tables = committer.RunAsync(() =>
            {
                if (newLog)
                {
                    // Behind a failed flush nothing may be begun: the old file may hold more than we know.
                    if (committer.Failure is { } closed) throw closed;
                    committer.Rotate(GroupFileKind.Log);
                }
                lock (index.Gate) return index.Freeze(committer.LastLsn, committer.LastTime, segments, applier);
            }).GetAwaiter().GetResult();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw StorageErrors.Wrap(error, "beginning a new log file", LogFolder);
        }
        try
        {
            segments.FlushDirty();
            snapshotBytes = IndexSnapshot.Write(storage, StoreFolder, Identity, tables, index, cancellationToken);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or MessageStoreException)
        {
            checkpointError = StorageErrors.Wrap(error, "writing a checkpoint", StoreFolder);
            if (segments.FlushFailure is not null) committer.Close(checkpointError);
            throw checkpointError;
        }
        finally
        {
            lock (index.Gate) index.Pages.Thaw();
        }
        checkpointError = null;
        Volatile.Write(ref checkpointLsn, tables.Lsn);
        Volatile.Write(ref checkpointLogBytes, logBytesBefore);
        try
        {
            DeleteOldSnapshots();
            TrimLogs();
            DeleteRetiredHeld();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // The checkpoint itself stands: what could not be deleted goes with the next one.
            checkpointError = StorageErrors.Wrap(error, "deleting old checkpoints and log files", StoreFolder);
        }
        return tables;
    }

    /// <summary>How much log goes by between two checkpoints, in bytes; as much is kept of files to be used again.</summary>
    private long CheckpointPeriod => Math.Max(options.CheckpointLogBytes, snapshotBytes * 2);

    /// <summary>Keeps all log files where they are until disposed, also while the group is closed: somebody will read them.</summary>
    public IDisposable HoldLogs(CancellationToken cancellationToken)
    {
        checkpointing.Wait(cancellationToken); // none may be deleting
        Interlocked.Increment(ref logHolds);
        checkpointing.Release();
        return new LogHold(this);
    }

    /// <summary>Takes away the log files that neither a kept checkpoint nor the newest backup needs.</summary>
    private void TrimLogs()
    {
        if (Volatile.Read(ref logHolds) > 0) return;
        List<(ulong Lsn, string Path)> kept = IndexSnapshot.List(storage, StoreFolder);
        if (kept.Count == 0) return;
        ulong limit = kept[^1].Lsn;
        if (!options.CircularLogging) limit = Math.Min(limit, applier.LastBackup?.Lsn ?? 0);
        // Files that a backup ended early are too short to be worth using again.
        spares.Retire(limit, log.FirstLsn, options.LogFileLimit / 2, CheckpointPeriod);
    }

    private void DeleteOldSnapshots()
    {
        foreach ((ulong lsn, string path) in IndexSnapshot.List(storage, StoreFolder).Skip(SnapshotsKept))
        {
            if (!IsHeldSnapshot(lsn)) storage.DeleteFile(path);
        }
    }

    private bool IsHeldSnapshot(ulong lsn)
    {
        lock (heldSnapshots) return heldSnapshots.Contains(lsn);
    }

    /// <summary>Deletes the files of retired segments that are not needed any more.</summary>
    private void DeleteRetired(CancellationToken cancellationToken)
    {
        checkpointing.Wait(cancellationToken);
        try
        {
            DeleteRetiredHeld();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw StorageErrors.Wrap(error, "deleting segments", segments.Folder);
        }
        finally
        {
            checkpointing.Release();
        }
    }

    private void DeleteRetiredHeld()
    {
        if (segments.RetiredCount == 0) return;
        // A deleted snapshot must not come back after a loss of power and find its segments gone.
        storage.FlushFolder(StoreFolder);
        segments.DeleteRetired(IndexSnapshot.NamedSegments(storage, StoreFolder, Identity));
    }

    /// <summary>On the committer's thread: begins a checkpoint in the background when enough log has gathered.</summary>
    private void CheckpointIfDue()
    {
        if (committer.LogBytes + replayedBytes - Volatile.Read(ref checkpointLogBytes) < CheckpointPeriod) return;
        if (!checkpointing.Wait(0)) return;
        _ = Task.Run(() =>
        {
            try
            {
                CheckpointHeld(CancellationToken.None);
            }
            catch (MessageStoreException)
            {
                // Kept as checkpointError and shown by the group's status. The log still has everything.
            }
            catch (ObjectDisposedException)
            {
                // The group is being closed; closing takes its own checkpoint.
            }
            finally
            {
                checkpointing.Release();
            }
        });
    }

    private sealed class LogHold(StorageGroup group) : IDisposable
    {
        public void Dispose() => Interlocked.Decrement(ref group.logHolds);
    }
}
