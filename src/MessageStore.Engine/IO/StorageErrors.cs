namespace MessageStore.IO;

/// <summary>Turns what the operating system says into errors that name the thing and what to do.</summary>
public static class StorageErrors
{
    private const int ErrorDiskFullWindows = unchecked((int)0x80070070);
    private const int ErrorHandleDiskFullWindows = unchecked((int)0x80070027);
    private const int EnospcUnix = 28;
    private const int EdquotUnix = 122;

    /// <summary>Whether the device, or the user's quota on it, is full.</summary>
    public static bool IsDiskFull(Exception error) => error is IOException
        && (error.HResult is ErrorDiskFullWindows or ErrorHandleDiskFullWindows or EnospcUnix or EdquotUnix
            || error.Message.Contains("No space left on device", StringComparison.Ordinal));

    /// <summary>
    /// Wraps a device error met while doing <paramref name="what"/> (a phrase such as "writing the log") to <paramref name="path"/>.
    /// An error that already is ours comes back unchanged.
    /// </summary>
    public static MessageStoreException Wrap(Exception error, string what, string path) => error switch
    {
        MessageStoreException own => own,
        FileNotFoundException or DirectoryNotFoundException => new MessageStoreException(
            ErrorIds.PathNotFound, ErrorKind.NotFound, $"{path} was not found while {what}.", path, error),
        UnauthorizedAccessException => new MessageStoreException(
            ErrorIds.AccessDenied, ErrorKind.Denied, $"Access to {path} was denied while {what}. Check its permissions.", path, error),
        _ when IsDiskFull(error) => new MessageStoreException(
            ErrorIds.DiskFull, ErrorKind.Device, $"The disk that holds {path} is full ({what}). Free space and try again.", path, error),
        _ => new MessageStoreException(
            ErrorIds.DeviceFailed, ErrorKind.Device, $"The device that holds {path} failed while {what}: {error.Message}", path, error),
    };
}
