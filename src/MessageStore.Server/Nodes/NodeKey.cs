using System.Security.Cryptography;
using System.Text;

namespace MessageStore.Server.Nodes;

/// <summary>The shared key of a storage node, compared in constant time.</summary>
internal sealed class NodeKey
{
    private const string Scheme = "Bearer ";
    private const int Step = 64; // the comparison is not optimised, on purpose: 256 bytes took a twentieth of a request
    private const int LargestOnStack = 1024;

    private readonly byte[] padded;

    /// <param name="key">Printable characters, as <see cref="MessageStore.Replication.SharedKey"/> reads them.</param>
    public NodeKey(string key)
    {
        padded = new byte[(Encoding.UTF8.GetByteCount(key) + Step - 1) / Step * Step];
        Encoding.UTF8.GetBytes(key, padded);
    }

    /// <summary>
    /// Whether an Authorization header carries the key. Both are filled with zeros, which neither holds, to a multiple of 64 bytes and compared to the end: the time it takes shows nothing of the key's
    /// content, and of its length no more than how often it has 64 bytes.
    /// </summary>
    public bool IsShownBy(string? authorization)
    {
        if (authorization is null || !authorization.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase)) return false;
        Span<byte> shown = padded.Length <= LargestOnStack ? stackalloc byte[padded.Length] : new byte[padded.Length];
        shown.Clear();
        return Encoding.UTF8.TryGetBytes(authorization.AsSpan(Scheme.Length), shown, out _) && CryptographicOperations.FixedTimeEquals(shown, padded);
    }
}
