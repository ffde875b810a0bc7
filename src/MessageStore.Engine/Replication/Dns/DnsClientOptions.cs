using System.Net;
using System.Security.Cryptography;

namespace MessageStore.Replication.Dns;

/// <summary>Whom a <see cref="DnsClient"/> asks, and how patiently.</summary>
internal sealed record DnsClientOptions
{
    /// <summary>The name servers, asked in this order, from the one that answered last on.</summary>
    public required IReadOnlyList<IPEndPoint> Servers { get; init; }

    /// <summary>Signs what is sent; answers must be signed with it too. <see langword="null"/> for no signatures.</summary>
    public TsigKey? Key { get; init; }

    /// <summary>How long one try waits for its answer.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>How often each server is tried.</summary>
    public int Attempts { get; init; } = 2;

    /// <summary>Longest time that an answer is kept, whatever it says.</summary>
    public TimeSpan LongestTtl { get; init; } = TimeSpan.FromHours(1);

    /// <summary>Longest time that an answer of "there is none" is kept.</summary>
    public TimeSpan LongestNegativeTtl { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>For how long after its time an answer still serves while no server can be reached (RFC 8767).</summary>
    public TimeSpan StaleLimit { get; init; } = TimeSpan.FromHours(1);

    /// <summary>How long such an answer serves before the servers are asked again.</summary>
    public TimeSpan StalePause { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Most answers kept.</summary>
    public int CacheLimit { get; init; } = 1024;

    /// <summary>A number from 0 up to the one given, exclusive: chooses ids and ports, which must not be guessed.</summary>
    public Func<int, int> Random { get; init; } = RandomNumberGenerator.GetInt32;
}
