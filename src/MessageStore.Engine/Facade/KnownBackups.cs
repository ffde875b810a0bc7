using MessageStore.Backups;
using MessageStore.IO;
using MessageStore.Maintenance;
using MessageStore.Storage;

namespace MessageStore;

/// <summary>
/// How old the newest backup of a group is that is still there. The group's log says which set that should be; the set's receipt says where it went; and there a file must be, with all that
/// it stands on, that no drill has found bad.
/// </summary>
internal sealed class KnownBackups(IStorage storage, MailDatabase database, TimeProvider clock)
{
    private List<BackupInfo>? listed;

    /// <summary>The status with the true age, and with a warning where the newest backup is gone.</summary>
    public StorageGroupStatus Refine(StorageGroupStatus status, BackupMark? mark)
    {
        if (mark is null) return status;
        string missing = WhyGone(mark);
        if (missing.Length == 0) return status;
        BackupInfo? other = Listed().Find(b => b.IsComplete && b.IsChainWhole && b.DatabaseId == database.Settings.DatabaseId && b.StorageGroups.Contains(status.Name)
            && !b.LastDrill.StartsWith(nameof(DrillResult.Failed), StringComparison.Ordinal));
        string rest = other is null ? "No other is at the backup path: back up now." : $"The newest that is whole is {other.Path}.";
        return status with
        {
            BackupAge = other?.Age,
            Warning = string.Join(' ', ((string[])[status.Warning, $"{missing} {rest}"]).Where(w => w.Length > 0)),
        };
    }

    /// <summary>What is wrong with a set; empty where one of its copies is there.</summary>
    private string WhyGone(BackupMark mark)
    {
        try
        {
            var started = new DateTimeOffset(mark.StartedTicks, TimeSpan.Zero);
            // Without a receipt nobody knows where to look, as after the loss of the database folder: it may be anywhere, or here.
            if (new RunRecords(storage, database.Path).Find<BackupRun>("backup", started, mark.Id) is not { } run)
                return Listed().Exists(b => b.Id == mark.Id) ? "" : $"The newest backup ({mark.Id} of {started:u}) is not at the backup path, and there is no receipt that says where it went.";
            string first = "";
            foreach (BackupCopy copy in run.Copies.Where(c => c is { IsComplete: true, IsStream: false }))
            {
                string reason = WhyGone(copy, run);
                if (reason.Length == 0) return "";
                first = first.Length == 0 ? reason : first;
            }
            return first;
        }
        catch (Exception error) when (error is MessageStoreException or IOException or UnauthorizedAccessException)
        {
            return StorageErrors.Wrap(error, "looking at the backups", database.BackupPath).Message;
        }
    }

    private string WhyGone(BackupCopy copy, BackupRun run)
    {
        string folder = System.IO.Path.GetDirectoryName(copy.Path)!;
        foreach (string path in run.Chain.Select(name => System.IO.Path.Combine(folder, name)).Append(copy.Path))
        {
            if (!storage.FileExists(path)) return path == copy.Path ? $"The newest backup, {path}, is gone." : $"The newest backup, {copy.Path}, stands on {path}, which is gone.";
            if (DrillBook.Describe(storage, path).StartsWith(nameof(DrillResult.Failed), StringComparison.Ordinal)) return $"The drill of {path} failed.";
        }
        return "";
    }

    private List<BackupInfo> Listed()
    {
        try
        {
            return listed ??= storage.FolderExists(database.BackupPath) ? BackupCatalog.List(storage, database.BackupPath, clock) : [];
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw StorageErrors.Wrap(error, "looking at the backups", database.BackupPath);
        }
    }
}
