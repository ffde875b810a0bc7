using System.Collections.Concurrent;
using System.Net.Http.Headers;
using System.Security.Cryptography.X509Certificates;

namespace MessageStore.Replication;

/// <summary>Ways to storage nodes over HTTP. Connections are kept and shared.</summary>
internal sealed class HttpNodeConnector : INodeConnector, IDisposable
{
    /// <summary>How long one request may take unless told otherwise.</summary>
    public static readonly TimeSpan DefaultTimeout = TimeSpan.FromSeconds(10);

    private const int ConnectionsPerNode = 16;
    private const int HeaderLimitKiB = 16;

    private readonly ConcurrentDictionary<string, HttpStorageNode> nodes = new(StringComparer.Ordinal);
    private readonly HttpClient http;
    private readonly TimeSpan timeout;
    private readonly TimeProvider time;

    /// <param name="sharedKey">What nodes ask for; empty where client certificates do.</param>
    /// <param name="timeout">How long one request may take.</param>
    /// <param name="time">Counts it.</param>
    /// <param name="authority">A certificate that nodes' certificates must be signed by, in place of the system's authorities.</param>
    /// <param name="certificate">Shown to nodes that ask for one.</param>
    public HttpNodeConnector(string sharedKey, TimeSpan timeout, TimeProvider time, X509Certificate2? authority = null, X509Certificate2? certificate = null)
    {
        this.timeout = timeout;
        this.time = time;
        var handler = new SocketsHttpHandler
        {
            ConnectTimeout = timeout,
            MaxConnectionsPerServer = ConnectionsPerNode,
            MaxResponseHeadersLength = HeaderLimitKiB,
            AllowAutoRedirect = false, // the key goes to whom it is meant for
            UseCookies = false,
            UseProxy = false,
            PooledConnectionIdleTimeout = TimeSpan.FromMinutes(1),
        };
        if (certificate is not null) handler.SslOptions.ClientCertificates = [certificate];
        if (authority is not null)
        {
            handler.SslOptions.CertificateChainPolicy = NodeCertificates.PolicyOf(authority);
        }
        http = new HttpClient(handler) { Timeout = Timeout.InfiniteTimeSpan };
        if (sharedKey.Length > 0) http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", sharedKey);
    }

    public IStorageNode Connect(string url) => nodes.GetOrAdd(url, u => new HttpStorageNode(http, new Uri(u), timeout, time));

    public void Dispose() => http.Dispose();
}
