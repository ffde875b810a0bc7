using MessageStore.IO;

namespace MessageStore.Backups;

/// <summary>A set with all that it stands on (docs/format-backup.md).</summary>
/// <param name="Paths">The files: the full set first, the one that was asked for last.</param>
/// <param name="Labels">Their labels, in the same order.</param>
internal sealed record BackupChain(IReadOnlyList<string> Paths, IReadOnlyList<BackupLabel> Labels)
{
    /// <summary>No chain is longer: a link that leads in a circle ends here.</summary>
    private const int LongestChain = 100_000;

    /// <summary>Length of all files together without compression and encryption, in bytes.</summary>
    public long Bytes => Labels.Sum(l => l.Bytes);

    /// <summary>
    /// Finds the sets below one, beside it: first by the name that each link remembers, then by looking at every backup in the folder. Both ends of each file are read; that the
    /// digests agree says that each base is the very set that was built upon.
    /// </summary>
    /// <exception cref="MessageStoreException">BackupChainBroken, naming the missing set and the one that needs it; whatever is wrong with <paramref name="path"/> itself.</exception>
    public static BackupChain Find(IStorage storage, string path)
    {
        string folder = Path.GetDirectoryName(path)!;
        List<string> paths = [path];
        List<BackupLabel> labels = [BackupLabel.Read(storage, path)];
        Dictionary<Guid, (string Path, BackupLabel Label)>? beside = null;
        while (labels[^1].Base is { } link)
        {
            string candidate = Path.Combine(folder, Path.GetFileName(link.Name));
            BackupLabel? found = TryRead(storage, candidate);
            if (found?.Is(link) != true)
            {
                beside ??= Beside(storage, folder);
                (candidate, found) = beside.GetValueOrDefault(link.Id, (candidate, found!));
            }
            if (found?.Is(link) != true || paths.Count > LongestChain) throw Broken(paths[^1], link, found, candidate);
            paths.Add(candidate);
            labels.Add(found);
        }
        if (labels[^1].Kind != BackupKind.Full || labels.Exists(l => l.Chain != labels[^1].Id))
            throw new MessageStoreException(ErrorIds.BackupChainBroken, ErrorKind.Damaged, $"The sets below backup {path} do not lead to the full one that it names. Use another backup.", path);
        paths.Reverse();
        labels.Reverse();
        return new BackupChain(paths, labels);
    }

    private static Dictionary<Guid, (string Path, BackupLabel Label)> Beside(IStorage storage, string folder)
    {
        var found = new Dictionary<Guid, (string, BackupLabel)>();
        foreach (string file in storage.ListFiles(folder))
            if (file.EndsWith(BackupSession.Extension, StringComparison.OrdinalIgnoreCase) && TryRead(storage, file) is { } label) found.TryAdd(label.Id, (file, label));
        return found;
    }

    private static BackupLabel? TryRead(IStorage storage, string path)
    {
        try
        {
            return BackupLabel.Read(storage, path);
        }
        catch (MessageStoreException)
        {
            return null; // not there, or not whole: the chain says which set it lacks
        }
    }

    private static MessageStoreException Broken(string path, BackupLink link, BackupLabel? found, string candidate)
    {
        string why = found is null || found.Id != link.Id ? "is not there, or cannot be read" : $"is another one now ({candidate} has another digest than it had then)";
        return new MessageStoreException(ErrorIds.BackupChainBroken, ErrorKind.Damaged,
            $"Backup {path} stands on set {link.Id} ({link.Name}), which {why}. Put it beside, or use an older backup.", path);
    }
}
