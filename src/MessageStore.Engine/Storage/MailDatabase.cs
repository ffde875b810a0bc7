using System.Security.Cryptography;
using MessageStore.IO;
using MessageStore.Messages;

namespace MessageStore.Storage;

/// <summary>A group that could not be opened, with the reason.</summary>
internal sealed record FailedGroup(GroupSettings Settings, MessageStoreException Reason);

/// <summary>
/// The store of a database: its settings, its groups and which mailbox lies in which of them. Owned by one process at a time, by a lock of the operating
/// system. Knows nothing of archives and backups.
/// </summary>
internal sealed partial class MailDatabase : IDisposable
{
    public const string LockFileName = "database.lock";

    private readonly OwnerLock owner;
    private readonly GroupOptions options;
    private readonly SemaphoreSlim creating = new(1, 1);
    private volatile GroupSet set;

    private MailDatabase(IStorage storage, string path, DatabaseSettings settings, OwnerLock owner, GroupOptions options)
    {
        Storage = storage;
        Path = path;
        Settings = settings;
        this.owner = owner;
        this.options = options with { CircularLogging = settings.CircularLogging };
        set = new GroupSet([], []);
    }

    public IStorage Storage { get; }

    public string Path { get; }

    public DatabaseSettings Settings { get; private set; }

    public IReadOnlyList<StorageGroup> Groups => set.Open;

    public IReadOnlyList<FailedGroup> FailedGroups => set.Failed;

    public string StorePath => DatabaseSettings.Resolve(Path, Settings.StorePath);
    public string LogPath => DatabaseSettings.Resolve(Path, Settings.LogPath);
    public string BackupPath => DatabaseSettings.Resolve(Path, Settings.BackupPath);
    public string ArchivePath => DatabaseSettings.Resolve(Path, Settings.ArchivePath);

    /// <summary>Replaces the settings, durably. Places and groups must stay what they are while the database is open.</summary>
    /// <exception cref="MessageStoreException">DiskFull, AccessDenied, DeviceFailed: the old ones stay.</exception>
    public void ChangeSettings(Func<DatabaseSettings, DatabaseSettings> change)
    {
        DatabaseSettings changed = change(Settings);
        try
        {
            changed.Save(Storage, Path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw StorageErrors.Wrap(error, "changing the database's settings", System.IO.Path.Combine(Path, DatabaseSettings.FileName));
        }
        Settings = changed;
    }

    /// <summary>
    /// Opens a database and all its groups. A group that cannot be opened is listed in <see cref="FailedGroups"/> and its mail is out of reach; the others serve.
    /// </summary>
    /// <exception cref="MessageStoreException">PathNotFound, NotADatabase, DatabaseInUse, DatabaseDamaged, DatabaseFormatTooNew.</exception>
    public static MailDatabase Open(IStorage storage, string databasePath, GroupOptions options)
    {
        string path = System.IO.Path.GetFullPath(databasePath);
        CompleteSwap(storage, SwapBeside(path));
        DatabaseSettings settings = DatabaseSettings.Load(storage, path);
        OwnerLock owner = TakeOwnership(storage, path, options.Clock, options.IsServer ? "it has just begun" : null);
        if (options.IsServer) options = options with { Opening = owner.SayOpening };
        MailDatabase? database = null;
        try
        {
            CompleteSwap(storage, SwapInside(path));
            database = new MailDatabase(storage, path, settings, owner, options);
            database.OpenGroups(settings.StorageGroups);
            return database;
        }
        catch
        {
            database?.CloseGroups();
            owner.Dispose();
            throw;
        }
    }

    /// <summary>The file that names the folders which a restore in the place of a database is exchanging.</summary>
    public static string SwapInside(string path) => System.IO.Path.Combine(path, "database" + FolderSwap.Extension);

    /// <summary>The same for a restore to a place where no database was, or another one.</summary>
    public static string SwapBeside(string path) => System.IO.Path.TrimEndingDirectorySeparator(path) + FolderSwap.Extension;

    /// <summary>Ends the exchange of folders that a restore to this place began.</summary>
    private static void CompleteSwap(IStorage storage, string path)
    {
        try
        {
            FolderSwap.Complete(storage, path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw StorageErrors.Wrap(error, "ending a restore that was interrupted", path);
        }
    }

    public static (string Store, string Log) FoldersOf(string databasePath, DatabaseSettings settings, GroupSettings group) => (
        System.IO.Path.Combine(DatabaseSettings.Resolve(databasePath, settings.StorePath), group.Folder),
        System.IO.Path.Combine(DatabaseSettings.Resolve(databasePath, settings.LogPath), group.Folder));

    public static GroupIdentity IdentityOf(DatabaseSettings settings, GroupSettings group) => new(settings.DatabaseId, group.Name, group.Salt);

    /// <summary>The group that holds a mailbox; <see langword="null"/> where no open group does.</summary>
    public StorageGroup? GroupOf(string mailbox) => set.Open.FirstOrDefault(g => g.TryFindMailbox(mailbox, out _));

    /// <summary>The group that holds a message, and its entry.</summary>
    public bool TryFind(Guid id, out StorageGroup group, out IndexEntry entry)
    {
        foreach (StorageGroup candidate in set.Open)
        {
            if (!candidate.TryGet(id, out entry)) continue;
            group = candidate;
            return true;
        }
        group = null!;
        entry = default;
        return false;
    }

    /// <summary>A group by name.</summary>
    /// <exception cref="MessageStoreException">GroupNotFound, or why the group could not be opened.</exception>
    public StorageGroup Group(string name)
    {
        GroupSet now = set;
        if (now.Open.FirstOrDefault(g => g.Name.Equals(name, StringComparison.OrdinalIgnoreCase)) is { } group) return group;
        if (now.Failed.FirstOrDefault(f => f.Settings.Name.Equals(name, StringComparison.OrdinalIgnoreCase)) is { } failed) throw failed.Reason;
        throw new MessageStoreException(ErrorIds.GroupNotFound, ErrorKind.NotFound,
            $"There is no storage group '{name}' in {Path}. It has: {string.Join(", ", Settings.StorageGroups.Select(g => g.Name))}.", name);
    }

    /// <summary>Creates a mailbox, in the group with the fewest unless one is named; it stays there.</summary>
    /// <returns>The group, and whether the mailbox is new.</returns>
    public async Task<(StorageGroup Group, bool Created)> CreateMailboxAsync(string name, string? groupName, CancellationToken cancellationToken)
    {
        MailboxNames.CheckMailbox(name);
        await creating.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (GroupOf(name) is { } existing) return (existing, false);
            // A group that is not open may hold this very mailbox: a second one of the same name would split a user's mail for good.
            if (FailedGroups.Count > 0)
                throw new MessageStoreException(FailedGroups[0].Reason.ErrorId, ErrorKind.Device,
                    $"No mailbox can be created while storage group {FailedGroups[0].Settings.Name} is not open: {FailedGroups[0].Reason.Message}", name, FailedGroups[0].Reason);
            StorageGroup group = groupName is null ? set.Open.MinBy(g => g.GetMailboxCount())! : Group(groupName);
            await group.CreateMailboxAsync(name, cancellationToken).ConfigureAwait(false);
            return (group, true);
        }
        finally
        {
            creating.Release();
        }
    }

    /// <summary>Tells whoever finds the database owned where its owner answers.</summary>
    /// <exception cref="MessageStoreException">DiskFull, AccessDenied, DeviceFailed.</exception>
    public void Announce(string socket)
    {
        try
        {
            owner.Announce(socket);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw StorageErrors.Wrap(error, "saying where the owner of the database answers", Path);
        }
    }

    /// <summary>The socket at which the owner of a database answers; <see langword="null"/> where it says none.</summary>
    public static string? SocketOf(IStorage storage, string path) => OwnerLock.Describe(storage, System.IO.Path.Combine(path, LockFileName))?.Socket;

    public void Dispose()
    {
        CloseGroups();
        creating.Dispose();
        owner.Dispose();
    }

    public static uint NewSalt() => (uint)RandomNumberGenerator.GetInt32(1, int.MaxValue);

    /// <summary>The error that names who owns a database.</summary>
    public static MessageStoreException InUse(string path, LockOwner? holder)
    {
        string who = holder is null ? "another process" : $"process {holder.ProcessId} ({holder.ProcessName} on {holder.Machine}, since {holder.Since:u})";
        return new MessageStoreException(ErrorIds.DatabaseInUse, ErrorKind.Busy, $"{path} is in use by {who}. Wait until it is done, or stop it.", path);
    }

    /// <param name="opening">Said by a server: how far it is.</param>
    public static OwnerLock TakeOwnership(IStorage storage, string path, TimeProvider clock, string? opening = null)
    {
        string lockPath = System.IO.Path.Combine(path, LockFileName);
        try
        {
            return OwnerLock.Take(storage, lockPath, "database", clock, holder => InUse(path, holder), opening);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw StorageErrors.Wrap(error, "locking the database", lockPath);
        }
    }
}
