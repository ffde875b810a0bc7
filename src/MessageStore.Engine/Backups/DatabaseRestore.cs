using System.Diagnostics;
using System.Globalization;
using MessageStore.IO;
using MessageStore.Storage;

namespace MessageStore.Backups;

/// <summary>
/// Brings a database back from a backup: unpacked beside its place, logs that survived put behind, opened and replayed, and only then swapped in. What stood in
/// the place before is moved aside, never deleted. Until the swap nothing that existed is touched.
/// </summary>
internal sealed partial class DatabaseRestore(IStorage storage, TimeProvider clock, IProgress<RunProgress>? progress)
{
    /// <summary>The keys recovered and the warnings that came of it.</summary>
    internal delegate IReadOnlyList<string> KeysRestorer(string keysFolder, string? keysImage, string originalKeysFolder, DatabaseSettings settings, string databasePath, IReadOnlyList<StorageGroup> groups);

    /// <exception cref="MessageStoreException">BackupNotFound, BackupDamaged, DestinationNotEmpty, GroupNotFound, PointInTimeNotCovered, LogDamaged, DiskFull.</exception>
    public RestoreRun Run(RestoreOptions options, KeysRestorer restoreKeys, CancellationToken cancellationToken)
    {
        var watch = Stopwatch.StartNew();
        string backup = BackupCatalog.Newest(storage, options.BackupPath, clock);
        using BackupKey? key = BackupKey.Open(storage, options.Key);
        RestoreRun run;
        try
        {
            run = RunWhole(backup, key, options, restoreKeys, cancellationToken);
        }
        catch (MessageStoreException error) when (options.SkipDamaged && error.Kind == ErrorKind.Damaged)
        {
            run = RunSalvage(backup, key, error, options, restoreKeys, cancellationToken);
        }
        return run with { BackupPath = backup, Bytes = storage.FileLength(backup), Duration = watch.Elapsed };
    }

    private RestoreRun RunWhole(string backup, BackupKey? key, RestoreOptions options, KeysRestorer restoreKeys, CancellationToken cancellationToken)
    {
        using var reader = new BackupReader(storage, backup, key);
        RestorePlan plan = RestorePlan.Make(storage, reader.Header, reader.Groups, options, clock);
        return InPlaceOf(plan, () =>
        {
            List<UnpackedGroup> unpacked = new BackupUnpacker(storage, reader, key, progress).Run(plan.Choose, plan.KeysImage, cancellationToken);
            CheckPointInTime(unpacked, options);
            foreach (UnpackedGroup group in unpacked) CopySurvivingLogs(group, plan, cancellationToken);
            return Replay([.. unpacked.Select(g => g.Target)], plan, reader.Header, options, restoreKeys, cancellationToken);
        }, cancellationToken);
    }

    /// <summary>Lays out beside, by <paramref name="work"/>, and puts it in place; what went wrong before that leaves nothing behind.</summary>
    private RestoreRun InPlaceOf(RestorePlan plan, Func<RestoreRun> work, CancellationToken cancellationToken)
    {
        using OwnerLock? owner = plan.InPlace ? TakeOwnership(plan) : null;
        try
        {
            if (plan.InPlace) FolderSwap.Complete(storage, plan.Destination);
            foreach (string folder in plan.StagingFolders) DurableFolder.Create(storage, folder);
            RestoreRun run = work();
            cancellationToken.ThrowIfCancellationRequested();
            return run with { Path = plan.Destination, Warnings = [.. run.Warnings, .. plan.SwapIn(storage)] };
        }
        catch (Exception error)
        {
            bool begun = plan.IsBegun(storage);
            if (!begun) plan.Discard(storage);
            if (error is IOException or UnauthorizedAccessException)
                throw StorageErrors.Wrap(error, begun ? "exchanging restored folders, which the next opening of the database ends" : "restoring", plan.Destination);
            throw;
        }
    }

    private RestoreRun Replay(List<UnpackTarget> targets, RestorePlan plan, BackupHeader header, RestoreOptions options, KeysRestorer restoreKeys, CancellationToken cancellationToken)
    {
        var groups = new StorageGroup[targets.Count];
        try
        {
            long stop = options.PointInTime?.UtcTicks ?? long.MaxValue;
            Parallel.For(0, targets.Count, new ParallelOptions { CancellationToken = cancellationToken }, i =>
            {
                UnpackTarget target = targets[i];
                groups[i] = StorageGroup.Open(storage, MailDatabase.IdentityOf(plan.Settings, target.Settings), new GroupOptions { Clock = clock }, target.StoreFolder, target.LogFolder, stop);
            });
            var warnings = new List<string>();
            foreach (StorageGroup group in groups)
            {
                if (group.ClosedForWriting is { } closed) throw closed;
                progress?.Report(new RunProgress("Replayed", group.Name, group.ReplayedTransactions, group.ReplayedTransactions));
            }
            warnings.AddRange(restoreKeys(plan.KeysFolder, plan.KeysImage, Path.Combine(header.Database, "keys"), plan.Settings, plan.Destination, groups));
            foreach (StorageGroup group in groups) group.Checkpoint(cancellationToken);
            return new RestoreRun
            {
                Path = plan.Destination,
                BackupPath = "",
                Messages = groups.Sum(g => g.GetStatus().MessageCount),
                ReplayedTransactions = groups.Sum(g => g.ReplayedTransactions),
                StorageGroups = [.. groups.Select(g => g.Name)],
                Warnings = warnings,
            };
        }
        catch (AggregateException error) when (error.InnerException is MessageStoreException inner)
        {
            throw inner;
        }
        finally
        {
            foreach (StorageGroup? group in groups) group?.Dispose();
        }
    }

    /// <summary>Puts the logs that survived behind those of the backup, where they follow without a gap.</summary>
    private void CopySurvivingLogs(UnpackedGroup group, RestorePlan plan, CancellationToken cancellationToken)
    {
        if (plan.SurvivingLogs is null) return;
        List<LogFile> files = SurvivingLogs(group.Target.Settings, plan, out string folder);
        ulong next = group.End.EndLsn + 1;
        List<LogFile> later = [.. files.Where(f => f.FirstLsn >= next)];
        if (later.Count == 0) return;
        if (later[0].FirstLsn != next)
            throw new MessageStoreException(ErrorIds.LogMissing, ErrorKind.Damaged,
                $"The logs of group {group.Target.Settings.Name} in {folder} go on at transaction {later[0].FirstLsn}, but the backup ends at {next - 1}: a log file is missing. "
                + "Find it, use a newer backup, or restore without -LogPath to give up what came after the backup.", folder);
        byte[] block = new byte[BackupWriter.ChunkBytes];
        foreach (LogFile file in later)
        {
            using IStorageFile source = storage.Open(file.Path, FileAccessKind.Read);
            using IStorageFile copy = storage.Open(Path.Combine(group.Target.LogFolder, LogFiles.NameOf(file.FirstLsn, file.Kind)), FileAccessKind.CreateOrTruncate);
            int read;
            for (long offset = 0; (read = source.ReadFully(block, offset)) > 0; offset += read)
            {
                cancellationToken.ThrowIfCancellationRequested();
                copy.Write(block.AsSpan(0, read), offset);
            }
            copy.Flush();
        }
        storage.FlushFolder(group.Target.LogFolder);
    }

    private List<LogFile> SurvivingLogs(GroupSettings group, RestorePlan plan, out string folder)
    {
        folder = "";
        if (plan.SurvivingLogs is null) return [];
        folder = Path.Combine(plan.SurvivingLogs, group.Folder);
        if (!storage.FolderExists(folder)) folder = plan.SurvivingLogs;
        return LogFiles.List(storage, folder);
    }

    private static void CheckPointInTime(List<UnpackedGroup> groups, RestoreOptions options)
    {
        if (options.PointInTime is not { } point) return;
        foreach (UnpackedGroup group in groups)
        {
            if (point >= group.Begin.CheckpointTime) continue;
            throw new MessageStoreException(ErrorIds.PointInTimeNotCovered, ErrorKind.InvalidArgument,
                $"The backup of group {group.Begin.Name} begins at {group.Begin.CheckpointTime.ToString("u", CultureInfo.InvariantCulture)}, after the point in time {point.ToUniversalTime():u}. Use an earlier backup.", point);
        }
    }

    private OwnerLock TakeOwnership(RestorePlan plan) =>
        OwnerLock.Take(storage, Path.Combine(plan.Destination, MailDatabase.LockFileName), "restore", clock, owner =>
            new MessageStoreException(ErrorIds.DatabaseInUse, ErrorKind.Busy,
                $"{plan.Destination} is in use by {(owner is null ? "another process" : $"process {owner.ProcessId}")}. Stop it before restoring in its place.", plan.Destination));
}
