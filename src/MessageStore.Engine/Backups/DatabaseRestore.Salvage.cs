using MessageStore.IO;
using MessageStore.Storage;

namespace MessageStore.Backups;

internal sealed partial class DatabaseRestore
{
    /// <summary>Brings what is whole in a damaged backup, and in logs that survived, and lists what is not.</summary>
    private RestoreRun RunSalvage(string backup, BackupKey? key, MessageStoreException damage, RestoreOptions options, KeysRestorer restoreKeys, CancellationToken cancellationToken)
    {
        using var content = BackupContent.Open(storage, backup, key, verify: true, cancellationToken);
        RestorePlan plan = Plan(content.Header, content.Groups, options);
        var report = new DamageReport();
        report.Add(content.Damage);
        return InPlaceOf(plan, () =>
        {
            TakeOutOfService(); // logs and images are read together, message by message
            var targets = new List<UnpackTarget>();
            foreach (string name in content.Groups)
            {
                if (plan.Choose(content.Header.Settings.StorageGroups.First(g => g.Name == name)) is not { } target) continue;
                targets.Add(target);
                Salvage(content, target, plan, options, report, cancellationToken);
            }
            WriteKeys(content.Keys, plan.KeysImage);
            // The point in time is in what was salvaged already; its transactions are all from now.
            RestoreRun run = Replay(targets, plan, content.Header, options with { PointInTime = null, Lsn = null }, isAnew: true, restoreKeys, cancellationToken);
            return run with
            {
                ReplayedTransactions = 0,
                Lost = report.LostCount + report.UnnamedCount,
                LostMessages = report.Lost,
                Damage = report.Damage,
                Warnings = [damage.Message, report.Sentence(), .. run.Warnings],
            };
        }, cancellationToken);
    }

    private void Salvage(BackupContent content, UnpackTarget target, RestorePlan plan, RestoreOptions options, DamageReport report, CancellationToken cancellationToken)
    {
        var logs = new List<IStorageFile>();
        try
        {
            List<LogFile> survived = plan.SurvivingLogsOf(storage, target.Settings, out string folder);
            // Where it is not known which history the backup ends in, nobody can say that the logs are of another.
            if (content.EndOf(target.Settings.Name) is { } end) SurvivingLogs.CheckHistories(storage, survived.Where(l => l.FirstLsn > end.EndLsn), target.Settings, end, folder);
            foreach (LogFile log in survived) logs.Add(storage.Open(log.Path, FileAccessKind.Read));
            using BackupGroupView view = content.Open(target.Settings.Name, logs, options.Limit, cancellationToken);
            new GroupSalvage(storage, clock, progress).Run(view, target, report, cancellationToken);
            report.Count(view, logs.Count == 0 && !options.HasPoint ? content.RecordedMessages(target.Settings.Name) : null);
        }
        finally
        {
            foreach (IStorageFile log in logs) log.Dispose();
        }
    }

    private void WriteKeys(PiecedFile keys, string path)
    {
        if (keys.Length == 0) return;
        using IStorageFile copy = storage.Open(path, FileAccessKind.CreateOrTruncate);
        byte[] block = new byte[BackupWriter.ChunkBytes];
        int read;
        for (long offset = 0; (read = keys.ReadFully(block, offset)) > 0; offset += read) copy.Write(block.AsSpan(0, read), offset);
        copy.Flush();
    }
}
