using MessageStore.Backups;
using MessageStore.IO;
using MessageStore.Maintenance;
using MessageStore.Storage;

namespace MessageStore;

/// <summary>
/// Lets a restored database know which backup it came from, so that the age of its newest backup is that one's: a mark in each group's log, and a receipt that says where the file is.
/// </summary>
internal sealed class RestoredFrom(IStorage storage, TimeProvider clock, string backupPath)
{
    private (string Path, BackupLabel Label)? source;

    /// <summary>Marks the groups while the restored database is still in the making, and then does what else there is to do with them.</summary>
    public DatabaseRestore.KeysRestorer MarkAnd(DatabaseRestore.KeysRestorer then) => (keysFolder, keysImage, original, settings, databasePath, groups) =>
    {
        Mark(groups);
        return then(keysFolder, keysImage, original, settings, databasePath, groups);
    };

    /// <summary>Writes the receipt, where the database does not have it.</summary>
    /// <returns>The run, with a warning where that was not possible: the database itself is in its place.</returns>
    public RestoreRun Note(RestoreRun run)
    {
        try
        {
            Save(run.Path);
            return run;
        }
        catch (MessageStoreException error)
        {
            return run with { Warnings = [.. run.Warnings, error.Message] };
        }
    }

    private void Mark(IReadOnlyList<StorageGroup> groups)
    {
        try
        {
            string path = BackupCatalog.Newest(storage, backupPath, clock);
            source = (path, BackupLabel.Read(storage, path));
        }
        catch (MessageStoreException error) when (error.Kind == ErrorKind.Damaged)
        {
            return; // what was saved of a damaged backup is not what that backup would hold
        }
        BackupLabel label = source.Value.Label;
        foreach (StorageGroup group in groups)
        {
            if (label.Group(group.Name) is not { } held || group.LastBackup?.StartedTicks >= label.Started.UtcTicks) continue;
            // Restored to a point in time before its end, the backup holds what came up to there and not what will come now.
            group.BackedUpAsync(new BackupMark(label.Id, Math.Min(held.EndLsn, group.LastLsn), label.Started.UtcTicks)).GetAwaiter().GetResult();
        }
    }

    private void Save(string databasePath)
    {
        if (source is not { } from) return;
        var records = new RunRecords(storage, databasePath);
        if (records.Find<BackupRun>("backup", from.Label.Started, from.Label.Id) is not null) return;
        records.Save("backup", from.Label.Started, from.Label.Id, new BackupRun
        {
            Id = from.Label.Id,
            Path = from.Path,
            Copies = [new BackupCopy { Path = from.Path, IsComplete = true }],
            Chain = [.. BackupChain.Find(storage, from.Path).Paths.SkipLast(1).Select(p => Path.GetFileName(p)!)],
            Database = from.Label.Database,
            Kind = from.Label.Kind,
            Started = from.Label.Started,
            StorageGroups = [.. from.Label.Groups.Select(g => g.Name)],
            Messages = from.Label.Messages,
            PatchTransactions = from.Label.PatchTransactions,
            Bytes = from.Label.Bytes,
            Reason = "restored from it",
        });
    }
}
