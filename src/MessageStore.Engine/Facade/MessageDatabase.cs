using MessageStore.Archiving;
using MessageStore.Backups;
using MessageStore.IO;
using MessageStore.Keys;
using MessageStore.Maintenance;
using MessageStore.Remote;
using MessageStore.Storage;

namespace MessageStore;

/// <summary>Creating, opening and restoring databases, and proving backups: where everything begins.</summary>
public static class MessageDatabase
{
    /// <summary>Lays out an empty database.</summary>
    /// <exception cref="MessageStoreException">DatabaseExists, DestinationNotEmpty, InvalidName, AccessDenied, DiskFull.</exception>
    public static async Task<DatabaseStatus> CreateAsync(MessageDatabaseOptions options, CancellationToken cancellationToken = default)
    {
        await Task.Run(() => CreateNow(DiskStorage.Instance, options, TimeProvider.System), cancellationToken).ConfigureAwait(false);
        await using IMessageStore store = await OpenAsync(options.Path, cancellationToken).ConfigureAwait(false);
        return await store.GetStatusAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>
    /// Opens a database; within this process all who open it share it, and it is closed with the last of them. Where a server owns it, the server is asked to do
    /// what the caller wants.
    /// </summary>
    /// <exception cref="MessageStoreException">
    /// PathNotFound, NotADatabase, DatabaseInUse (naming the process), DatabaseFormatTooNew, DatabaseDamaged, ServerIncompatible, ServerOpening.
    /// </exception>
    public static async Task<IMessageStore> OpenAsync(string path, CancellationToken cancellationToken = default)
    {
        try
        {
            return await OpenHereAsync(path, cancellationToken).ConfigureAwait(false);
        }
        catch (MessageStoreException error) when (error.ErrorId == ErrorIds.DatabaseInUse)
        {
            if (await OwningServer.ConnectAsync(path, OwningServer.OpeningPatience, cancellationToken).ConfigureAwait(false) is { } store) return store;
            throw;
        }
    }

    /// <summary>Opens a database in this process or not at all: for whoever wants to own it.</summary>
    /// <exception cref="MessageStoreException">As <see cref="OpenAsync"/>, and DatabaseInUse where a server owns it.</exception>
    internal static async Task<EmbeddedMessageStore> OpenHereAsync(string path, CancellationToken cancellationToken = default) =>
        new(await OpenDatabase.AcquireAsync(path, isServer: false, cancellationToken).ConfigureAwait(false));

    /// <summary>Opens a database for a server that will answer for it; whoever comes meanwhile waits.</summary>
    /// <exception cref="MessageStoreException">As <see cref="OpenHereAsync"/>.</exception>
    internal static async Task<EmbeddedMessageStore> OpenToServeAsync(string path, CancellationToken cancellationToken = default) =>
        new(await OpenDatabase.AcquireAsync(path, isServer: true, cancellationToken).ConfigureAwait(false));

    /// <summary>Opens a database for a run of archive or backup: where such a run is under way, in this process or another, that is the error.</summary>
    /// <exception cref="MessageStoreException">MaintenanceRunning, and what <see cref="OpenAsync"/> throws.</exception>
    public static Task<IMessageStore> OpenForMaintenanceAsync(string path, MaintenanceTask task, CancellationToken cancellationToken = default)
    {
        MaintenanceLock.ThrowIfHeld(DiskStorage.Instance, Path.GetFullPath(path), task == MaintenanceTask.Archive ? "archive" : "backup");
        return OpenAsync(path, cancellationToken);
    }

    /// <summary>
    /// Opens a database whose archive keys are lost or damaged: they are moved aside and begun anew, empty, for <see cref="IMessageStore.TestArchiveAsync"/> to make them from the archive
    /// files. Where the keys are in order nothing is moved.
    /// </summary>
    /// <exception cref="MessageStoreException">What <see cref="OpenAsync"/> throws, but for KeysDamaged.</exception>
    public static async Task<IMessageStore> OpenWithoutKeysAsync(string path, CancellationToken cancellationToken = default)
    {
        try
        {
            return await OpenAsync(path, cancellationToken).ConfigureAwait(false);
        }
        catch (MessageStoreException error) when (error.ErrorId == ErrorIds.KeysDamaged)
        {
            await Task.Run(() => OpenDatabase.BeginKeysAnew(DiskStorage.Instance, Path.GetFullPath(path), TimeProvider.System), cancellationToken).ConfigureAwait(false);
            return await OpenAsync(path, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>
    /// Brings a database back from a backup and, where they survived, its logs. Where groups are named and somebody has the database at the destination open, its owner restores them while all others serve.
    /// </summary>
    /// <exception cref="MessageStoreException">BackupNotFound, BackupDamaged, BackupIncomplete, DestinationNotEmpty, GroupNotFound, PointInTimeNotCovered, DatabaseInUse, DiskFull.</exception>
    public static async Task<RestoreRun> RestoreAsync(RestoreOptions options, IProgress<RunProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        try
        {
            return await Task.Run(() => RestoreNow(DiskStorage.Instance, options, TimeProvider.System, progress, cancellationToken), cancellationToken).ConfigureAwait(false);
        }
        catch (MessageStoreException error) when (error.ErrorId == ErrorIds.DatabaseInUse && options.StorageGroups.Count > 0)
        {
            await using IMessageStore store = await OpenAsync(options.Destination, cancellationToken).ConfigureAwait(false);
            return await store.RestoreGroupsAsync(options, progress, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>What a restore would do: files, order, bytes and how long it is likely to take. Touches nothing.</summary>
    /// <exception cref="MessageStoreException">What <see cref="RestoreAsync"/> throws before it begins, but for DatabaseInUse.</exception>
    public static Task<RestorePreview> PreviewRestoreAsync(RestoreOptions options, CancellationToken cancellationToken = default) =>
        Task.Run(() => new RestorePreviewer(DiskStorage.Instance, TimeProvider.System).Run(options), cancellationToken);

    /// <inheritdoc cref="TestBackupAsync(DrillOptions, IProgress{RunProgress}?, CancellationToken)"/>
    public static Task<BackupDrill> TestBackupAsync(string path, IProgress<RunProgress>? progress = null, CancellationToken cancellationToken = default) =>
        TestBackupAsync(new DrillOptions { Path = path }, progress, cancellationToken);

    /// <summary>Proves a backup by restoring it to scratch.</summary>
    /// <exception cref="MessageStoreException">BackupNotFound. What is wrong with a backup that is there is the drill's result, not an error.</exception>
    public static Task<BackupDrill> TestBackupAsync(DrillOptions options, IProgress<RunProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        string full = Path.GetFullPath(options.Path);
        if (!File.Exists(full) && !Directory.Exists(full))
            throw new MessageStoreException(ErrorIds.BackupNotFound, ErrorKind.NotFound, $"There is no backup {full}.", full);
        return Task.Run(() =>
        {
            string backup = BackupCatalog.Newest(DiskStorage.Instance, full, TimeProvider.System);
            using BackupKey? key = BackupKey.Open(DiskStorage.Instance, options.Key);
            return new BackupDrillRunner(DiskStorage.Instance, TimeProvider.System, progress, key).Run(backup, ScratchOf(options, backup), options.TimeLimit, cancellationToken);
        }, cancellationToken);
    }

    /// <summary>Takes messages straight from a backup into <c>.eml</c> files, below <c>&lt;mailbox&gt;/&lt;folder&gt;/</c>; no database is needed.</summary>
    /// <param name="force">Replace files that are there; without, a message whose file is there is Present.</param>
    /// <exception cref="MessageStoreException">InvalidParameter without a criterion, BackupNotFound, BackupDamaged, MailboxNotFound, and device errors.</exception>
    public static IAsyncEnumerable<MessageRestore> ExtractMessagesAsync(
        MessageRestoreOptions options, string destination, bool force = false, IProgress<RunProgress>? progress = null, CancellationToken cancellationToken = default) =>
        MessageExtraction.RunAsync(DiskStorage.Instance, options, Path.GetFullPath(destination), force, TimeProvider.System, progress, cancellationToken);

    /// <summary>Backups at a path (a file or a folder), newest first; incomplete ones are listed as such.</summary>
    /// <exception cref="MessageStoreException">PathNotFound.</exception>
    public static IReadOnlyList<BackupInfo> ListBackups(string path) => BackupCatalog.List(DiskStorage.Instance, path, TimeProvider.System);

    /// <summary>Files are unpacked, and images in their logs once more: no backup needs more than so many times its own length.</summary>
    private const int Room = 2;

    /// <summary>Where a drill unpacks: as told, in the temporary folder, or beside the backup where that has more room.</summary>
    private static string ScratchOf(DrillOptions options, string backup)
    {
        if (options.ScratchPath is { } chosen) return Path.GetFullPath(chosen);
        string temporary = Path.GetTempPath(), beside = Path.GetDirectoryName(backup)!;
        bool isRoomy = DiskStorage.Instance.FreeBytes(temporary) >= Room * LengthOf(backup);
        return isRoomy || DiskStorage.Instance.FreeBytes(temporary) >= DiskStorage.Instance.FreeBytes(beside) ? temporary : beside;
    }

    /// <summary>Length of a backup with all that it stands on; where that is not found, the drill says so.</summary>
    private static long LengthOf(string backup)
    {
        try
        {
            return BackupChain.Find(DiskStorage.Instance, backup).Bytes;
        }
        catch (MessageStoreException)
        {
            return DiskStorage.Instance.FileLength(backup);
        }
    }

    internal static RestoreRun RestoreNow(IStorage storage, RestoreOptions options, TimeProvider clock, IProgress<RunProgress>? progress, CancellationToken cancellationToken)
    {
        try
        {
            options = options with { BackupPath = RestoreSource.Find(storage, options, clock) };
            var from = new RestoredFrom(storage, clock, options.BackupPath);
            DatabaseRestore.KeysRestorer keys = new KeysRestore(storage, clock).Run;
            // What was saved of a damaged backup is not what it would hold, and it must not count as a backup of what was saved.
            return from.Note(new DatabaseRestore(storage, clock, progress).Run(options, options.SkipDamaged ? keys : from.MarkAnd(keys), cancellationToken));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw StorageErrors.Wrap(error, "restoring", options.Destination);
        }
    }

    internal static void CreateNow(IStorage storage, MessageDatabaseOptions options, TimeProvider clock)
    {
        string path = Path.GetFullPath(options.Path), keys = Path.Combine(path, OpenDatabase.KeysFolder);
        new DatabaseCreation(storage, options, clock).Run((settings, interrupted) =>
        {
            if (interrupted is not null)
            {
                storage.DeleteFolder(keys);
                ArchiveMarker.Remove(storage, DatabaseSettings.Resolve(path, interrupted.ArchivePath), interrupted.DatabaseId);
            }
            DurableFolder.Create(storage, keys);
            JournalKeyManager.Create(storage, keys);
            ArchiveMarker.Create(storage, DatabaseSettings.Resolve(path, settings.ArchivePath), settings.DatabaseId);
        });
    }
}
