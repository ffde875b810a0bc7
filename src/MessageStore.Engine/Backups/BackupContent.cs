using MessageStore.IO;
using MessageStore.Storage;

namespace MessageStore.Backups;

/// <summary>
/// A backup, alone or at the top of a chain, to be looked into without unpacking it: what each storage group in it consists of and where that lies
/// (docs/format-backup.md, "A segment in a chain").
/// </summary>
internal sealed class BackupContent : IDisposable
{
    private readonly IStorage storage;
    private readonly List<BackupSurvey> chain = [];

    /// <param name="paths">The files of the chain: the full set first, the one that is meant last.</param>
    private BackupContent(IStorage storage, IReadOnlyList<string> paths, BackupKey? key, bool verify, CancellationToken cancellationToken)
    {
        this.storage = storage;
        try
        {
            foreach (string path in paths) chain.Add(new BackupSurvey(storage, path, key, verify, cancellationToken));
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Opens a backup with all that it stands on, as far as that is found.</summary>
    /// <param name="key">Needed only where the files are encrypted.</param>
    /// <param name="verify">Whether every byte is compared with its checksum.</param>
    /// <exception cref="MessageStoreException">BackupNotFound, BackupKeyRequired, BackupKeyWrong, BackupDamaged where a file's beginning does not say what it is; device errors.</exception>
    public static BackupContent Open(IStorage storage, string path, BackupKey? key, bool verify, CancellationToken cancellationToken) =>
        new(storage, ChainOf(storage, path), key, verify, cancellationToken);

    public BackupHeader Header => chain[^1].Header;

    public IReadOnlyList<string> Groups => [.. chain[^1].Groups.Select(g => g.Name)];

    /// <summary>The newest image of the key manager; empty where there is none.</summary>
    public PiecedFile Keys => chain.FindLast(s => s.Keys.Length > 0)?.Keys ?? chain[^1].Keys;

    /// <summary>Every stretch of every file that is not as it was written.</summary>
    public IEnumerable<BackupDamage> Damage => chain.SelectMany(s => s.Damage);

    /// <summary>How many messages a group was recorded to have; <see langword="null"/> where that was damaged.</summary>
    public long? RecordedMessages(string group) => Find(chain[^1], group)?.End?.Messages;

    /// <summary>A group, with logs that survived the database put behind those of the backup.</summary>
    /// <param name="limit">Transactions beyond it are left out.</param>
    public BackupGroupView Open(string group, IReadOnlyList<IStorageFile> laterLogs, ReplayLimit limit, CancellationToken cancellationToken)
    {
        GroupSettings settings = Header.Settings.StorageGroups.First(g => g.Name == group);
        BackupGroupFiles files = FilesOf(group);
        return new BackupGroupView(storage, files with { Logs = [.. files.Logs, .. laterLogs] }, MailDatabase.IdentityOf(Header.Settings, settings), limit, cancellationToken);
    }

    public void Dispose()
    {
        foreach (BackupSurvey survey in chain) survey.Dispose();
    }

    /// <summary>The chain as it should be, or what is left of it: without a base, what a set holds itself is all there is.</summary>
    private static IReadOnlyList<string> ChainOf(IStorage storage, string path)
    {
        try
        {
            return BackupChain.Find(storage, path).Paths;
        }
        catch (MessageStoreException error) when (error.Kind == ErrorKind.Damaged)
        {
            return [path];
        }
    }

    /// <summary>What a group comes to; <see langword="null"/> where that is damaged.</summary>
    public GroupEndMark? EndOf(string group) => Find(chain[^1], group)?.End;

    private BackupGroupFiles FilesOf(string group)
    {
        int images = chain.FindLastIndex(s => s.Header.Kind != BackupKind.Logs);
        SurveyedGroup? top = images < 0 ? null : Find(chain[images], group);
        var segments = new Dictionary<int, PiecedFile>();
        var fromEnd = new Dictionary<int, PiecedFile>();
        foreach (SegmentMark mark in top?.Begin.Segments ?? [])
        {
            segments[mark.Number] = Put(images, group, mark.Number, long.MaxValue, s => s.Segments);
            fromEnd[mark.Number] = Put(images, group, mark.Number, long.MaxValue, s => s.SegmentsFromEnd);
        }
        List<IStorageFile> logs = [.. chain.Skip(Math.Max(images, 0)).Select(s => Find(s, group)).OfType<SurveyedGroup>().SelectMany(g => g.Logs.Values)];
        return new BackupGroupFiles(top?.Snapshot ?? new PiecedFile(Header.Database), segments, fromEnd, logs) { EndLsn = EndOf(group)?.EndLsn ?? 0 };
    }

    /// <summary>Puts a segment together: what a set does not hold of it lies in the one below.</summary>
    private PiecedFile Put(int set, string group, int number, long limit, Func<SurveyedGroup, IReadOnlyDictionary<int, PiecedFile>> of)
    {
        SurveyedGroup? here = Find(chain[set], group);
        long from = here?.Begin.Segments.FirstOrDefault(s => s.Number == number)?.From ?? 0;
        var whole = new PiecedFile(chain[set].Header.Database);
        if (from > 0 && set > 0) whole.AddAll(Put(set - 1, group, number, Math.Min(from, limit), of));
        if (here is not null && of(here).TryGetValue(number, out PiecedFile? own)) whole.AddFront(own, limit);
        return whole;
    }

    private static SurveyedGroup? Find(BackupSurvey survey, string group) => survey.Groups.FirstOrDefault(g => g.Name == group);
}
