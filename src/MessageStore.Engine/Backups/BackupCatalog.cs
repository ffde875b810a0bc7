using MessageStore.IO;

namespace MessageStore.Backups;

/// <summary>Finds backups. What it says comes from header and trailer; that a backup is good is only for the drill to say.</summary>
internal static class BackupCatalog
{
    /// <summary>The backups at a path, newest first: one file, or all of a folder, incomplete ones included.</summary>
    /// <exception cref="MessageStoreException">PathNotFound.</exception>
    public static List<BackupInfo> List(IStorage storage, string path, TimeProvider clock)
    {
        path = Path.GetFullPath(path);
        if (storage.FileExists(path)) return [Describe(storage, path, clock) is { IsComplete: true } whole ? WithChain(storage, whole) : Describe(storage, path, clock)];
        if (!storage.FolderExists(path)) throw new MessageStoreException(ErrorIds.PathNotFound, ErrorKind.NotFound, $"There is no file or folder {path}.", path);
        List<BackupInfo> found = [.. storage.ListFiles(path)
            .Where(f => f.EndsWith(BackupSession.Extension, StringComparison.OrdinalIgnoreCase) || f.EndsWith(BackupSession.Extension + BackupSession.PartialSuffix, StringComparison.OrdinalIgnoreCase))
            .Select(f => Describe(storage, f, clock))
            .OrderByDescending(b => b.Started)];
        return [.. found.Select(b => b.IsComplete ? WithChain(storage, b) : b)];
    }

    /// <summary>Says whether all is there that a set stands on, and what is not.</summary>
    private static BackupInfo WithChain(IStorage storage, BackupInfo backup)
    {
        if (backup.BaseId is null) return backup with { IsChainWhole = true };
        try
        {
            BackupChain.Find(storage, backup.Path);
            return backup with { IsChainWhole = true };
        }
        catch (MessageStoreException error)
        {
            return backup with { Reason = error.Message };
        }
    }

    /// <summary>The newest complete backup at a path that no drill has found bad.</summary>
    /// <exception cref="MessageStoreException">BackupNotFound, and for a single file whatever is wrong with it.</exception>
    public static string Newest(IStorage storage, string path, TimeProvider clock)
    {
        path = Path.GetFullPath(path);
        if (storage.FileExists(path)) return path;
        if (!storage.FolderExists(path)) throw new MessageStoreException(ErrorIds.BackupNotFound, ErrorKind.NotFound, $"There is no backup {path}.", path);
        return List(storage, path, clock).Find(b => b.IsComplete && !b.LastDrill.StartsWith(nameof(DrillResult.Failed), StringComparison.Ordinal))?.Path
            ?? throw new MessageStoreException(ErrorIds.BackupNotFound, ErrorKind.NotFound, $"There is no complete backup in {path} that passed its last drill or had none.", path);
    }

    private static BackupInfo Describe(IStorage storage, string path, TimeProvider clock)
    {
        try
        {
            BackupLabel label = BackupLabel.Read(storage, path);
            bool partial = path.EndsWith(BackupSession.PartialSuffix, StringComparison.OrdinalIgnoreCase);
            return new BackupInfo
            {
                Path = path,
                Id = label.Id,
                DatabaseId = label.DatabaseId,
                Database = label.Database,
                Kind = label.Kind,
                BaseId = label.Base?.Id,
                ChainId = label.Chain,
                Depth = label.Depth,
                Started = label.Started,
                Age = clock.GetUtcNow() - label.Started,
                StorageGroups = label.Groups.Select(g => g.Name).ToArray(),
                LsnRanges = label.Groups.Select(g => new BackupLsnRange { StorageGroup = g.Name, FirstLsn = g.CheckpointLsn, FirstTime = g.CheckpointTime, LastLsn = g.EndLsn, LastTime = g.EndTime }).ToArray(),
                Messages = label.Messages,
                PatchTransactions = label.PatchTransactions,
                Bytes = storage.FileLength(path),
                IsComplete = !partial,
                LastDrill = DrillBook.Describe(storage, path),
                Reason = partial ? "The session did not come to name the file." : "",
            };
        }
        catch (MessageStoreException error)
        {
            return new BackupInfo { Path = path, Bytes = storage.FileExists(path) ? storage.FileLength(path) : 0, Reason = error.Message };
        }
    }
}
