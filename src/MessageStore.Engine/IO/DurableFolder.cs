namespace MessageStore.IO;

/// <summary>Folders whose names survive a loss of power.</summary>
internal static class DurableFolder
{
    /// <summary>
    /// Creates a folder and its missing parents, and flushes the parent of each that was missing: a file flushed into a folder whose own name is
    /// lost is lost with it.
    /// </summary>
    public static void Create(IStorage storage, string path)
    {
        var missing = new Stack<string>();
        for (string? at = Path.TrimEndingDirectorySeparator(path); at is not null && !storage.FolderExists(at); at = Path.GetDirectoryName(at)) missing.Push(at);
        if (missing.Count == 0) return;
        storage.CreateFolder(path);
        foreach (string created in missing)
            if (Path.GetDirectoryName(created) is { } parent)
                storage.FlushFolder(parent);
    }
}
