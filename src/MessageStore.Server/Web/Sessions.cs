using System.Buffers.Text;
using System.Collections.Concurrent;
using System.Security.Cryptography;

namespace MessageStore.Server.Web;

/// <summary>Browsers that are signed in. They are forgotten when the server ends.</summary>
internal sealed class Sessions(TimeProvider clock)
{
    public static readonly TimeSpan Life = TimeSpan.FromHours(12);

    /// <summary>Browsers signed in at once; the oldest goes for a new one.</summary>
    private const int Most = 1000;

    private const int TokenBytes = 32;

    private readonly ConcurrentDictionary<string, DateTimeOffset> ends = new(StringComparer.Ordinal);

    public string Begin()
    {
        foreach ((string old, DateTimeOffset end) in ends)
            if (end <= clock.GetUtcNow()) ends.TryRemove(old, out _);
        if (ends.Count >= Most) ends.TryRemove(ends.MinBy(static pair => pair.Value).Key, out _);
        string token = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(TokenBytes));
        ends[token] = clock.GetUtcNow() + Life;
        return token;
    }

    public bool Has(string? token) => token is not null && ends.TryGetValue(token, out DateTimeOffset end) && end > clock.GetUtcNow();

    public void End(string? token)
    {
        if (token is not null) ends.TryRemove(token, out _);
    }
}
