using System.Security.Cryptography;
using System.Text;

namespace MessageStore.Server.Nodes;

/// <summary>The shared key of storage nodes: read from a file, compared in constant time.</summary>
internal sealed class NodeKey
{
    /// <summary>The shortest key: 32 characters.</summary>
    public const int ShortestKey = 32;

    private const int LongestFile = 4096;
    private const string Scheme = "Bearer ";

    private readonly byte[] digest;

    public NodeKey(string key) => digest = SHA256.HashData(Encoding.UTF8.GetBytes(key));

    /// <summary>Reads a key file: one line.</summary>
    /// <exception cref="MessageStoreException">PathNotFound, AccessDenied, InvalidParameter: the key is too short, or others may read the file.</exception>
    public static string ReadFile(string path)
    {
        try
        {
            if (!OperatingSystem.IsWindows() && (File.GetUnixFileMode(path) & (UnixFileMode.OtherRead | UnixFileMode.OtherWrite)) != 0)
                throw new MessageStoreException(ErrorIds.InvalidParameter, ErrorKind.InvalidArgument, $"Everybody may read or change the key file {path}. Take that away: chmod 600.", path);
            using FileStream file = File.OpenRead(path);
            byte[] bytes = new byte[LongestFile];
            string key = Encoding.UTF8.GetString(bytes, 0, file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false)).Trim();
            if (key.Length < ShortestKey || key.Any(c => c is <= ' ' or > '~'))
                throw new MessageStoreException(ErrorIds.InvalidParameter, ErrorKind.InvalidArgument,
                    $"The key in {path} must be one line of {ShortestKey} or more printable characters without spaces. Make one: openssl rand -hex 32.", path);
            return key;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw IO.StorageErrors.Wrap(error, "reading the shared key", path);
        }
    }

    /// <summary>Whether an Authorization header carries the key. Digests are compared, so neither length nor content of the key shows in the time it takes.</summary>
    public bool IsShownBy(string? authorization) =>
        authorization is not null && authorization.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase)
        && CryptographicOperations.FixedTimeEquals(SHA256.HashData(Encoding.UTF8.GetBytes(authorization[Scheme.Length..])), digest);
}
