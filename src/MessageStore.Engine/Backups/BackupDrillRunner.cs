using System.Diagnostics;
using System.Globalization;
using System.Runtime.ExceptionServices;
using MessageStore.IO;
using MessageStore.Storage;

namespace MessageStore.Backups;

/// <summary>
/// Proves a backup by restoring it: every byte read and verified, unpacked to scratch, opened and replayed as a real restore would be, every message's SHA-256
/// compared, and the state of every group with the one recorded when the backup was made. Where something is wrong it says which messages that costs.
/// </summary>
internal sealed class BackupDrillRunner(IStorage storage, TimeProvider clock, IProgress<RunProgress>? progress, BackupKey? key = null)
{
    private const int SentencesShown = 5;

    /// <param name="scratchRoot">A folder with room for all that the backup holds.</param>
    /// <param name="timeLimit">After this time the drill is given up.</param>
    /// <exception cref="MessageStoreException">BackupNotFound, BackupKeyRequired, BackupKeyWrong. Everything else is a result.</exception>
    /// <exception cref="OperationCanceledException">The caller gave it up; nothing is kept.</exception>
    public BackupDrill Run(string path, string scratchRoot, TimeSpan? timeLimit, CancellationToken cancellationToken)
    {
        var watch = Stopwatch.StartNew();
        string scratch = Path.Combine(scratchRoot, "messagestore-drill-" + Guid.NewGuid().ToString("N")[..12]);
        using var limit = timeLimit is { } time ? new CancellationTokenSource(time, clock) : new CancellationTokenSource();
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        BackupDrill drill;
        try
        {
            drill = DrillOrReport(path, scratch, watch, either.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            drill = Inconclusive(path, string.Create(CultureInfo.InvariantCulture, $"The drill was not done within {timeLimit}: nothing is proved."));
        }
        catch (MessageStoreException error) when (error.ErrorId is not (ErrorIds.BackupNotFound or ErrorIds.BackupKeyRequired or ErrorIds.BackupKeyWrong))
        {
            drill = Inconclusive(path, error.Message);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            drill = Inconclusive(path, StorageErrors.Wrap(error, "restoring to scratch", scratchRoot).Message);
        }
        finally
        {
            TryDelete(scratch);
        }
        drill = drill with { Duration = watch.Elapsed };
        new DrillBook(storage, clock).Keep(drill);
        return drill;
    }

    private BackupDrill DrillOrReport(string path, string scratch, Stopwatch watch, CancellationToken cancellationToken)
    {
        try
        {
            return Drill(path, scratch, watch, cancellationToken);
        }
        catch (MessageStoreException error) when (error.Kind == ErrorKind.Damaged)
        {
            if (error.ErrorId == ErrorIds.BackupChainBroken && IsBaseAway(error.Target as string ?? path)) return Inconclusive(path, error.Message);
            TryDelete(scratch); // the rest needs no room
            return Failed(path, error.Message, cancellationToken);
        }
    }

    /// <summary>Whether the base of a set is not beside it: it may be sound, and somewhere else. One that is there and is not what it was is damage.</summary>
    private bool IsBaseAway(string path)
    {
        BackupLink? link = BackupLabel.Read(storage, path).Base;
        return link is not null && !storage.FileExists(Path.Combine(Path.GetDirectoryName(path)!, Path.GetFileName(link.Name)));
    }

    /// <summary>The result for a damaged backup: what is wrong, where, and which messages that costs.</summary>
    private BackupDrill Failed(string path, string reason, CancellationToken cancellationToken)
    {
        var failed = new BackupDrill { Path = path, Result = DrillResult.Failed, Reason = reason };
        try
        {
            DamageReport report = DamageReport.Make(storage, path, key, progress, cancellationToken);
            return failed with
            {
                Reason = $"{reason} {report.Sentence()}",
                Differences = report.LostCount + report.UnnamedCount,
                Damage = report.Damage,
                LostMessages = report.Lost,
            };
        }
        catch (Exception error) when (error is MessageStoreException or IOException or UnauthorizedAccessException)
        {
            return failed; // so damaged that it does not even say what it holds; that it is bad stands
        }
        catch (OperationCanceledException)
        {
            return failed with { Reason = $"{reason} There was no time to find out which messages that costs." };
        }
    }

    private BackupDrill Drill(string path, string scratch, Stopwatch watch, CancellationToken cancellationToken)
    {
        using var reader = new BackupReader(storage, path, key);
        storage.CreateFolder(scratch);
        long free = storage.FreeBytes(scratch);
        long needed = ChainNeeds.Bytes(storage, BackupChain.Find(storage, path), key, [.. reader.Groups]);
        if (free < needed)
            return Inconclusive(path, string.Create(CultureInfo.InvariantCulture, $"The drill needs {needed} bytes at {Path.GetDirectoryName(scratch)}; {free} are free."));
        UnpackTarget Choose(GroupSettings group) => new(group, Path.Combine(scratch, "store", group.Folder), Path.Combine(scratch, "logs", group.Folder));
        var device = new WatchedStorage(storage);
        List<UnpackedGroup> unpacked = new BackupUnpacker(storage, device, reader, key, progress) { IsReadNext = true }.Run(Choose, null, cancellationToken);
        // From here on the backup is as it was written: what goes wrong now is in what it holds, or in the device that it was unpacked to.
        try
        {
            BackupDrill drill = OpenAndCompare(path, device, reader, unpacked, watch, cancellationToken);
            return drill.Result == DrillResult.Verified || device.Failure is not { } failure ? drill : ScratchFailed(path, scratch, failure);
        }
        catch (MessageStoreException) when (device.Failure is not null)
        {
            return ScratchFailed(path, scratch, device.Failure);
        }
    }

    private static BackupDrill ScratchFailed(string path, string scratch, Exception failure) =>
        Inconclusive(path, StorageErrors.Wrap(failure, "reading what was restored to scratch", scratch).Message);

    private BackupDrill OpenAndCompare(string path, IStorage device, BackupReader reader, List<UnpackedGroup> unpacked, Stopwatch watch, CancellationToken cancellationToken)
    {
        var groups = new StorageGroup[unpacked.Count];
        try
        {
            InParallel(unpacked.Count, i =>
            {
                UnpackTarget target = unpacked[i].Target;
                groups[i] = StorageGroup.Open(device, MailDatabase.IdentityOf(reader.Header.Settings, target.Settings), new GroupOptions { Clock = clock }, target.StoreFolder, target.LogFolder);
            }, cancellationToken);
            return Compare(path, groups, unpacked, watch.Elapsed, cancellationToken);
        }
        finally
        {
            foreach (StorageGroup? group in groups) group?.Dispose();
        }
    }

    /// <summary>Does something with each group, on as many processors as there are; the first error comes out as it is.</summary>
    private static void InParallel(int groups, Action<int> work, CancellationToken cancellationToken)
    {
        try
        {
            Parallel.For(0, groups, new ParallelOptions { CancellationToken = cancellationToken, MaxDegreeOfParallelism = Environment.ProcessorCount }, work);
        }
        catch (AggregateException error)
        {
            ExceptionDispatchInfo.Throw(error.InnerExceptions[0]);
        }
    }

    private BackupDrill Compare(string path, StorageGroup[] groups, List<UnpackedGroup> unpacked, TimeSpan restored, CancellationToken cancellationToken)
    {
        long messages = 0, differences = 0;
        var reasons = new List<string>();
        var verified = new GroupVerification[groups.Length];
        InParallel(groups.Length, i =>
        {
            progress?.Report(new RunProgress("Comparing", groups[i].Name, i, groups.Length));
            verified[i] = GroupVerifier.Run(groups[i], cancellationToken);
        }, cancellationToken);
        for (int i = 0; i < groups.Length; i++)
        {
            GroupEndMark end = unpacked[i].End;
            GroupVerification found = verified[i];
            messages += found.Messages;
            differences += found.Damaged + Math.Abs(found.Messages - end.Messages);
            reasons.AddRange(found.Differences);
            if (groups[i].ClosedForWriting is { } closed) reasons.Add(closed.Message);
            if (groups[i].LastLsn != end.EndLsn) reasons.Add($"Group {groups[i].Name} ends at transaction {groups[i].LastLsn}; the backup recorded {end.EndLsn}.");
            if (found.Messages != end.Messages) reasons.Add($"Group {groups[i].Name} has {found.Messages} messages; the backup recorded {end.Messages}.");
            if (found.Digest.ToString("x32", CultureInfo.InvariantCulture) != end.StateDigest)
            {
                reasons.Add($"The state of group {groups[i].Name} differs from the one recorded.");
                differences = Math.Max(differences, 1);
            }
        }
        return new BackupDrill
        {
            Path = path,
            Result = reasons.Count == 0 ? DrillResult.Verified : DrillResult.Failed,
            Messages = messages,
            Differences = differences,
            RestoreDuration = restored,
            Reason = string.Join(" ", reasons.Take(SentencesShown)),
        };
    }

    private static BackupDrill Inconclusive(string path, string reason) => new() { Path = path, Result = DrillResult.Inconclusive, Reason = reason };

    private void TryDelete(string folder)
    {
        try
        {
            storage.DeleteFolder(folder);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // The result stands; what stays is named messagestore-drill-* and can be deleted by hand.
        }
    }
}
