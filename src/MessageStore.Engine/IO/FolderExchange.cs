namespace MessageStore.IO;

/// <summary>A folder that takes the place of another.</summary>
/// <param name="Staging">The new one.</param>
/// <param name="Final">Where it goes.</param>
/// <param name="Aside">Where what stands there goes.</param>
internal sealed record FolderExchange(string Staging, string Final, string Aside)
{
    /// <summary>Each step is durable before the next begins, and is skipped where it was done already, but for the flush: the one that was to make it durable may have failed.</summary>
    public void Run(IStorage storage)
    {
        string parent = Path.GetDirectoryName(Final)!;
        if (!storage.FolderExists(Staging))
        {
            if (storage.FolderExists(parent)) storage.FlushFolder(parent);
            return;
        }
        if (storage.FolderExists(Final))
        {
            storage.RenameFolder(Final, Aside);
            storage.FlushFolder(parent);
        }
        DurableFolder.Create(storage, parent);
        storage.RenameFolder(Staging, Final);
        storage.FlushFolder(parent);
    }
}
