using System.Diagnostics;
using System.Runtime.CompilerServices;
using MessageStore.Backups;
using MessageStore.Keys;
using MessageStore.Maintenance;

namespace MessageStore;

internal sealed partial class EmbeddedMessageStore
{
    private const string NoCriteria = "no archive criteria were given, and no policy is set";

    public async Task<BackupRun> BackupAsync(BackupOptions options, IProgress<RunProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        using MaintenanceLock turn = MaintenanceLock.Take(database.Storage, Path, MaintenanceTask.Backup, database.Clock);
        return await BackupHeldAsync(options, progress, cancellationToken).ConfigureAwait(false);
    }

    private async Task<BackupRun> BackupHeldAsync(BackupOptions options, IProgress<RunProgress>? progress, CancellationToken cancellationToken)
    {
        var session = new BackupSession(Mail, database.Storage, database.WriteKeyImage, database.Clock, progress);
        BackupRun run = await Task.Run(() => session.RunAsync(options, cancellationToken), cancellationToken).ConfigureAwait(false);
        new RunRecords(database.Storage, Path).Save("backup", run.Started, run.Id, run);
        return run;
    }

    public async IAsyncEnumerable<BackupInfo> ListBackupsAsync(string? path = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await Task.CompletedTask.ConfigureAwait(false);
        foreach (BackupInfo info in BackupCatalog.List(database.Storage, path ?? Mail.BackupPath, database.Clock))
        {
            cancellationToken.ThrowIfCancellationRequested();
            yield return info;
        }
    }

    public async IAsyncEnumerable<MaintenanceRecord> MaintainAsync(MaintenanceOptions options, IProgress<RunProgress>? progress = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var history = new MaintenanceHistory(database.Storage, Path);
        for (int cycle = 0; cycle < Math.Max(1, options.Cycles); cycle++)
        {
            foreach (MaintenanceTask task in (MaintenanceTask[])[MaintenanceTask.Archive, MaintenanceTask.Backup])
            {
                if (options.Task is { } only && task != only) continue;
                MaintenanceRecord record = TooEarly(task, options, history) ?? await TakeTurnAsync(task, options, "due", progress, cancellationToken).ConfigureAwait(false);
                history.Add(record);
                yield return record;
            }
        }
    }

    public async IAsyncEnumerable<MaintenanceRecord> ListHistoryAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await Task.CompletedTask.ConfigureAwait(false);
        foreach (MaintenanceRecord record in new MaintenanceHistory(database.Storage, Path).NewestFirst())
        {
            cancellationToken.ThrowIfCancellationRequested();
            yield return record;
        }
    }

    private MaintenanceRecord? TooEarly(MaintenanceTask task, MaintenanceOptions options, MaintenanceHistory history)
    {
        DateTimeOffset now = database.Clock.GetUtcNow();
        TimeSpan interval = task == MaintenanceTask.Archive ? options.ArchiveInterval : options.BackupInterval;
        return history.LastRun(task) is { } last && now - last < interval
            ? new MaintenanceRecord { Time = now, Task = task, Decision = MaintenanceDecision.Skipped, Reason = $"the last one began {last:u}, less than {interval} ago" }
            : null;
    }

    private async Task<MaintenanceRecord> TakeTurnAsync(MaintenanceTask task, MaintenanceOptions options, string why, IProgress<RunProgress>? progress, CancellationToken cancellationToken)
    {
        DateTimeOffset now = database.Clock.GetUtcNow();
        var watch = Stopwatch.StartNew();
        MaintenanceRecord Decided(MaintenanceDecision decision, string reason, Guid? run = null, object? result = null) =>
            new() { Time = now, Task = task, Decision = decision, Reason = reason, RunId = run, Duration = watch.Elapsed, Result = result };

        bool hasCriteria = options.Archive is not null || Policies().Count > 0;
        if (task == MaintenanceTask.Archive && !hasCriteria && (options.SkipExpiry || !IsAnythingDue(now)))
            return Decided(MaintenanceDecision.Skipped, NoCriteria);
        try
        {
            using MaintenanceLock turn = await MaintenanceLock.TakeAsync(database.Storage, Path, task, database.Clock, options.Wait, cancellationToken).ConfigureAwait(false);
            if (task == MaintenanceTask.Archive)
            {
                ArchiveRun? run = hasCriteria ? await ArchiveHeldAsync(options.Archive ?? new ArchiveOptions { UsePolicies = true }, progress, cancellationToken).ConfigureAwait(false) : null;
                (ExpiryRun? expiry, string trouble) = options.SkipExpiry ? (null, "") : await TryExpireAsync(new ExpiryOptions { DryRun = options.Archive is { DryRun: true } }, progress, cancellationToken).ConfigureAwait(false);
                string archived = run is null ? NoCriteria
                    : run.Failed > 0 ? $"{run.Failed} messages in {run.Receipts.Count(r => r.Failed > 0)} mailboxes could not be moved" : why;
                bool failed = run is { Failed: > 0 } || expiry is { Failed: > 0 } || trouble.Length > 0;
                return Decided(failed ? MaintenanceDecision.Failed : MaintenanceDecision.Ran, $"{archived}{Describe(expiry)}{trouble}", run?.Id ?? expiry?.Id, run) with { Expiry = expiry };
            }
            BackupRun backup = await BackupHeldAsync(options.Backup, progress, cancellationToken).ConfigureAwait(false);
            return Decided(MaintenanceDecision.Ran, why, backup.Id, backup);
        }
        catch (MessageStoreException error) when (error.ErrorId == ErrorIds.MaintenanceRunning)
        {
            return Decided(MaintenanceDecision.Skipped, error.Message);
        }
        catch (MessageStoreException error)
        {
            return Decided(MaintenanceDecision.Failed, error.Message);
        }
    }

    private bool IsAnythingDue(DateTimeOffset now) => database.Keys.List(new KeyQuery { DueAt = now }).Any();

    /// <summary>Removes what has expired; what was archived before stays archived where that fails.</summary>
    /// <returns>The run, or why there is none, for the record.</returns>
    private async Task<(ExpiryRun? Run, string Trouble)> TryExpireAsync(ExpiryOptions options, IProgress<RunProgress>? progress, CancellationToken cancellationToken)
    {
        try
        {
            return (await ExpireHeldAsync(options, progress, cancellationToken).ConfigureAwait(false), "");
        }
        catch (MessageStoreException error)
        {
            return (null, $"; what has expired was not removed: {error.Message}");
        }
    }

    /// <summary>What the record says of a removal; nothing where nothing had expired.</summary>
    private static string Describe(ExpiryRun? expiry)
    {
        if (expiry is null) return "";
        string said = expiry.Removed > 0 ? $"; {expiry.Removed} expired messages removed" : "";
        if (expiry.Held > 0) said += $"; {expiry.Held} expired messages kept by holds";
        if (expiry.Reclaimed > 0) said += $"; {expiry.Reclaimed} records of deleted messages given up";
        if (expiry.Failed > 0) said += $"; {expiry.Failed} expired messages in {expiry.Receipts.Count(r => r.Failed > 0)} mailboxes could not be removed: {expiry.Receipts.First(r => r.Failed > 0).Reason}";
        return said;
    }
}
