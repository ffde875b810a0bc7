using System.Security.Cryptography;

namespace MessageStore.Backups;

/// <summary>
/// The digest of a backup's frames: SHA-256 over the SHA-256 of each, in order (docs/format-backup.md, trailer). The leaves may be computed anywhere, so that
/// hashing keeps up with the disk. Not thread-safe.
/// </summary>
internal sealed class BackupDigest : IDisposable
{
    /// <summary>Bytes of a frame's digest.</summary>
    public const int LeafBytes = SHA256.HashSizeInBytes;

    private readonly IncrementalHash root = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

    /// <summary>Takes the next frame, padding included.</summary>
    public void Add(ReadOnlySpan<byte> frame)
    {
        Span<byte> leaf = stackalloc byte[LeafBytes];
        SHA256.HashData(frame, leaf);
        AddLeaf(leaf);
    }

    /// <summary>Takes the digest of the next frame.</summary>
    public void AddLeaf(ReadOnlySpan<byte> leaf) => root.AppendData(leaf);

    /// <summary>The digest of all frames taken, lower-case hex. What is taken afterwards begins a new one.</summary>
    public string Finish() => Convert.ToHexStringLower(root.GetHashAndReset());

    public void Dispose() => root.Dispose();
}
