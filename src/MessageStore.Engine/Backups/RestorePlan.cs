using System.Globalization;
using MessageStore.IO;
using MessageStore.Storage;

namespace MessageStore.Backups;

/// <summary>
/// Where a restore puts things. Into a new place the whole database folder is made beside it and renamed; into the place of the very database that
/// was backed up only the store and log folders of the restored groups (and the keys, where they are gone) are exchanged, each on its own device,
/// and archive and backups are left alone.
/// </summary>
internal sealed class RestorePlan
{
    private readonly List<(string Staging, string Final)> swaps = [];
    private readonly Dictionary<string, UnpackTarget> targets = new(StringComparer.OrdinalIgnoreCase);
    private string stamp = "";

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

    public UnpackTarget? Choose(GroupSettings group) => targets.GetValueOrDefault(group.Name);

    public static RestorePlan Make(IStorage storage, BackupHeader header, IReadOnlyList<string> groupsInBackup, RestoreOptions options, TimeProvider clock)
    {
        string destination = Path.TrimEndingDirectorySeparator(Path.GetFullPath(options.Destination));
        List<GroupSettings> groups = ChooseGroups(header, groupsInBackup, options);
        bool occupied = storage.FileExists(destination)
            || (storage.FolderExists(destination) && (storage.ListFiles(destination).Count > 0 || storage.ListFolders(destination).Count > 0));
        if (occupied && !options.Force)
            throw new MessageStoreException(ErrorIds.DestinationNotEmpty, ErrorKind.AlreadyExists,
                $"{destination} is not empty. Name a new folder, or use -Force: what stands there is then moved aside.", destination);
        DatabaseSettings? existing = occupied && storage.FileExists(Path.Combine(destination, DatabaseSettings.FileName)) ? DatabaseSettings.Load(storage, destination) : null;
        RestorePlan plan = existing?.DatabaseId == header.Settings.DatabaseId
            ? MakeInPlace(storage, destination, existing, groups, clock)
            : MakeFresh(storage, destination, header, groups, clock);
        plan.OriginalKeys = new OriginalKeys(Path.Combine(header.Database, "keys"), KeyServerOf(storage, header, existing));
        plan.SurvivingLogs = options.LogPath is not null ? Path.GetFullPath(options.LogPath)
            : plan.InPlace ? DatabaseSettings.Resolve(destination, plan.Settings.LogPath) : null;
        if (plan.SurvivingLogs is not null && options.LogPath is not null && !storage.FolderExists(plan.SurvivingLogs))
            throw new MessageStoreException(ErrorIds.PathNotFound, ErrorKind.NotFound, $"There is no folder {plan.SurvivingLogs} with logs.", plan.SurvivingLogs);
        return plan;
    }

    /// <summary>Puts everything in its place. What was there is moved aside first.</summary>
    /// <returns>A sentence for each thing moved aside.</returns>
    public List<string> SwapIn(IStorage storage)
    {
        if (storage.FileExists(KeysImage)) storage.DeleteFile(KeysImage);
        List<FolderExchange> exchanges = [.. swaps.Select(s => new FolderExchange(s.Staging, s.Final, AsideOf(s.Final, stamp)))];
        foreach (FolderExchange exchange in exchanges)
            if (storage.FolderExists(exchange.Final) && storage.ListFiles(exchange.Final).Count == 0 && storage.ListFolders(exchange.Final).Count == 0)
                storage.DeleteFolder(exchange.Final);
        List<string> notes = [.. exchanges.Where(e => storage.FolderExists(e.Final)).Select(e => $"{e.Final} was moved aside to {e.Aside}.")];
        if (InPlace)
        {
            if (OriginalKeys.Server is not null) Settings.Save(storage, Destination); // the keys are in the folder now, all that the server had among them
            FolderSwap.Run(storage, Destination, exchanges);
            return notes;
        }
        Settings.Save(storage, StagingFolders[0]);
        foreach (FolderExchange exchange in exchanges) exchange.Run(storage);
        return notes;
    }

    /// <summary>Whether the exchange of folders was begun that the next opening ends: from then on the restored folders count.</summary>
    public bool IsBegun(IStorage storage)
    {
        try
        {
            return InPlace && storage.FileExists(Path.Combine(Destination, FolderSwap.FileName));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return true; // Nothing that may count is to be deleted.
        }
    }

    /// <summary>Removes what a restore that did not come to its end had laid out. Not once its exchange <see cref="IsBegun"/>.</summary>
    public void Discard(IStorage storage)
    {
        foreach (string folder in StagingFolders)
        {
            try
            {
                storage.DeleteFolder(folder);
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                // Named *.restoring-*: no database takes it for its own.
            }
        }
    }

    private static RestorePlan MakeFresh(IStorage storage, string destination, BackupHeader header, List<GroupSettings> groups, TimeProvider clock)
    {
        DatabaseSettings settings = header.Settings with
        {
            StorePath = "store",
            LogPath = "logs",
            BackupPath = "backups",
            ArchivePath = DatabaseSettings.Relate(destination, DatabaseSettings.Resolve(header.Database, header.Settings.ArchivePath)),
            StorageGroups = groups,
            Keys = null,
        };
        var plan = new RestorePlan(destination, settings, inPlace: false) { stamp = Stamp(storage, [destination], clock) };
        string root = StagingOf(destination, plan.stamp);
        plan.StagingFolders.Add(root);
        plan.StagingFolders.Add(Path.Combine(root, "backups"));
        plan.swaps.Add((root, destination));
        foreach (GroupSettings group in groups)
            plan.targets[group.Name] = new UnpackTarget(group, Path.Combine(root, "store", group.Folder), Path.Combine(root, "logs", group.Folder));
        plan.KeysFolder = Path.Combine(root, "keys");
        plan.KeysImage = Path.Combine(root, "keys.image");
        return plan;
    }

    private static RestorePlan MakeInPlace(IStorage storage, string destination, DatabaseSettings existing, List<GroupSettings> groups, TimeProvider clock)
    {
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
        plan.KeysImage = Path.Combine(destination, $"keys.restoring-{plan.stamp}");
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
        return [.. options.StorageGroups.Select(name => present.Find(g => g.Name.Equals(name, StringComparison.OrdinalIgnoreCase))
            ?? throw new MessageStoreException(ErrorIds.GroupNotFound, ErrorKind.NotFound,
                $"The backup holds no storage group '{name}'. It has: {string.Join(", ", groupsInBackup)}.", name))];
    }

    /// <summary>The time, as a part of names that nothing has yet.</summary>
    private static string Stamp(IStorage storage, IReadOnlyList<string> finals, TimeProvider clock)
    {
        string time = clock.GetUtcNow().UtcDateTime.ToString("yyyyMMdd-HHmmss", CultureInfo.InvariantCulture);
        for (int number = 1; ; number++)
        {
            string stamp = number == 1 ? time : string.Create(CultureInfo.InvariantCulture, $"{time}-{number}");
            if (!finals.Any(f => storage.FolderExists(StagingOf(f, stamp)) || storage.FolderExists(AsideOf(f, stamp)))) return stamp;
        }
    }

    private static string StagingOf(string final, string stamp) => $"{final}.restoring-{stamp}";

    private static string AsideOf(string final, string stamp) => $"{final}.before-restore-{stamp}";
}
