namespace MessageStore.Storage;

/// <summary>A mailbox as the index keeps it. Guarded by the index's lock.</summary>
internal sealed class MailboxState(int number, string name)
{
    public int Number => number;

    public string Name => name;

    /// <summary>Folders by number; 0 is the Inbox.</summary>
    public List<FolderState> Folders { get; } = [];

    /// <summary>Slots of the first and last message in order of arrival, -1 where there is none.</summary>
    public int First { get; set; } = -1;

    public int Last { get; set; } = -1;

    public long MessageCount { get; set; }
    public long ArchivedCount { get; set; }
    public long HotBytes { get; set; }
    public long ArchivedBytes { get; set; }

    /// <summary>The number of a folder, or -1. Folder names are compared without regard to letter case, as mailbox names are.</summary>
    public int FindFolder(string folder) => Folders.FindIndex(f => f.Name.Equals(folder, StringComparison.OrdinalIgnoreCase));

    /// <summary>Counts a message in (<paramref name="sign"/> 1) or out (-1).</summary>
    public void Count(in IndexEntry entry, int sign)
    {
        MessageCount += sign;
        Folders[entry.Folder].MessageCount += sign;
        if (entry.IsArchived)
        {
            ArchivedCount += sign;
            ArchivedBytes += sign * (long)entry.Length;
        }
        else
        {
            HotBytes += sign * (long)entry.Length;
        }
    }
}

/// <summary>A folder as the index keeps it.</summary>
internal sealed class FolderState(string name)
{
    public string Name => name;
    public long MessageCount { get; set; }
}
