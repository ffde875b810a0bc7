using System.Security.Cryptography;
using System.Text;

namespace MessageStore.Server.Nodes;

/// <summary>The shared key of a storage node, compared in constant time.</summary>
internal sealed class NodeKey
{
    private const string Scheme = "Bearer ";

    private readonly byte[] digest;

    public NodeKey(string key) => digest = SHA256.HashData(Encoding.UTF8.GetBytes(key));

    /// <summary>Whether an Authorization header carries the key. Digests are compared, so neither length nor content of the key shows in the time it takes.</summary>
    public bool IsShownBy(string? authorization) =>
        authorization is not null && authorization.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase)
        && CryptographicOperations.FixedTimeEquals(SHA256.HashData(Encoding.UTF8.GetBytes(authorization[Scheme.Length..])), digest);
}
