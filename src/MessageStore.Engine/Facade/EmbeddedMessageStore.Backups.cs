using System.Runtime.CompilerServices;
using MessageStore.Backups;
using MessageStore.IO;
using MessageStore.Maintenance;

namespace MessageStore;

internal sealed partial class EmbeddedMessageStore
{
    public async IAsyncEnumerable<BackupRetention> RemoveBackupsAsync(BackupRetentionOptions options, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await Task.CompletedTask.ConfigureAwait(false);
        // A session may be building upon the very set that is due.
        using MaintenanceLock? turn = options.DryRun ? null : MaintenanceLock.Take(database.Storage, Path, MaintenanceTask.Backup, database.Clock);
        string folder = System.IO.Path.GetFullPath(options.Path ?? Mail.BackupPath);
        foreach (BackupRetention removal in new BackupPruner(database.Storage, database.Clock).Run(folder, Mail.Settings.DatabaseId, options))
        {
            yield return removal;
            cancellationToken.ThrowIfCancellationRequested();
        }
    }

    public IAsyncEnumerable<ContinuousBackupEvent> BackupContinuouslyAsync(ContinuousBackupOptions options, IProgress<RunProgress>? progress = null, CancellationToken cancellationToken = default) =>
        new ContinuousBackup(Mail, database.Storage, database.Clock)
        {
            BackUp = async (backup, token) =>
            {
                using MaintenanceLock turn = await MaintenanceLock.TakeAsync(database.Storage, Path, MaintenanceTask.Backup, database.Clock, ContinuousBackup.LongestWait, token).ConfigureAwait(false);
                return await BackupHeldAsync(backup, progress, token).ConfigureAwait(false);
            },
            Age = async token => (await GetStatusAsync(token).ConfigureAwait(false)).BackupAge,
            Log = SystemLog.Of(database.Clock),
        }.RunAsync(options, cancellationToken);
}
