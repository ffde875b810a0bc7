using MessageStore.Backups;
using MessageStore.IO;
using MessageStore.Maintenance;
using MessageStore.Storage;

namespace MessageStore;

internal sealed partial class EmbeddedMessageStore
{
    public Task<RestoreRun> RestoreGroupsAsync(RestoreOptions options, IProgress<RunProgress>? progress = null, CancellationToken cancellationToken = default) =>
        Task.Run(() => RestoreGroups(options with { Destination = Path }, progress, cancellationToken), cancellationToken);

    private RestoreRun RestoreGroups(RestoreOptions options, IProgress<RunProgress>? progress, CancellationToken cancellationToken)
    {
        if (options.StorageGroups.Count == 0)
            throw new MessageStoreException(ErrorIds.InvalidParameter, ErrorKind.InvalidArgument, "Name the storage groups to be restored. A whole database is restored while nobody has it open.", Path);
        if (!options.Force)
            throw new MessageStoreException(ErrorIds.DestinationNotEmpty, ErrorKind.AlreadyExists,
                $"{Path} has the storage groups {string.Join(", ", options.StorageGroups)}. Use -Force: what they hold is then moved aside.", Path);
        // Neither archive nor backup may have a group in hand that goes away.
        using MaintenanceLock turn = MaintenanceLock.Take(database.Storage, Path, "restore", database.Clock);
        try
        {
            options = options with { BackupPath = RestoreSource.Find(database.Storage, options, database.Clock) };
            options = options with { StorageGroups = [.. options.StorageGroups.Select(Mail.SettingsOf).Select(g => g.Name).Distinct()] };
            bool isOut = false;
            var restore = new DatabaseRestore(database.Storage, database.Clock, progress)
            {
                IsOwned = true,
                TakeOutOfService = () =>
                {
                    isOut = true;
                    Mail.TakeOutOfService(options.StorageGroups);
                    database.Search.Follow(Mail.Groups);
                },
            };
            if (!options.SkipDamaged) restore.Check(options);
            RestoreRun run;
            var held = new List<IDisposable>();
            try
            {
                // The logs that are to survive must be there still when the images are unpacked.
                foreach (StorageGroup group in Mail.Groups.Where(g => options.StorageGroups.Contains(g.Name))) held.Add(group.HoldLogs(cancellationToken));
                run = RestoreGroups(restore, options, cancellationToken);
            }
            finally
            {
                foreach (IDisposable hold in held) hold.Dispose();
                if (isOut)
                {
                    Mail.PutIntoService(options.StorageGroups);
                    database.Search.Follow(Mail.Groups);
                }
            }
            foreach (string group in run.StorageGroups) Mail.Group(group); // restored, but not open: its reason is the error
            return run;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw StorageErrors.Wrap(error, "restoring", Path);
        }
    }

    private RestoreRun RestoreGroups(DatabaseRestore restore, RestoreOptions options, CancellationToken cancellationToken)
    {
        var from = new RestoredFrom(database.Storage, database.Clock, options.BackupPath);
        DatabaseRestore.KeysRestorer keys = (keysFolder, _, _, settings, databasePath, groups) =>
        {
            CheckMailboxes(groups);
            return new KeysRestore(database.Storage, database.Clock).RunBeside(database.Keys, keysFolder, settings, databasePath, groups);
        };
        return from.Note(restore.Run(options, options.SkipDamaged ? keys : from.MarkAnd(keys), cancellationToken));
    }

    /// <summary>A mailbox that came back beside another of its name would split a user's mail.</summary>
    private void CheckMailboxes(IReadOnlyList<StorageGroup> restored)
    {
        foreach (StorageGroup group in restored)
            foreach (string name in group.MailboxNames())
                if (Mail.GroupOf(name) is { } other)
                    throw new MessageStoreException(ErrorIds.MailboxExists, ErrorKind.AlreadyExists,
                        $"Mailbox '{name}' was in storage group {group.Name} when the backup was made and is in {other.Name} now. Restore to a new place, and take its messages from there with Restore-StoredMessage.", name);
    }
}
