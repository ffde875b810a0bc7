using System.Globalization;
using MessageStore.IO;
using MessageStore.Storage;

namespace MessageStore.Backups;

/// <summary>
/// Finds the backup that a restore begins with. Of a folder that is the newest complete one that holds all the groups and no drill has found bad; for a point in time the newest of these
/// whose images are not later and whose log goes as far, or else as far as there is one.
/// </summary>
internal static class RestoreSource
{
    /// <exception cref="MessageStoreException">BackupNotFound, PointInTimeNotCovered, InvalidParameter; for a single file whatever is wrong with it.</exception>
    public static string Find(IStorage storage, RestoreOptions options, TimeProvider clock)
    {
        Check(options);
        string path = Path.GetFullPath(options.BackupPath);
        if (!storage.FolderExists(path)) return BackupCatalog.Newest(storage, path, clock);
        List<BackupInfo> sets = Candidates(BackupCatalog.List(storage, path, clock), options);
        if (sets.Count == 0) return BackupCatalog.Newest(storage, path, clock);
        if (!options.HasPoint) return sets[0].Path;
        string? begun = null;
        foreach (BackupInfo set in sets)
        {
            if (!set.LsnRanges.All(r => IsIncluded(r.FirstLsn, r.FirstTime, options)) || !HasEarlierImages(storage, set, options)) continue;
            if (set.LsnRanges.All(r => Reaches(r, options))) return set.Path;
            begun ??= set.Path;
        }
        return begun ?? throw NotCovered(path, sets[^1], options);
    }

    private static void Check(RestoreOptions options)
    {
        if (options is { PointInTime: not null, Lsn: not null })
            throw new MessageStoreException(ErrorIds.InvalidParameter, ErrorKind.InvalidArgument, "Give a point in time or a transaction, not both.", options.Lsn);
        if (options.Lsn is not null && options.StorageGroups.Count != 1)
            throw new MessageStoreException(ErrorIds.InvalidParameter, ErrorKind.InvalidArgument,
                "Transactions are counted in each storage group by itself: name the one group that the transaction belongs to.", options.Lsn);
    }

    /// <summary>The sets that may be taken, the newest first: those of the database that the newest belongs to, with all the groups that are wanted.</summary>
    private static List<BackupInfo> Candidates(List<BackupInfo> listed, RestoreOptions options)
    {
        List<BackupInfo> good = listed.FindAll(b => b.IsComplete && b.IsChainWhole && !b.LastDrill.StartsWith(nameof(DrillResult.Failed), StringComparison.Ordinal));
        if (good.Count == 0) return [];
        List<BackupInfo> same = good.FindAll(b => b.DatabaseId == good[0].DatabaseId);
        // A set of some groups only is no backup of the database, however new it is.
        IReadOnlyList<string> wanted = options.StorageGroups.Count > 0 ? options.StorageGroups : [.. same.SelectMany(b => b.StorageGroups).Distinct()];
        List<BackupInfo> holding = same.FindAll(b => wanted.All(w => b.StorageGroups.Contains(w, StringComparer.OrdinalIgnoreCase)));
        return [.. (holding.Count > 0 ? holding : same).Select(b => b with { LsnRanges = [.. b.LsnRanges.Where(r => wanted.Contains(r.StorageGroup, StringComparer.OrdinalIgnoreCase))] })];
    }

    private static bool IsIncluded(ulong lsn, DateTimeOffset time, RestoreOptions options) => options.Lsn is { } last ? lsn <= last : time <= options.PointInTime;

    private static bool Reaches(BackupLsnRange range, RestoreOptions options) => options.Lsn is { } last ? range.LastLsn >= last : range.LastTime >= options.PointInTime;

    /// <summary>A set of logs begins with the images of a set below it: these must not be later than the point either.</summary>
    private static bool HasEarlierImages(IStorage storage, BackupInfo set, RestoreOptions options)
    {
        if (set.Kind != BackupKind.Logs) return true;
        BackupLabel images = BackupChain.Find(storage, set.Path).Labels.Last(l => l.Kind != BackupKind.Logs);
        return set.LsnRanges.All(r => images.Group(r.StorageGroup) is { } group && IsIncluded(group.CheckpointLsn, group.CheckpointTime, options));
    }

    private static MessageStoreException NotCovered(string path, BackupInfo oldest, RestoreOptions options)
    {
        BackupLsnRange first = options.Lsn is not null ? oldest.LsnRanges.MaxBy(r => r.FirstLsn)! : oldest.LsnRanges.MaxBy(r => r.FirstTime)!;
        string begins = string.Create(CultureInfo.InvariantCulture, $"the images of the oldest backup there show group {first.StorageGroup} after transaction {first.FirstLsn} of {first.FirstTime:u}");
        string point = options.Lsn is { } lsn ? string.Create(CultureInfo.InvariantCulture, $"transaction {lsn}") : options.PointInTime!.Value.ToUniversalTime().ToString("u", CultureInfo.InvariantCulture);
        return new MessageStoreException(ErrorIds.PointInTimeNotCovered, ErrorKind.InvalidArgument, $"Nothing in {path} goes back to {point}: {begins}. Name a folder with older backups.", path);
    }
}
