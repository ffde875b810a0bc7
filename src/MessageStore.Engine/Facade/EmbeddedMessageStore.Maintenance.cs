using System.Diagnostics;
using System.Runtime.CompilerServices;
using MessageStore.Backups;
using MessageStore.Maintenance;

namespace MessageStore;

internal sealed partial class EmbeddedMessageStore
{
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

        if (task == MaintenanceTask.Archive && options.Archive is null && Policies().Count == 0)
            return Decided(MaintenanceDecision.Skipped, "no archive criteria were given, and no policy is set");
        try
        {
            using MaintenanceLock turn = await MaintenanceLock.TakeAsync(database.Storage, Path, task, database.Clock, options.Wait, cancellationToken).ConfigureAwait(false);
            if (task == MaintenanceTask.Archive)
            {
                ArchiveRun run = await ArchiveHeldAsync(options.Archive ?? new ArchiveOptions { UsePolicies = true }, progress, cancellationToken).ConfigureAwait(false);
                return run.Failed > 0
                    ? Decided(MaintenanceDecision.Failed, $"{run.Failed} messages in {run.Receipts.Count(r => r.Failed > 0)} mailboxes could not be moved", run.Id, run)
                    : Decided(MaintenanceDecision.Ran, why, run.Id, run);
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
}
