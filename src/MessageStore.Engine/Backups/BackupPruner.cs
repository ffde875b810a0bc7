using System.Globalization;
using MessageStore.IO;

namespace MessageStore.Backups;

/// <summary>
/// Removes backups by count or age. A set stays while one that stays stands on it, and so does the newest good chain of each storage group, and the newest that a
/// drill found to be good.
/// </summary>
internal sealed class BackupPruner(IStorage storage, TimeProvider clock)
{
    private sealed record Candidate(string Path, BackupLabel Label, long Bytes, string Drill);

    /// <returns>One for each set that is due, those that stand on others before these.</returns>
    /// <exception cref="MessageStoreException">PathNotFound, InvalidParameter, and device errors.</exception>
    public IEnumerable<BackupRetention> Run(string folder, Guid databaseId, BackupRetentionOptions options)
    {
        if (options.Keep is null && options.OlderThan is null)
            throw new MessageStoreException(ErrorIds.InvalidParameter, ErrorKind.InvalidArgument, "Say how many backups are to stay or how old they may be.", folder);
        if (options.Keep < 1)
            throw new MessageStoreException(ErrorIds.InvalidParameter, ErrorKind.InvalidArgument, "At least one backup must stay.", options.Keep);
        if (!storage.FolderExists(folder)) throw new MessageStoreException(ErrorIds.PathNotFound, ErrorKind.NotFound, $"There is no folder {folder}.", folder);
        List<Candidate> sets = Sets(folder, databaseId);
        Dictionary<Guid, string> protectedSets = Protected(sets);
        Dictionary<Guid, string> due = sets.Where(s => options.Ids.Count == 0 || options.Ids.Contains(s.Label.Id))
            .Select(s => (s.Label.Id, Why: WhyDue(s, sets, options))).Where(d => d.Why.Length > 0).ToDictionary(d => d.Id, d => d.Why);
        var staying = sets.Select(s => s.Label).ToDictionary(l => l.Id);
        foreach (Candidate set in sets.OrderByDescending(s => s.Label.Depth).ThenByDescending(s => s.Label.Started))
        {
            if (!due.TryGetValue(set.Label.Id, out string? why)) continue;
            string stays = protectedSets.GetValueOrDefault(set.Label.Id, "");
            if (stays.Length == 0 && staying.Values.FirstOrDefault(l => l.Base?.Id == set.Label.Id) is { } above) stays = $"the set of {above.Started:u}, which stays, stands on it";
            if (stays.Length == 0 && !options.DryRun) stays = TryDelete(set.Path);
            if (stays.Length == 0) staying.Remove(set.Label.Id);
            yield return new BackupRetention
            {
                Path = set.Path,
                Id = set.Label.Id,
                Kind = set.Label.Kind,
                Started = set.Label.Started,
                Age = clock.GetUtcNow() - set.Label.Started,
                Bytes = set.Bytes,
                Decision = stays.Length > 0 ? BackupRetentionDecision.Kept : options.DryRun ? BackupRetentionDecision.Due : BackupRetentionDecision.Removed,
                Reason = stays.Length > 0 ? stays : why,
            };
        }
    }

    /// <summary>The complete sets of a database, the newest first. What cannot be read is nobody's to remove here.</summary>
    private List<Candidate> Sets(string folder, Guid databaseId)
    {
        var sets = new List<Candidate>();
        foreach (string path in storage.ListFiles(folder))
        {
            if (!path.EndsWith(BackupSession.Extension, StringComparison.OrdinalIgnoreCase)) continue;
            try
            {
                BackupLabel label = BackupLabel.Read(storage, path);
                if (label.DatabaseId == databaseId && !sets.Exists(s => s.Label.Id == label.Id)) sets.Add(new Candidate(path, label, storage.FileLength(path), DrillBook.Describe(storage, path)));
            }
            catch (MessageStoreException error) when (error.Kind is ErrorKind.Damaged or ErrorKind.NotSupported)
            {
                // Its listing says what is wrong; whether it is worth something is for a person to decide.
            }
        }
        return [.. sets.OrderByDescending(s => s.Label.Started)];
    }

    private string WhyDue(Candidate set, List<Candidate> sets, BackupRetentionOptions options)
    {
        TimeSpan age = clock.GetUtcNow() - set.Label.Started;
        if (options.OlderThan is { } limit && age <= limit) return "";
        string old = options.OlderThan is { } beyond ? $"older than {beyond}" : "";
        if (options.Keep is not { } keep) return old;
        BackupLabel? images = set.Label;
        while (images is { Kind: BackupKind.Logs }) images = sets.Find(s => s.Label.Id == images.Base!.Id)?.Label;
        int rank = images is null ? int.MaxValue : sets.Where(s => s.Label.Kind != BackupKind.Logs).TakeWhile(s => s.Label.Id != images.Id).Count();
        if (rank < keep) return "";
        string many = string.Create(CultureInfo.InvariantCulture, $"{keep} newer ones stay");
        return old.Length > 0 ? $"{old}, and {many}" : many;
    }

    /// <summary>Sets that stay whatever is asked, with the reason.</summary>
    private static Dictionary<Guid, string> Protected(List<Candidate> sets)
    {
        var found = new Dictionary<Guid, string>();
        foreach (string group in sets.SelectMany(s => s.Label.Groups).Select(g => g.Name).Distinct())
        {
            Protect($"the newest good backup of {group}", c => c.TrueForAll(s => !s.Drill.StartsWith(nameof(DrillResult.Failed), StringComparison.Ordinal)));
            Protect($"the newest backup of {group} that a drill verified", c => c[0].Drill.StartsWith(nameof(DrillResult.Verified), StringComparison.Ordinal));

            void Protect(string what, Predicate<List<Candidate>> isGood)
            {
                foreach (Candidate set in sets)
                {
                    if (set.Label.Group(group) is null || ChainOf(set, sets) is not { } chain || !isGood(chain)) continue;
                    found.TryAdd(set.Label.Id, $"it is {what}");
                    foreach (Candidate below in chain.Skip(1)) found.TryAdd(below.Label.Id, $"{what}, of {set.Label.Started:u}, stands on it");
                    return;
                }
            }
        }
        return found;
    }

    /// <summary>A set and what it stands on, itself first; <see langword="null"/> where a link is missing.</summary>
    private static List<Candidate>? ChainOf(Candidate set, List<Candidate> sets)
    {
        var chain = new List<Candidate> { set };
        while (chain[^1].Label.Base is { } link)
        {
            if (sets.Find(s => s.Label.Is(link)) is not { } below || chain.Contains(below)) return null;
            chain.Add(below);
        }
        return chain;
    }

    /// <returns>Why the file is still there; empty where it is gone.</returns>
    private string TryDelete(string path)
    {
        try
        {
            storage.DeleteFile(path);
            storage.DeleteFile(DrillBook.PathOf(path));
            storage.FlushFolder(Path.GetDirectoryName(path)!);
            return "";
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return StorageErrors.Wrap(error, "removing the backup", path).Message;
        }
    }
}
