using MessageStore.IO;
using MessageStore.Messages;

namespace MessageStore.Storage;

/// <summary>
/// Lays out an empty database. What is about to be made is written down first (<see cref="IntentFileName"/>), and that file becomes the settings file as the last step:
/// without settings there is no database, and whoever finds the intent knows what a creation that was interrupted may have left, and begins anew.
/// </summary>
internal sealed class DatabaseCreation(IStorage storage, MessageDatabaseOptions options, TimeProvider clock)
{
    /// <summary>The settings of a database that is being created.</summary>
    public const string IntentFileName = "database.creating";

    /// <summary>A first checkpoint, which holds nothing, is never longer.</summary>
    private const long LongestFirstFile = 64 << 10;

    private readonly string path = Path.GetFullPath(options.Path);

    /// <summary>Lays out what lies beside the groups: gets the settings, and those of the creation that was interrupted before, if there was one.</summary>
    public delegate void LayOutBeside(DatabaseSettings settings, DatabaseSettings? interrupted);

    /// <exception cref="MessageStoreException">DatabaseExists, DestinationNotEmpty, DatabaseInUse, InvalidName, and device errors.</exception>
    public DatabaseSettings Run(LayOutBeside? layOutBeside = null)
    {
        CheckNames();
        try
        {
            CheckPlace();
            DurableFolder.Create(storage, path);
            using OwnerLock owner = MailDatabase.TakeOwnership(storage, path, clock);
            CheckPlace();
            DatabaseSettings? interrupted = Interrupted();
            DatabaseSettings settings = MakeSettings(interrupted);
            if (interrupted is not null)
                foreach (GroupSettings group in interrupted.StorageGroups) Clear(interrupted, group);
            foreach (GroupSettings group in settings.StorageGroups) CheckEmpty(settings, group);
            AtomicFile.Write(storage, Path.Combine(path, IntentFileName), settings.Encode());
            foreach (string place in (string[])[settings.StorePath, settings.LogPath, settings.BackupPath, settings.ArchivePath])
                DurableFolder.Create(storage, DatabaseSettings.Resolve(path, place));
            foreach (GroupSettings group in settings.StorageGroups)
            {
                (string store, string log) = MailDatabase.FoldersOf(path, settings, group);
                StorageGroup.Create(storage, MailDatabase.IdentityOf(settings, group), new GroupOptions { Clock = clock }, store, log);
            }
            layOutBeside?.Invoke(settings, interrupted);
            storage.RenameFile(Path.Combine(path, IntentFileName), Path.Combine(path, DatabaseSettings.FileName));
            storage.FlushFolder(path);
            return settings;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw StorageErrors.Wrap(error, "creating the database", path);
        }
    }

    private void CheckNames()
    {
        if (options.StorageGroups.Count == 0)
            throw new MessageStoreException(ErrorIds.InvalidName, ErrorKind.InvalidArgument, "A database needs at least one storage group.", path);
        foreach (string name in options.StorageGroups) MailboxNames.CheckStorageGroup(name);
        if (options.StorageGroups.Distinct(StringComparer.OrdinalIgnoreCase).Count() != options.StorageGroups.Count)
            throw new MessageStoreException(ErrorIds.InvalidName, ErrorKind.InvalidArgument, "Two storage groups have the same name.", path);
    }

    /// <summary>The folder is missing or empty, but for what creations leave that were interrupted.</summary>
    private void CheckPlace()
    {
        if (storage.FileExists(Path.Combine(path, DatabaseSettings.FileName)))
            throw new MessageStoreException(ErrorIds.DatabaseExists, ErrorKind.AlreadyExists, $"{path} holds a message database already.", path);
        if (!storage.FolderExists(path) || storage.FileExists(Path.Combine(path, IntentFileName))) return;
        bool strange = storage.ListFolders(path).Count > 0 || storage.ListFiles(path).Any(f => Path.GetFileName(f) is var name
            && !name.StartsWith(MailDatabase.LockFileName, StringComparison.Ordinal) && name != IntentFileName + AtomicFile.TemporarySuffix);
        if (strange) throw new MessageStoreException(ErrorIds.DestinationNotEmpty, ErrorKind.AlreadyExists, $"{path} is not empty. Name a new or an empty folder.", path);
    }

    private DatabaseSettings? Interrupted()
    {
        string intent = Path.Combine(path, IntentFileName);
        return storage.FileExists(intent) ? DatabaseSettings.Decode(AtomicFile.Read(storage, intent, DatabaseSettings.LargestFile), intent) : null;
    }

    private DatabaseSettings MakeSettings(DatabaseSettings? interrupted) => new()
    {
        DatabaseId = interrupted?.DatabaseId ?? Guid.CreateVersion7(clock.GetUtcNow()),
        Created = clock.GetUtcNow(),
        StorePath = DatabaseSettings.Relate(path, options.StorePath ?? "store"),
        LogPath = DatabaseSettings.Relate(path, options.LogPath ?? "logs"),
        BackupPath = DatabaseSettings.Relate(path, options.BackupPath ?? "backups"),
        ArchivePath = DatabaseSettings.Relate(path, options.ArchivePath ?? "archive"),
        CircularLogging = options.CircularLogging,
        StorageGroups = [.. options.StorageGroups.Select(n => new GroupSettings(n, FileNames.Escape(n), MailDatabase.NewSalt()))],
    };

    private void CheckEmpty(DatabaseSettings settings, GroupSettings group)
    {
        (string store, string log) = MailDatabase.FoldersOf(path, settings, group);
        foreach (string folder in (string[])[store, GroupRecovery.SegmentFolder(store), log])
            if (storage.ListFiles(folder).Count > 0) throw Occupied(folder);
    }

    /// <summary>Deletes what an interrupted creation left of a group: its first checkpoint and its first log file, if they are its own.</summary>
    private void Clear(DatabaseSettings interrupted, GroupSettings group)
    {
        (string store, string log) = MailDatabase.FoldersOf(path, interrupted, group);
        string snapshot = IndexSnapshot.PathOf(store, 0);
        ClearFolder(store, [snapshot, snapshot + AtomicFile.TemporarySuffix], interrupted);
        ClearFolder(log, [Path.Combine(log, LogFiles.NameOf(1, GroupFileKind.Log))], interrupted);
    }

    private void ClearFolder(string folder, string[] own, DatabaseSettings interrupted)
    {
        IReadOnlyList<string> files = storage.ListFiles(folder);
        foreach (string file in files)
            if (!own.Contains(file) || !IsOurs(file, interrupted)) throw Occupied(folder);
        foreach (string file in files) storage.DeleteFile(file);
        if (files.Count > 0) storage.FlushFolder(folder);
    }

    /// <summary>Whether a file may be what the interrupted creation wrote: begun and never whole, or with its mark.</summary>
    private bool IsOurs(string file, DatabaseSettings interrupted)
    {
        using IStorageFile opened = storage.Open(file, FileAccessKind.Read);
        return opened.Length <= LongestFirstFile && (GroupFileHeader.Read(opened, out _) is not { } header || header.Identity.DatabaseId == interrupted.DatabaseId);
    }

    private static MessageStoreException Occupied(string folder) => new(
        ErrorIds.DestinationNotEmpty, ErrorKind.AlreadyExists, $"{folder} holds files of another database. Name other places.", folder);
}
