using MessageStore.IO;

namespace MessageStore.Archiving;

/// <summary>Errors of archives, in words that name file and offset.</summary>
internal static class ArchiveErrors
{
    public static MessageStoreException Damaged(string path, long offset, string detail) => new(
        ErrorIds.ArchiveDamaged, ErrorKind.Damaged, $"{path} is damaged at offset {offset}: {detail}", path);

    /// <summary>Whether a record is damaged or gone, in a place that is there.</summary>
    public static bool IsDamage(MessageStoreException error) => error.ErrorId is ErrorIds.ArchiveDamaged or ErrorIds.ArchiveFileMissing;

    public static MessageStoreException Unavailable(string path, string detail, Exception? inner = null) => new(
        ErrorIds.ArchiveUnavailable, ErrorKind.Device, $"The archive {path} is not available: {detail}", path, inner);

    /// <summary>Whether an error comes from the device and is not ours yet.</summary>
    public static bool IsDevice(Exception error) => error is IOException or UnauthorizedAccessException;

    /// <summary>Wraps a device error: a full disk stays one, everything else means that the archive is not available.</summary>
    public static MessageStoreException Wrap(Exception error, string what, string path) => error switch
    {
        MessageStoreException own => own,
        _ when StorageErrors.IsDiskFull(error) => StorageErrors.Wrap(error, what, path),
        _ => Unavailable(path, $"{what} failed: {error.Message}", error),
    };
}
