using MessageStore.IO;

namespace MessageStore.Backups;

/// <summary>Finds the set that a new one is to stand on: the newest whose chain is whole, in every place that the new one goes to.</summary>
internal sealed class BaseFinder(IStorage storage, Guid databaseId)
{
    /// <param name="folders">Where the new set goes.</param>
    /// <param name="groups">What it will hold; the base must hold as much.</param>
    /// <param name="suits">Whether a set would do.</param>
    /// <returns>The path of the base in the first folder; <see langword="null"/> where there is none.</returns>
    public string? Find(IReadOnlyList<string> folders, IReadOnlyList<string> groups, Func<BackupLabel, bool> suits)
    {
        List<Dictionary<Guid, string>> others = [.. folders.Skip(1).Select(f => Candidates(f, groups, suits).ToDictionary(c => c.Label.Id, c => c.Path))];
        foreach ((string path, BackupLabel label) in Candidates(folders[0], groups, suits))
        {
            if (!IsWhole(path, label)) continue;
            if (others.TrueForAll(o => o.TryGetValue(label.Id, out string? copy) && IsWhole(copy, label))) return path;
        }
        return null;
    }

    /// <summary>What a folder has that might do, the newest first.</summary>
    private List<(string Path, BackupLabel Label)> Candidates(string folder, IReadOnlyList<string> groups, Func<BackupLabel, bool> suits)
    {
        var found = new List<(string Path, BackupLabel Label)>();
        foreach (string path in storage.ListFiles(folder))
        {
            if (!path.EndsWith(BackupSession.Extension, StringComparison.OrdinalIgnoreCase)) continue;
            try
            {
                BackupLabel label = BackupLabel.Read(storage, path);
                if (label.DatabaseId == databaseId && suits(label) && groups.All(g => label.Groups.Any(l => l.Name == g)) && !found.Exists(f => f.Label.Id == label.Id))
                    found.Add((path, label));
            }
            catch (MessageStoreException)
            {
                // Nothing can stand on a file that is not whole. The listing says what is wrong with it.
            }
        }
        return [.. found.OrderByDescending(f => f.Label.Started)];
    }

    /// <summary>Whether a file is the set that it should be, with all that it stands on, and no drill found it bad.</summary>
    private bool IsWhole(string path, BackupLabel label)
    {
        try
        {
            BackupChain chain = BackupChain.Find(storage, path);
            return chain.Labels[^1].Sha256 == label.Sha256
                && chain.Paths.All(p => !DrillBook.Describe(storage, p).StartsWith(nameof(DrillResult.Failed), StringComparison.Ordinal));
        }
        catch (MessageStoreException)
        {
            return false;
        }
    }
}
