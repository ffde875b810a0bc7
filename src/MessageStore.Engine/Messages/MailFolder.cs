using MessageStore.IO;

namespace MessageStore.Messages;

/// <summary>Reads folders of mail: a Maildir, or whatever lies in a plain folder and below it.</summary>
internal static class MailFolder
{
    private const string Current = "cur";
    private const string New = "new";
    private const string Temporary = "tmp";

    /// <summary>The messages of a folder. Names of one folder at a time are held in memory; links to folders are not followed.</summary>
    public static IEnumerable<SourceItem> Read(string folder, long lengthLimit)
    {
        if (IsMaildir(folder)) return ReadMaildirs(folder, lengthLimit);
        string? parent = Path.GetDirectoryName(folder);
        bool isPart = Path.GetFileName(folder) is Current or New && parent is not null && IsMaildir(parent);
        return isPart ? ReadMaildirParts([folder], null, lengthLimit) : ReadPlain(folder, lengthLimit);
    }

    private static bool IsMaildir(string folder) =>
        Directory.Exists(Path.Combine(folder, Current))
        || (Directory.Exists(Path.Combine(folder, New)) && Directory.Exists(Path.Combine(folder, Temporary)));

    private static IEnumerable<SourceItem> ReadPlain(string folder, long lengthLimit)
    {
        string[] entries = List(folder, Directory.GetFileSystemEntries, out SourceItem? trouble);
        if (trouble is { } item) yield return item;
        foreach (string entry in entries)
        {
            if (Path.GetFileName(entry).StartsWith('.')) continue;
            IEnumerable<SourceItem> messages = !Directory.Exists(entry) ? MailFiles.ReadFile(entry, lengthLimit)
                : new DirectoryInfo(entry).LinkTarget is null ? Read(entry, lengthLimit)
                : [];
            foreach (SourceItem message in messages) yield return message;
        }
    }

    private static IEnumerable<SourceItem> ReadMaildirs(string root, long lengthLimit)
    {
        foreach (SourceItem message in ReadMaildir(root, null, lengthLimit)) yield return message;
        string[] folders = List(root, Directory.GetDirectories, out SourceItem? trouble);
        if (trouble is { } item) yield return item;
        foreach (string path in folders)
        {
            string name = Path.GetFileName(path);
            if (name.Length < 2 || name[0] != '.' || !(IsMaildir(path) || Directory.Exists(Path.Combine(path, New)))) continue;
            string? folder = FolderOf(path, name, out MessageStoreException? error);
            if (error is not null) yield return new SourceItem(error);
            else foreach (SourceItem message in ReadMaildir(path, folder, lengthLimit)) yield return message;
        }
    }

    private static IEnumerable<SourceItem> ReadMaildir(string maildir, string? folder, long lengthLimit) =>
        ReadMaildirParts([Path.Combine(maildir, Current), Path.Combine(maildir, New)], folder, lengthLimit);

    private static IEnumerable<SourceItem> ReadMaildirParts(string[] parts, string? folder, long lengthLimit)
    {
        foreach (string part in parts)
        {
            if (!Directory.Exists(part)) continue;
            string[] files = List(part, Directory.GetFiles, out SourceItem? trouble);
            if (trouble is { } item) yield return item;
            foreach (string file in files)
            {
                if (!Path.GetFileName(file).StartsWith('.')) yield return MailFiles.ReadMaildirFile(file, lengthLimit, folder);
            }
        }
    }

    private static string? FolderOf(string path, string name, out MessageStoreException? error)
    {
        error = null;
        try
        {
            return MailboxNames.CheckFolder(MaildirName.Folder(name));
        }
        catch (MessageStoreException refused)
        {
            error = new MessageStoreException(refused.ErrorId, refused.Kind, $"{path}: {refused.Message}", path, refused);
            return null;
        }
    }

    private static string[] List(string folder, Func<string, string[]> list, out SourceItem? trouble)
    {
        trouble = null;
        try
        {
            string[] names = list(folder);
            Array.Sort(names, StringComparer.Ordinal);
            return names;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            trouble = new SourceItem(StorageErrors.Wrap(error, "listing mail", folder));
            return [];
        }
    }
}
