using System.Security.Cryptography;

namespace MessageStore.Backups;

/// <summary>The keys of one backup file; gone from memory when disposed.</summary>
internal sealed class LayerKeys : IDisposable
{
    private const int KeyBytes = 32;

    private static readonly byte[] Info = "MessageStore backup"u8.ToArray();

    // Pinned, so that the garbage collector leaves no copies behind.
    private readonly byte[] keys = GC.AllocateUninitializedArray<byte>(2 * KeyBytes, pinned: true);

    /// <param name="secret">From the key file, or made of the password.</param>
    /// <param name="salt">The file's own.</param>
    public LayerKeys(ReadOnlySpan<byte> secret, ReadOnlySpan<byte> salt) => HKDF.DeriveKey(HashAlgorithmName.SHA256, secret, keys, salt, Info);

    /// <summary>For AES-256-GCM.</summary>
    public ReadOnlySpan<byte> Cipher => keys.AsSpan(0, KeyBytes);

    /// <summary>For the key check and the HMAC of the tail.</summary>
    public ReadOnlySpan<byte> Check => keys.AsSpan(KeyBytes);

    public void Dispose() => CryptographicOperations.ZeroMemory(keys);
}
