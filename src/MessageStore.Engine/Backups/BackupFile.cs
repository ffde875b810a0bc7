using MessageStore.IO;

namespace MessageStore.Backups;

/// <summary>Opens backup files so that whoever reads them sees frames, whether there is a layer around them or not (docs/format-backup.md, "The layer").</summary>
internal static class BackupFile
{
    /// <summary>Opens a backup to be read anywhere. With a layer, what is damaged in it is an error of the reading.</summary>
    /// <param name="key">Needed only where the file is encrypted.</param>
    /// <exception cref="MessageStoreException">BackupNotFound, BackupKeyRequired, BackupKeyWrong, BackupDamaged, BackupIncomplete, BackupFormatTooNew; device errors.</exception>
    public static IStorageFile Open(IStorage storage, string path, BackupKey? key) => Open(storage, path, key, null, CancellationToken.None);

    /// <summary>Opens a backup that may be damaged. Chunks of a layer that cannot be read are zeros, which no checksum accepts.</summary>
    /// <param name="damage">Gets what of the layer is damaged, as it is come across.</param>
    /// <exception cref="MessageStoreException">As <see cref="Open(IStorage, string, BackupKey?)"/>; of the layer only its header must be whole.</exception>
    public static IStorageFile OpenDamaged(IStorage storage, string path, BackupKey? key, List<BackupDamage> damage, CancellationToken cancellationToken) =>
        Open(storage, path, key, damage, cancellationToken);

    /// <summary>What the layer of a file says of the set; <see langword="null"/> where it has none.</summary>
    /// <exception cref="MessageStoreException">BackupNotFound, BackupDamaged, BackupIncomplete, BackupFormatTooNew; device errors.</exception>
    public static BackupLabel? ReadLabel(IStorage storage, string path) => Try(storage, path, file =>
    {
        using (file)
        {
            if (!LayerHeader.IsLayer(file)) return null;
            LayerHeader header = LayerHeader.Read(file);
            LayerTail tail = LayerTail.Read(file, header, null, out byte[] end);
            return BackupLabel.Decode(end.AsSpan(0, tail.LabelLength), header.Id, path, tail.LabelOffset);
        }
    });

    /// <summary>Whether a key is the one that a file was encrypted with, or none is needed.</summary>
    /// <exception cref="MessageStoreException">As <see cref="Open(IStorage, string, BackupKey?)"/>, but for the key; InvalidParameter: the key itself cannot be used.</exception>
    public static bool Opens(IStorage storage, string path, BackupKeySource? source)
    {
        using BackupKey? key = BackupKey.Open(storage, source);
        try
        {
            Open(storage, path, key).Dispose();
            return true;
        }
        catch (MessageStoreException error) when (error.ErrorId is ErrorIds.BackupKeyRequired or ErrorIds.BackupKeyWrong)
        {
            return false;
        }
    }

    private static IStorageFile Open(IStorage storage, string path, BackupKey? key, List<BackupDamage>? damage, CancellationToken cancellationToken) =>
        Try(storage, path, file => LayerHeader.IsLayer(file) ? new LayerFile(file, key, damage, cancellationToken) : file);

    private static T Try<T>(IStorage storage, string path, Func<IStorageFile, T> use)
    {
        if (!storage.FileExists(path)) throw new MessageStoreException(ErrorIds.BackupNotFound, ErrorKind.NotFound, $"There is no backup {path}.", path);
        IStorageFile? file = null;
        try
        {
            file = storage.Open(path, FileAccessKind.Read);
            return use(file);
        }
        catch (Exception error)
        {
            file?.Dispose();
            if (error is IOException or UnauthorizedAccessException) throw StorageErrors.Wrap(error, "opening the backup", path);
            throw;
        }
    }
}
