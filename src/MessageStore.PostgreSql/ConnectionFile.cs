using System.Text;
using MessageStore.IO;
using Npgsql;

namespace MessageStore.PostgreSql;

/// <summary>The file that holds the connection string: a secret as a rule, so nobody but its owner may read it, and what it says is never shown.</summary>
internal static class ConnectionFile
{
    private const int LargestFile = 16 << 10;

    /// <summary>Reads a connection string, such as <c>Host=db1;Username=messagestore;Password=…;Database=mail</c>; lines that begin with <c>#</c> do not count.</summary>
    /// <exception cref="MessageStoreException">PathNotFound, AccessDenied, DeviceFailed; InvalidParameter: it makes no sense, or everybody may read it.</exception>
    public static NpgsqlConnectionStringBuilder Read(string path)
    {
        try
        {
            if (!OperatingSystem.IsWindows() && (File.GetUnixFileMode(path) & (UnixFileMode.OtherRead | UnixFileMode.OtherWrite)) != 0)
                throw Invalid($"Everybody may read or change {path}, which holds the way to the archive keys. Take that away: chmod 600.");
            string text = Encoding.UTF8.GetString(AtomicFile.Read(DiskStorage.Instance, path, LargestFile));
            string connection = string.Concat(text.Split('\n').Select(l => l.Trim()).Where(l => !l.StartsWith('#')));
            var builder = new NpgsqlConnectionStringBuilder(connection);
            return string.IsNullOrEmpty(builder.Host) ? throw Invalid($"{path} names no host: write Host=…;Username=…;Database=….") : builder;
        }
        catch (ArgumentException error)
        {
            throw Invalid($"{path} holds no connection string: {error.Message}");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            throw StorageErrors.Wrap(error, "reading the connection string for the archive keys", path);
        }

        MessageStoreException Invalid(string message) => new(ErrorIds.InvalidParameter, ErrorKind.InvalidArgument, message, path);
    }
}
