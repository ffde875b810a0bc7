using MessageStore.IO;
using MessageStore.Storage;

namespace MessageStore.Backups;

/// <summary>
/// Where a restore puts things. Into a new place the whole database folder is made beside it, and what is to lie on other devices beside its place there; into the place of the very database
/// that was backed up only the store and log folders of the restored groups (and the keys, where they are gone) come, each on its own device, and archive and backups are left alone.
/// </summary>
internal sealed partial class RestorePlan
{
    private readonly List<(string Staging, string Final)> swaps = [];
    private readonly Dictionary<string, UnpackTarget> targets = new(StringComparer.OrdinalIgnoreCase);

    private RestorePlan(string destination, DatabaseSettings settings, bool inPlace)
    {
        Destination = destination;
        Settings = settings;
        InPlace = inPlace;
    }

    public string Destination { get; }

    /// <summary>Settings of the restored database.</summary>
    public DatabaseSettings Settings { get; }

    public bool InPlace { get; }

    /// <summary>Where the keys of the restored database are to be.</summary>
    public string KeysFolder { get; private set; } = "";

    /// <summary>Where the image of the key manager goes meanwhile.</summary>
    public string KeysImage { get; private set; } = "";

    /// <summary>Where the lost database had its keys.</summary>
    public OriginalKeys OriginalKeys { get; private set; } = new("", null);

    /// <summary>The log path of the lost database; <see langword="null"/> where none survived.</summary>
    public string? SurvivingLogs { get; private set; }

    public List<string> StagingFolders { get; } = [];

    /// <summary>The groups to be restored.</summary>
    public IReadOnlyCollection<UnpackTarget> Targets => targets.Values;

    public UnpackTarget? Choose(GroupSettings group) => targets.GetValueOrDefault(group.Name);

    /// <summary>The log and patch files of a group that survived, in order; none where nothing did.</summary>
    public List<LogFile> SurvivingLogsOf(IStorage storage, GroupSettings group, out string folder)
    {
        folder = "";
        if (SurvivingLogs is null) return [];
        folder = Path.Combine(SurvivingLogs, group.Folder);
        if (!storage.FolderExists(folder)) folder = SurvivingLogs;
        return LogFiles.List(storage, folder);
    }

    /// <summary>Where what the administrator said may be found beside the backup: the groups of the database that is replaced, each of which has all of it, and logs that survived.</summary>
    /// <returns>Groups with the folder of the store, where that is known, and that of the log.</returns>
    public IEnumerable<(GroupSettings Group, string? Store, string Log)> RecordSources(IStorage storage)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (GroupSettings group in InPlace ? Settings.StorageGroups : [])
        {
            (string store, string log) = MailDatabase.FoldersOf(Destination, Settings, group);
            seen.Add(log);
            yield return (group, store, log);
        }
        foreach (UnpackTarget target in SurvivingLogs is null ? Enumerable.Empty<UnpackTarget>() : targets.Values)
        {
            SurvivingLogsOf(storage, target.Settings, out string folder);
            if (seen.Add(folder)) yield return (target.Settings, null, folder);
        }
    }

    /// <summary>Looks, and touches nothing.</summary>
    /// <exception cref="MessageStoreException">DestinationNotEmpty, GroupNotFound, PathNotFound, InvalidParameter; DatabaseDamaged for settings that cannot be read.</exception>
    public static RestorePlan Make(IStorage storage, BackupHeader header, IReadOnlyList<string> groupsInBackup, RestoreOptions options, TimeProvider clock)
    {
        string destination = Path.TrimEndingDirectorySeparator(Path.GetFullPath(options.Destination));
        List<GroupSettings> groups = ChooseGroups(header, groupsInBackup, options);
        bool occupied = IsOccupied(storage, destination);
        if (occupied && !options.Force) throw NotEmpty(destination);
        DatabaseSettings? existing = occupied && storage.FileExists(Path.Combine(destination, DatabaseSettings.FileName)) ? DatabaseSettings.Load(storage, destination) : null;
        RestorePlan plan = existing?.DatabaseId == header.Settings.DatabaseId
            ? MakeInPlace(storage, destination, existing, groups, options, clock)
            : MakeFresh(storage, destination, header, groups, options, clock);
        plan.OriginalKeys = new OriginalKeys(Path.Combine(header.Database, "keys"), KeyServerOf(storage, header, existing));
        plan.SurvivingLogs = options.LogPath is not null ? Path.GetFullPath(options.LogPath)
            : plan.InPlace ? DatabaseSettings.Resolve(destination, plan.Settings.LogPath) : null;
        if (plan.SurvivingLogs is not null && options.LogPath is not null && !storage.FolderExists(plan.SurvivingLogs))
            throw new MessageStoreException(ErrorIds.PathNotFound, ErrorKind.NotFound, $"There is no folder {plan.SurvivingLogs} with logs.", plan.SurvivingLogs);
        return plan;
    }

    private static RestorePlan MakeFresh(IStorage storage, string destination, BackupHeader header, List<GroupSettings> groups, RestoreOptions options, TimeProvider clock)
    {
        string Place(string? chosen, string own) => chosen is null ? own : DatabaseSettings.Relate(destination, chosen);
        DatabaseSettings settings = header.Settings with
        {
            StorePath = Place(options.NewStorePath, "store"),
            LogPath = Place(options.NewLogPath, "logs"),
            BackupPath = Place(options.NewBackupPath, "backups"),
            ArchivePath = DatabaseSettings.Relate(destination, options.NewArchivePath ?? DatabaseSettings.Resolve(header.Database, header.Settings.ArchivePath)),
            StorageGroups = groups,
            Keys = null,
        };
        List<string> finals = [.. groups.Select(g => MailDatabase.FoldersOf(destination, settings, g)).SelectMany(f => new[] { f.Store, f.Log })];
        List<string> elsewhere = finals.FindAll(f => !IsInside(destination, f));
        if (!options.Force && elsewhere.Find(f => IsOccupied(storage, f)) is { } taken) throw NotEmpty(taken);
        var plan = new RestorePlan(destination, settings, inPlace: false) { stamp = Stamp(storage, [destination, .. elsewhere], clock) };
        string root = StagingOf(destination, plan.stamp);
        plan.StagingFolders.Add(root);
        foreach (GroupSettings group in groups)
        {
            (string store, string log) = MailDatabase.FoldersOf(destination, settings, group);
            plan.targets[group.Name] = new UnpackTarget(group, Stage(store), Stage(log));
        }
        string backups = DatabaseSettings.Resolve(destination, settings.BackupPath);
        if (IsInside(destination, backups)) plan.StagingFolders.Add(Inside(backups));
        else plan.backupFolder = backups;
        plan.swaps.Add((root, destination)); // the last: who finds the folder finds all of the database
        plan.KeysFolder = Path.Combine(root, "keys");
        plan.KeysImage = Path.Combine(root, "keys.image");
        return plan;

        string Inside(string final) => Path.Combine(root, Path.GetRelativePath(destination, final));

        string Stage(string final)
        {
            if (IsInside(destination, final)) return Inside(final);
            string staging = StagingOf(final, plan.stamp);
            plan.StagingFolders.Add(staging);
            plan.swaps.Add((staging, final));
            return staging;
        }
    }

    private static RestorePlan MakeInPlace(IStorage storage, string destination, DatabaseSettings existing, List<GroupSettings> groups, RestoreOptions options, TimeProvider clock)
    {
        if (options is not { NewStorePath: null, NewLogPath: null, NewBackupPath: null, NewArchivePath: null })
            throw new MessageStoreException(ErrorIds.InvalidParameter, ErrorKind.InvalidArgument,
                $"{destination} is the database that was backed up: restored in its place it keeps its devices. New ones can be named for a new destination only.", destination);
        List<string> finals = [.. groups.Select(g => MailDatabase.FoldersOf(destination, existing, g)).SelectMany(f => new[] { f.Store, f.Log })];
        var plan = new RestorePlan(destination, existing with { Keys = null }, inPlace: true) { stamp = Stamp(storage, finals, clock) };
        foreach (GroupSettings group in groups)
        {
            (string store, string log) = MailDatabase.FoldersOf(destination, existing, group);
            string stagingStore = StagingOf(store, plan.stamp), stagingLog = StagingOf(log, plan.stamp);
            plan.targets[group.Name] = new UnpackTarget(group, stagingStore, stagingLog);
            foreach ((string staging, string final) in ((string, string)[])[(stagingStore, store), (stagingLog, log)])
            {
                plan.StagingFolders.Add(staging);
                plan.swaps.Add((staging, final));
            }
        }
        plan.KeysFolder = Path.Combine(destination, "keys");
        plan.KeysImage = StagingOf(plan.KeysFolder, plan.stamp);
        return plan;
    }

    /// <summary>The server that has the keys: what the lost database's own settings say counts before those in the backup, which are older.</summary>
    private static KeyServerSettings? KeyServerOf(IStorage storage, BackupHeader header, DatabaseSettings? existing)
    {
        if (existing?.DatabaseId == header.Settings.DatabaseId) return existing.Keys;
        try
        {
            if (storage.FileExists(Path.Combine(header.Database, DatabaseSettings.FileName)) && DatabaseSettings.Load(storage, header.Database) is { } original
                && original.DatabaseId == header.Settings.DatabaseId) return original.Keys;
        }
        catch (MessageStoreException)
        {
            // The lost database cannot be asked, which is why it is being restored.
        }
        return header.Settings.Keys;
    }

    private static List<GroupSettings> ChooseGroups(BackupHeader header, IReadOnlyList<string> groupsInBackup, RestoreOptions options)
    {
        List<GroupSettings> present = [.. header.Settings.StorageGroups.Where(g => groupsInBackup.Contains(g.Name))];
        if (options.StorageGroups.Count == 0) return present;
        return [.. options.StorageGroups.Distinct(StringComparer.OrdinalIgnoreCase).Select(name => present.Find(g => g.Name.Equals(name, StringComparison.OrdinalIgnoreCase))
            ?? throw new MessageStoreException(ErrorIds.GroupNotFound, ErrorKind.NotFound,
                $"The backup holds no storage group '{name}'. It has: {string.Join(", ", groupsInBackup)}.", name))];
    }

    private static bool IsOccupied(IStorage storage, string path) => storage.FileExists(path) || (storage.FolderExists(path) && !IsEmpty(storage, path));

    private static bool IsEmpty(IStorage storage, string folder) => storage.ListFiles(folder).Count == 0 && storage.ListFolders(folder).Count == 0;

    private static bool IsInside(string folder, string path) => !Path.IsPathRooted(DatabaseSettings.Relate(folder, path));

    private static MessageStoreException NotEmpty(string path) => new(ErrorIds.DestinationNotEmpty, ErrorKind.AlreadyExists,
        $"{path} is not empty. Name a new folder, or use -Force: what stands there is then moved aside.", path);
}
