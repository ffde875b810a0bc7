using System.Security.Cryptography;
using MessageStore.IO;

namespace MessageStore.Backups;

/// <summary>What a caller gave to encrypt backups or to read encrypted ones; gone from memory when disposed. Not thread-safe.</summary>
internal sealed class BackupKey : IDisposable
{
    private const int ShortestFile = 32;
    private const int LongestFile = 4096;
    private const int SecretBytes = 32;

    /// <summary>Of PBKDF2 with HMAC-SHA256, as OWASP advises: a fraction of a second for us, and for each guess of somebody else.</summary>
    private const int Rounds = 600_000;

    private readonly byte[] given;
    private readonly bool isPassword;
    private readonly List<(byte[] Salt, int Rounds, byte[] Secret)> derived = [];

    private BackupKey(byte[] given, bool isPassword) => (this.given, this.isPassword) = (given, isPassword);

    /// <summary>Reads a key.</summary>
    /// <returns><see langword="null"/> where none was given.</returns>
    /// <exception cref="MessageStoreException">InvalidParameter: both or neither, an empty password, a key file that is too short, too long or open to others; PathNotFound, AccessDenied.</exception>
    public static BackupKey? Open(IStorage storage, BackupKeySource? source)
    {
        if (source is null) return null;
        if (source.KeyFile is { Length: > 0 } path && source.Password is null) return new BackupKey(ReadFile(storage, Path.GetFullPath(path)), isPassword: false);
        if (source.KeyFile is null && source.Password is { Length: > 0 } password) return new BackupKey(Keep(password), isPassword: true);
        throw new MessageStoreException(ErrorIds.InvalidParameter, ErrorKind.InvalidArgument, "The key of a backup is either a password that is not empty or a key file.");
    }

    /// <summary>The keys of a file that is read.</summary>
    /// <exception cref="MessageStoreException">BackupKeyWrong, BackupKeyRequired.</exception>
    public static LayerKeys? For(LayerHeader header, BackupKey? key, string path)
    {
        if (!header.IsEncrypted) return null;
        bool needsPassword = header.Rounds > 0;
        if (key is null || key.isPassword != needsPassword)
            throw new MessageStoreException(ErrorIds.BackupKeyRequired, ErrorKind.InvalidArgument, needsPassword
                ? $"Backup {path} is encrypted with a password. Give it with -EncryptionKey."
                : $"Backup {path} is encrypted with a key file. Name it with -KeyFile.", path);
        var keys = new LayerKeys(needsPassword ? key.Derive(header.PasswordSalt.Span, header.Rounds) : key.given, header.KeySalt.Span);
        if (CryptographicOperations.FixedTimeEquals(Check(header, keys), header.KeyCheck.Span)) return keys;
        keys.Dispose();
        throw new MessageStoreException(ErrorIds.BackupKeyWrong, ErrorKind.Denied, needsPassword
            ? $"Backup {path} is encrypted with another password. The backup itself was not looked at."
            : $"Backup {path} is encrypted with another key file. The backup itself was not looked at.", path);
    }

    /// <summary>The header of a new file, and its keys.</summary>
    public static (LayerHeader Header, LayerKeys? Keys) Begin(Guid id, BackupCompression compression, BackupKey? key, int chunkBytes)
    {
        var header = new LayerHeader(compression, key is not null, chunkBytes, id, new byte[LayerHeader.KeySaltBytes], new byte[LayerHeader.PasswordSaltBytes], 0, new byte[HMACSHA256.HashSizeInBytes]);
        if (key is null) return (header, null);
        header = header with { KeySalt = RandomNumberGenerator.GetBytes(LayerHeader.KeySaltBytes) };
        byte[] secret = key.given;
        if (key.isPassword)
        {
            // The salt of the set that this one stands on, which was read just now, so that a whole chain is opened by one derivation.
            if (key.derived.Count == 0) key.Derive(RandomNumberGenerator.GetBytes(LayerHeader.PasswordSaltBytes), Rounds);
            (byte[] salt, int rounds, secret) = key.derived[^1];
            header = header with { PasswordSalt = salt, Rounds = rounds };
        }
        var keys = new LayerKeys(secret, header.KeySalt.Span);
        return (header with { KeyCheck = Check(header, keys) }, keys);
    }

    public void Dispose()
    {
        CryptographicOperations.ZeroMemory(given);
        foreach ((_, _, byte[] secret) in derived) CryptographicOperations.ZeroMemory(secret);
        derived.Clear();
    }

    private byte[] Derive(ReadOnlySpan<byte> salt, int rounds)
    {
        foreach ((byte[] known, int knownRounds, byte[] found) in derived)
            if (knownRounds == rounds && salt.SequenceEqual(known)) return found;
        byte[] secret = GC.AllocateUninitializedArray<byte>(SecretBytes, pinned: true);
        Rfc2898DeriveBytes.Pbkdf2(given, salt, secret, rounds, HashAlgorithmName.SHA256);
        derived.Add((salt.ToArray(), rounds, secret));
        return secret;
    }

    private static byte[] Check(LayerHeader header, LayerKeys keys) => HMACSHA256.HashData(keys.Check, header.ToBytes().AsSpan(0, LayerHeader.CheckedBytes));

    private static byte[] ReadFile(IStorage storage, string path)
    {
        try
        {
            if (!storage.IsPrivate(path))
                throw new MessageStoreException(ErrorIds.InvalidParameter, ErrorKind.InvalidArgument, $"Others than its owner may read or change the key file {path}. Take that away: chmod 600.", path);
            byte[] bytes = AtomicFile.Read(storage, path, LongestFile);
            if (bytes.Length >= ShortestFile) return Keep(bytes, wipe: true);
            CryptographicOperations.ZeroMemory(bytes);
            throw new MessageStoreException(ErrorIds.InvalidParameter, ErrorKind.InvalidArgument,
                $"The key file {path} must have {ShortestFile} to {LongestFile} bytes. Make one: openssl rand -out FILE {ShortestFile}; chmod 600 FILE. And keep a copy elsewhere: without it no backup can be read.", path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            throw StorageErrors.Wrap(error, "reading the key of backups", path);
        }
    }

    /// <summary>A copy that the garbage collector does not move, and so does not copy.</summary>
    private static byte[] Keep(byte[] bytes, bool wipe = false)
    {
        byte[] kept = GC.AllocateUninitializedArray<byte>(bytes.Length, pinned: true);
        bytes.CopyTo(kept, 0);
        if (wipe) CryptographicOperations.ZeroMemory(bytes);
        return kept;
    }
}
