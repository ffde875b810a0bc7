using System.Globalization;
using MessageStore.IO;
using MessageStore.Storage;

namespace MessageStore.Backups;

/// <summary>The logs of a lost database that go on where a backup of it ends.</summary>
internal static class SurvivingLogs
{
    /// <summary>The files that follow, in order; none where nothing survived, or nothing behind the backup is wanted.</summary>
    /// <exception cref="MessageStoreException">LogOfAnotherHistory; LogMissing: they begin later than the backup ends.</exception>
    public static List<LogFile> After(IStorage storage, RestorePlan plan, GroupSettings group, GroupEndMark end, RestoreOptions options)
    {
        if (options.Lsn <= end.EndLsn || options.PointInTime < end.EndTime) return [];
        List<LogFile> later = [.. plan.SurvivingLogsOf(storage, group, out string folder).Where(f => f.FirstLsn > end.EndLsn)];
        CheckHistories(storage, later, group, end, folder);
        if (later.Count == 0 || later[0].FirstLsn == end.EndLsn + 1) return later;
        throw new MessageStoreException(ErrorIds.LogMissing, ErrorKind.Damaged,
            $"The logs of group {group.Name} in {folder} go on at transaction {later[0].FirstLsn}, but the backup ends at {end.EndLsn}: a log file is missing. "
            + "Find it, use a newer backup, or restore without -LogPath to give up what came after the backup.", folder);
    }

    /// <summary>A sentence where logs are there and none goes on, because the group has another past by now; <see langword="null"/> otherwise.</summary>
    public static string? WhyNone(IStorage storage, RestorePlan plan, GroupSettings group, GroupEndMark end, RestoreOptions options)
    {
        List<LogFile> files = plan.SurvivingLogsOf(storage, group, out string folder);
        if (options.HasPoint || files.Count == 0 || files[^1].FirstLsn > end.EndLsn) return null;
        try
        {
            using IStorageFile file = storage.Open(files[^1].Path, FileAccessKind.Read);
            if (GroupFileHeader.Read(file, out _) is not { } header || GroupHistory.Of(header.Histories, end.EndLsn) == GroupHistory.Of(end.Histories, end.EndLsn)) return null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null; // nobody needs this file
        }
        return $"The logs of group {group.Name} in {folder} are of another history than the backup: the group was restored in between. They were not replayed.";
    }

    /// <summary>Makes sure that each file goes on with the very transaction that the backup, or the file before, ends with, and not with another of its number.</summary>
    /// <param name="later">Files in order, all behind the backup.</param>
    /// <exception cref="MessageStoreException">LogOfAnotherHistory.</exception>
    public static void CheckHistories(IStorage storage, IEnumerable<LogFile> later, GroupSettings group, GroupEndMark end, string folder)
    {
        (IReadOnlyList<GroupHistory> histories, ulong last) = (end.Histories, end.EndLsn);
        foreach (LogFile log in later)
        {
            using IStorageFile file = storage.Open(log.Path, FileAccessKind.Read);
            // One that cannot be read is found by whoever replays it.
            if (GroupFileHeader.Read(file, out _) is not { } header) continue;
            Guid mine = GroupHistory.Of(histories, last), others = GroupHistory.Of(header.Histories, last);
            if (mine != others)
                throw new MessageStoreException(ErrorIds.LogOfAnotherHistory, ErrorKind.InvalidArgument, string.Create(CultureInfo.InvariantCulture,
                    $"The logs of group {group.Name} in {folder} are of another history than the backup: transaction {last} belongs to {GroupHistory.Describe(mine)} for the backup, and to {GroupHistory.Describe(others)} for {log.Path}. ")
                    + "The group was restored in between. Use a backup of that history, or the logs of this one; a folder without logs as -LogPath gives up what came after the backup.", folder);
            (histories, last) = (header.Histories, Math.Max(last, log.FirstLsn - 1));
        }
    }
}
