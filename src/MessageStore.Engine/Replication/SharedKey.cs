using System.Text;
using MessageStore.IO;

namespace MessageStore.Replication;

/// <summary>The key that storage nodes and their callers share: one line in a file that nobody else may read.</summary>
internal static class SharedKey
{
    /// <summary>The shortest key: 32 characters.</summary>
    public const int ShortestLength = 32;

    private const int LongestFile = 4096;

    /// <summary>Reads a key file.</summary>
    /// <exception cref="MessageStoreException">PathNotFound, AccessDenied, InvalidParameter: the key is too short, or everybody may read the file.</exception>
    public static string ReadFile(string path)
    {
        try
        {
            if (!OperatingSystem.IsWindows() && (File.GetUnixFileMode(path) & (UnixFileMode.OtherRead | UnixFileMode.OtherWrite)) != 0)
                throw new MessageStoreException(ErrorIds.InvalidParameter, ErrorKind.InvalidArgument, $"Everybody may read or change the key file {path}. Take that away: chmod 600.", path);
            string key = Encoding.UTF8.GetString(AtomicFile.Read(DiskStorage.Instance, path, LongestFile)).Trim();
            if (key.Length < ShortestLength || key.Any(c => c is <= ' ' or > '~'))
                throw new MessageStoreException(ErrorIds.InvalidParameter, ErrorKind.InvalidArgument,
                    $"The key in {path} must be one line of {ShortestLength} or more printable characters without spaces. Make one: openssl rand -hex 32.", path);
            return key;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            throw StorageErrors.Wrap(error, "reading the shared key", path);
        }
    }
}
