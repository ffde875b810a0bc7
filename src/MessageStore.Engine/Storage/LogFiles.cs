using System.Globalization;
using MessageStore.IO;

namespace MessageStore.Storage;

/// <summary>A log or patch file by its name.</summary>
internal readonly record struct LogFile(string Path, ulong FirstLsn, GroupFileKind Kind);

/// <summary>The log and patch files of a group: names, order and which may go (docs/format-log.md).</summary>
internal static class LogFiles
{
    public const string LogExtension = ".log";
    public const string PatchExtension = ".patch";

    public static string NameOf(ulong firstLsn, GroupFileKind kind) =>
        firstLsn.ToString("x16", CultureInfo.InvariantCulture) + (kind == GroupFileKind.Patch ? PatchExtension : LogExtension);

    /// <summary>All log and patch files of a folder in order of their first LSN.</summary>
    public static List<LogFile> List(IStorage storage, string folder)
    {
        var files = new List<LogFile>();
        foreach (string path in storage.ListFiles(folder))
        {
            string extension = Path.GetExtension(path);
            if (extension is not (LogExtension or PatchExtension)) continue;
            if (!ulong.TryParse(Path.GetFileNameWithoutExtension(path), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out ulong lsn)) continue;
            files.Add(new LogFile(path, lsn, extension == PatchExtension ? GroupFileKind.Patch : GroupFileKind.Log));
        }
        // Stable: of two files that begin at the same transaction at most one holds any, and the other comes first by its name.
        return [.. files.OrderBy(f => f.FirstLsn)];
    }

    /// <summary>
    /// The LSN of the last transaction that a file can hold. Files of the same first LSN (an empty patch file that could not be deleted, beside the log that
    /// followed it) both go as far as the next one with another.
    /// </summary>
    public static ulong LastLsn(List<LogFile> files, int number)
    {
        for (int next = number + 1; next < files.Count; next++)
            if (files[next].FirstLsn > files[number].FirstLsn) return files[next].FirstLsn - 1;
        return ulong.MaxValue;
    }

    /// <summary>
    /// The files that hold nothing later than <paramref name="lsn"/>. The newest file is never among them: it is where the next transaction goes.
    /// </summary>
    /// <param name="currentFirstLsn">
    /// First LSN of the file that is being written. A newer one may be in the making at this moment and may fail, so its being there proves nothing.
    /// </param>
    public static List<LogFile> UpTo(IStorage storage, string folder, ulong lsn, ulong currentFirstLsn)
    {
        List<LogFile> files = List(storage, folder);
        int count = 0;
        while (count < files.Count && files[count].FirstLsn < currentFirstLsn && LastLsn(files, count) <= lsn) count++;
        return files[..count];
    }
}
