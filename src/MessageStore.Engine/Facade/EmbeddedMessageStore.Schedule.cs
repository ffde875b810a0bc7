using MessageStore.Backups;
using MessageStore.Maintenance;

namespace MessageStore;

internal sealed partial class EmbeddedMessageStore
{
    public async Task<MaintenancePlan> GetMaintenancePlanAsync(CancellationToken cancellationToken = default)
    {
        DateTimeOffset now = database.Clock.GetUtcNow();
        if (ScheduleFile.Load(database.Storage, Path) is not { } file) return new MaintenancePlan { Time = now };
        TimeSpan? age = (await GetStatusAsync(cancellationToken).ConfigureAwait(false)).BackupAge;
        ScheduleDecision decision = SchedulePlanner.Decide(file.Schedule, ScheduledMaintenance.View(file, new MaintenanceHistory(database.Storage, Path).Recent(), age, database.Clock));
        MaintenanceScheduleInfo info = ServerScheduler.Describe(file.Schedule);
        return new MaintenancePlan
        {
            Time = now,
            Schedule = info with { Tasks = [.. info.Tasks.Select(task => With(task, task.Task == MaintenanceTask.Archive ? decision.Archive : decision.Backup))] },
            Due = decision.Task,
            MaximumBackupAge = SchedulePlanner.LimitOf(file.Schedule),
        };

        static MaintenanceScheduleTask With(MaintenanceScheduleTask task, TaskOutlook outlook) => task with { NextRun = outlook.Next, Reason = outlook.Reason };
    }

    /// <summary>Keeps the schedule in <c>schedule.json</c> for as long as it is not cancelled: for the server that owns the database.</summary>
    internal IAsyncEnumerable<MaintenanceRecord> RunScheduleAsync(Action<MessageStoreException> trouble, CancellationToken cancellationToken) =>
        new ScheduledMaintenance(database.Storage, Path, database.Clock)
        {
            Run = (run, token) => RunScheduledAsync(run, token),
            Age = async token => (await GetStatusAsync(token).ConfigureAwait(false)).BackupAge,
            Trouble = trouble,
        }.RunAsync(cancellationToken);

    private async Task<MaintenanceRecord> RunScheduledAsync(ScheduledRun run, CancellationToken cancellationToken)
    {
        MaintenanceSchedule schedule = run.Schedule;
        bool hasCriterion = schedule.OlderThan is not null || schedule.ReadState != ReadState.Any;
        BackupKeySource? key = schedule.KeyFile is { } file ? new BackupKeySource { KeyFile = file } : null;
        // After a failure everything is written anew: what the next set would stand on may be what is wrong.
        (BackupKind kind, string reason) = run.Task == MaintenanceTask.Archive ? (default, "")
            : run.Failures > 0 ? (BackupKind.Full, "full, because the last one failed")
            : ContinuousBackup.Choose(Mail, database.Storage, database.Clock, new ContinuousBackupOptions { Backup = new BackupOptions { Key = key } });
        var options = new MaintenanceOptions
        {
            Archive = hasCriterion ? new ArchiveOptions { OlderThan = schedule.OlderThan, ReadState = schedule.ReadState, RetainFor = schedule.RetainFor } : null,
            SkipExpiry = schedule.SkipExpiry,
            Backup = new BackupOptions { Kind = kind, Key = key },
        };
        return await TakeTurnAsync(run.Task, options, reason is "" or "due" ? run.Reason : $"{run.Reason}; {reason}", null, cancellationToken).ConfigureAwait(false);
    }
}
