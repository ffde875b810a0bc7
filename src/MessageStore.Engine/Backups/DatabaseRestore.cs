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
    internal delegate IReadOnlyList<string> KeysRestorer(string keysFolder, string? keysImage, OriginalKeys original, DatabaseSettings settings, string databasePath, IReadOnlyList<StorageGroup> groups);

    /// <summary>Whether the caller owns the database at the destination, which goes on serving: the groups that are restored until <see cref="TakeOutOfService"/>, all others throughout.</summary>
    public bool IsOwned { get; init; }

    /// <summary>Called when everything is unpacked, before the first surviving log is read: from then on nobody writes to what is there, or what was written would be left behind.</summary>
    public Action TakeOutOfService { get; init; } = static () => { };

    /// <exception cref="MessageStoreException">BackupNotFound, BackupDamaged, DestinationNotEmpty, GroupNotFound, PointInTimeNotCovered, LogDamaged, DiskFull.</exception>
    public RestoreRun Run(RestoreOptions options, KeysRestorer restoreKeys, CancellationToken cancellationToken)
    {
        var watch = Stopwatch.StartNew();
        string backup = RestoreSource.Find(storage, options, clock);
        using BackupKey? key = BackupKey.Open(storage, options.Key);
        if (!IsOwned) FolderSwap.Complete(storage, MailDatabase.SwapBeside(Path.GetFullPath(options.Destination))); // of a restore that was killed in its last moment
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

    /// <summary>Looks whether a restore could begin, and touches nothing.</summary>
    /// <exception cref="MessageStoreException">What <see cref="Run"/> throws before it begins.</exception>
    public void Check(RestoreOptions options)
    {
        using BackupKey? key = BackupKey.Open(storage, options.Key);
        using var reader = new BackupReader(storage, RestoreSource.Find(storage, options, clock), key);
        CheckLogs(reader, Plan(reader.Header, reader.Groups, options), options);
    }

    /// <summary>Logs that do not go on where the backup ends are refused before anything is unpacked.</summary>
    private void CheckLogs(BackupReader reader, RestorePlan plan, RestoreOptions options)
    {
        foreach (UnpackTarget target in plan.Targets)
            SurvivingLogs.After(storage, plan, target.Settings, reader.Contents.Groups.First(g => g.Begin.Name == target.Settings.Name).End, options);
    }

    private RestorePlan Plan(BackupHeader header, IReadOnlyList<string> groups, RestoreOptions options)
    {
        RestorePlan plan = RestorePlan.Make(storage, header, groups, options, clock);
        if (IsOwned && !plan.InPlace)
            throw new MessageStoreException(ErrorIds.InvalidParameter, ErrorKind.InvalidArgument,
                $"The backup is one of another database ({header.Database}). Restore it to a new place, and take messages from there.", options.BackupPath);
        return plan;
    }

    private RestoreRun RunWhole(string backup, BackupKey? key, RestoreOptions options, KeysRestorer restoreKeys, CancellationToken cancellationToken)
    {
        using var reader = new BackupReader(storage, backup, key);
        RestorePlan plan = Plan(reader.Header, reader.Groups, options);
        return InPlaceOf(plan, () =>
        {
            CheckLogs(reader, plan, options);
            List<UnpackedGroup> unpacked = new BackupUnpacker(storage, storage, reader, key, progress).Run(plan.Choose, plan.KeysImage, cancellationToken);
            CheckPointInTime(unpacked, options);
            TakeOutOfService();
            List<string> logs = [.. unpacked.Select(g => SurvivingLogs.WhyNone(storage, plan, g.Target.Settings, g.End, options)).OfType<string>()];
            foreach (UnpackedGroup group in unpacked) CopySurvivingLogs(group, plan, options, cancellationToken);
            RestoreRun run = Replay([.. unpacked.Select(g => g.Target)], plan, reader.Header, options, isAnew: false, restoreKeys, cancellationToken);
            return run with { Warnings = [.. EndsEarlier(unpacked, plan, options), .. logs, .. run.Warnings] };
        }, cancellationToken);
    }

    /// <summary>Lays out beside, by <paramref name="work"/>, and puts it in place; what went wrong before that leaves nothing behind.</summary>
    private RestoreRun InPlaceOf(RestorePlan plan, Func<RestoreRun> work, CancellationToken cancellationToken)
    {
        using IDisposable? owner = plan.TakeOwnership(storage, clock, IsOwned);
        try
        {
            foreach (string folder in plan.StagingFolders) DurableFolder.Create(storage, folder);
            RestoreRun run = work();
            cancellationToken.ThrowIfCancellationRequested();
            return run with { Path = plan.Destination, Warnings = [.. run.Warnings, .. plan.SwapIn(storage, keysServe: IsOwned)] };
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

    private RestoreRun Replay(List<UnpackTarget> targets, RestorePlan plan, BackupHeader header, RestoreOptions options, bool isAnew, KeysRestorer restoreKeys, CancellationToken cancellationToken)
    {
        var groups = new StorageGroup[targets.Count];
        try
        {
            Parallel.For(0, targets.Count, new ParallelOptions { CancellationToken = cancellationToken, MaxDegreeOfParallelism = Environment.ProcessorCount }, i =>
            {
                UnpackTarget target = targets[i];
                groups[i] = StorageGroup.Open(storage, MailDatabase.IdentityOf(plan.Settings, target.Settings), new GroupOptions { Clock = clock }, target.StoreFolder, target.LogFolder, options.Limit);
            });
            var warnings = new List<string>();
            foreach (StorageGroup group in groups)
            {
                if (group.ClosedForWriting is { } closed) throw closed;
                if (options.Lsn is { } last && group.LastLsn < last)
                    throw new MessageStoreException(ErrorIds.PointInTimeNotCovered, ErrorKind.InvalidArgument,
                        $"What is there of group {group.Name} ends at transaction {group.LastLsn}: backup and logs do not go on to {last}. Name the logs that do with -LogPath, or an earlier transaction.", last);
                progress?.Report(new RunProgress("Replayed", group.Name, group.ReplayedTransactions, group.ReplayedTransactions));
            }
            var said = new RecordCarrier(storage);
            said.Read(plan, groups, isAnew);
            // Whatever became of the original, what this one does from now on is something else, also where it takes the original's place.
            foreach (StorageGroup group in groups) group.BeginHistory(Guid.NewGuid(), isAnew);
            warnings.AddRange(said.Add(groups)); // before anything is deleted that a hold keeps
            warnings.AddRange(restoreKeys(plan.KeysFolder, plan.KeysImage, plan.OriginalKeys, plan.Settings, plan.Destination, groups));
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
    private void CopySurvivingLogs(UnpackedGroup group, RestorePlan plan, RestoreOptions options, CancellationToken cancellationToken)
    {
        List<LogFile> later = SurvivingLogs.After(storage, plan, group.Target.Settings, group.End, options);
        if (later.Count == 0) return;
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

    private static void CheckPointInTime(List<UnpackedGroup> groups, RestoreOptions options)
    {
        foreach (UnpackedGroup group in groups)
        {
            if (options.PointInTime is { } point && point < group.Begin.CheckpointTime)
                throw new MessageStoreException(ErrorIds.PointInTimeNotCovered, ErrorKind.InvalidArgument,
                    $"The backup of group {group.Begin.Name} begins at {group.Begin.CheckpointTime.ToString("u", CultureInfo.InvariantCulture)}, after the point in time {point.ToUniversalTime():u}. Use an earlier backup.", point);
            if (options.Lsn is { } last && last < group.Begin.CheckpointLsn)
                throw new MessageStoreException(ErrorIds.PointInTimeNotCovered, ErrorKind.InvalidArgument,
                    $"The images of the backup show group {group.Begin.Name} after transaction {group.Begin.CheckpointLsn}, which is later than {last}. Use an earlier backup.", last);
        }
    }

    /// <summary>A sentence for each group whose backup ends before the point in time that was asked for, where no logs say what came then.</summary>
    private static IEnumerable<string> EndsEarlier(List<UnpackedGroup> groups, RestorePlan plan, RestoreOptions options) =>
        plan.SurvivingLogs is not null || options.PointInTime is not { } point ? [] : groups.Where(g => g.End.EndTime < point).Select(g =>
            $"The backup of group {g.Target.Settings.Name} ends with a transaction of {g.End.EndTime.ToString("u", CultureInfo.InvariantCulture)}, before the point in time. If there were later ones, they are missing: name the logs that have them with -LogPath.");
}
