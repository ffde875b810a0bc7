using MessageStore.Archiving;
using MessageStore.IO;
using MessageStore.Keys;
using MessageStore.Messages;
using MessageStore.Replication;
using MessageStore.Searching;
using MessageStore.Storage;

namespace MessageStore;

/// <summary>A database that is open in this process: store, keys and archive put together. Shared by all who opened it, closed with the last of them.</summary>
internal sealed partial class OpenDatabase : IDisposable
{
    public const string KeysFolder = "keys";

    private const string SpoolFolder = "spool";

    /// <summary>What keys call the archive folder, wherever it lies.</summary>
    public const string ArchiveUnit = "archive";

    private static readonly Dictionary<string, OpenDatabase> Open = new(OperatingSystem.IsWindows() ? StringComparer.OrdinalIgnoreCase : StringComparer.Ordinal);
    private static readonly SemaphoreSlim Gate = new(1, 1);

    private readonly List<IDisposable> replaced = [];
    private int references = 1;

    private OpenDatabase(MailDatabase mail, KeySwitch keys, ArchiveTargets archive, TimeProvider clock, SearchOptions? search)
    {
        Mail = mail;
        Keys = keys;
        Archive = archive;
        Clock = clock;
        Ids = new MessageIdSource(clock, Random.Shared);
        Search = new SearchIndexer(mail.Groups, mail.Storage, (group, entry, token) => EmbeddedMessageStore.OpenAnywhereAsync(this, group, entry, token), search ?? new SearchOptions(), clock);
    }

    public MailDatabase Mail { get; }

    public KeySwitch Keys { get; }

    /// <summary>The embedded key manager; <see langword="null"/> where the keys are on a server.</summary>
    public JournalKeyManager? KeyJournal => Keys.Current as JournalKeyManager;

    public ArchiveTargets Archive { get; private set; }

    /// <summary>The way to the storage nodes; <see langword="null"/> where there are none, or they cannot be used.</summary>
    public NodesArchive? Nodes { get; private set; }

    /// <summary>What is known of copies on storage nodes.</summary>
    public ReplicaFigures? Copies { get; set; }

    public SearchIndexer Search { get; }

    public TimeProvider Clock { get; }

    public MessageIdSource Ids { get; }

    public IHeaderReader Headers { get; } = HeaderReader.Instance;

    public IStorage Storage => Mail.Storage;

    public string Path => Mail.Path;

    /// <summary>Where archive records wait that are too large for memory.</summary>
    public string SpoolPath => System.IO.Path.Combine(Path, SpoolFolder);

    /// <summary>Opens a database, or takes part in one that this process has open already.</summary>
    /// <param name="path">The database folder.</param>
    /// <param name="isServer">Whether it is opened for a server, which will answer at a socket.</param>
    /// <param name="cancellationToken">Gives up before it is opened.</param>
    public static async Task<OpenDatabase> AcquireAsync(string path, bool isServer, CancellationToken cancellationToken)
    {
        string full = System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.GetFullPath(path));
        await Gate.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (Open.TryGetValue(full, out OpenDatabase? shared))
            {
                shared.references++;
                return shared;
            }
            OpenDatabase opened = await Task.Run(() => OpenNow(DiskStorage.Instance, full, new GroupOptions { IsServer = isServer }), cancellationToken).ConfigureAwait(false);
            Open.Add(full, opened);
            return opened;
        }
        finally
        {
            Gate.Release();
        }
    }

    public async Task ReleaseAsync()
    {
        await Gate.WaitAsync().ConfigureAwait(false);
        try
        {
            if (--references > 0) return;
            Open.Remove(Path);
            await Task.Run(Dispose).ConfigureAwait(false);
        }
        finally
        {
            Gate.Release();
        }
    }

    /// <summary>Opens a database for one caller alone.</summary>
    public static OpenDatabase OpenNow(IStorage storage, string path, GroupOptions options, SearchOptions? search = null)
    {
        MailDatabase mail = MailDatabase.Open(storage, path, options);
        KeySwitch? keys = null;
        try
        {
            string spool = System.IO.Path.Combine(mail.Path, SpoolFolder);
            storage.DeleteFolder(spool); // of a process that died
            storage.CreateFolder(spool);
            keys = new KeySwitch(mail.Settings.Keys is { } server
                ? KeyServers.OpenOrExcuse(server, mail.Settings.DatabaseId)
                : JournalKeyManager.Open(storage, System.IO.Path.Combine(mail.Path, KeysFolder), options.Clock));
            var files = new FileArchiveTarget(storage, mail.ArchivePath, mail.Settings.DatabaseId, keys, options.Clock, ArchiveUnit);
            var archive = new ArchiveTargets(files);
            if (mail.Settings.Objects is { } objects)
                archive = archive.With(ObjectArchives.Open(objects, mail.Settings.DatabaseId, keys, storage, spool, options.Clock), objects.IsTarget);
            var opened = new OpenDatabase(mail, keys, archive, options.Clock, search) { Copies = ReplicaFigures.Load(storage, mail.Path) };
            opened.OpenNodes();
            return opened;
        }
        catch (Exception error)
        {
            keys?.Dispose();
            mail.Dispose();
            if (error is IOException or UnauthorizedAccessException) throw StorageErrors.Wrap(error, "opening the database", path);
            throw;
        }
    }

    /// <summary>Changes where storage nodes are and whether new records go to them.</summary>
    /// <exception cref="MessageStoreException">What is wrong with the settings; nothing is changed then.</exception>
    public void SetNodes(NodeSettings settings)
    {
        NodesArchive nodes = NodesArchive.Open(settings, Keys, Storage, Clock, Mail.Settings.DatabaseId);
        try
        {
            Mail.ChangeSettings(s => s with { Nodes = settings, Objects = settings.IsTarget && s.Objects is { } objects ? objects with { IsTarget = false } : s.Objects });
        }
        catch
        {
            nodes.Dispose();
            throw;
        }
        if (Nodes is { } old) replaced.Add(old); // somebody may be reading from it
        Archive = Archive.With(nodes.Target, settings.IsTarget);
        Nodes = nodes;
    }

    /// <summary>Changes where the archive on object storage is and whether new records go to it. A new bucket is asked first, and becomes this database's.</summary>
    /// <exception cref="MessageStoreException">What is wrong with the settings, or with the bucket; nothing is changed then.</exception>
    public async Task SetObjectsAsync(ObjectSettings settings, CancellationToken cancellationToken)
    {
        ObjectArchives.Check(settings);
        IArchiveTarget target = ObjectArchives.Load().Open(settings, Mail.Settings.DatabaseId, Keys, Storage, SpoolPath, Clock);
        try
        {
            if (settings.IsTarget) await target.CheckAsync(cancellationToken).ConfigureAwait(false);
            Mail.ChangeSettings(s => s with { Objects = settings, Nodes = settings.IsTarget && s.Nodes is { } nodes ? nodes with { IsTarget = false } : s.Nodes });
        }
        catch
        {
            (target as IDisposable)?.Dispose();
            throw;
        }
        if (Archive.Find(target.Name) is IDisposable old) replaced.Add(old); // somebody may be reading from it
        Archive = Archive.With(target, settings.IsTarget);
    }

    /// <summary>Sets up what the settings say of storage nodes. What is wrong there is no reason to keep anybody from current mail.</summary>
    private void OpenNodes()
    {
        if (Mail.Settings.Nodes is not { } settings) return;
        try
        {
            Nodes = NodesArchive.Open(settings, Keys, Storage, Clock, Mail.Settings.DatabaseId);
            Archive = Archive.With(Nodes.Target, settings.IsTarget);
        }
        catch (MessageStoreException error)
        {
            Archive = Archive.With(new UnavailableTarget(NodesArchiveTarget.TargetName, error), settings.IsTarget);
        }
    }

    /// <summary>Moves keys that cannot be opened aside, and begins empty ones.</summary>
    public static void BeginKeysAnew(IStorage storage, string path, TimeProvider clock)
    {
        using MailDatabase mail = MailDatabase.Open(storage, path, new GroupOptions { Clock = clock }); // nobody else may have it open
        try
        {
            string keys = System.IO.Path.Combine(mail.Path, KeysFolder);
            if (storage.FolderExists(keys))
                storage.RenameFolder(keys, keys + clock.GetUtcNow().UtcDateTime.ToString("'.damaged-'yyyyMMddHHmmss", System.Globalization.CultureInfo.InvariantCulture));
            storage.CreateFolder(keys);
            JournalKeyManager.Create(storage, keys);
            storage.FlushFolder(mail.Path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw StorageErrors.Wrap(error, "beginning new archive keys", path);
        }
    }

    public void Dispose()
    {
        Search.Dispose(); // it reads from all the others
        Nodes?.Dispose();
        foreach (IDisposable old in replaced) old.Dispose();
        Archive.Dispose();
        Mail.Dispose();
        Keys.Dispose();
    }
}
