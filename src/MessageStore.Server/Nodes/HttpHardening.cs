using System.Security.Cryptography.X509Certificates;
using MessageStore.Replication;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace MessageStore.Server.Nodes;

/// <summary>What a server for machines sets for strangers: sizes, counts and times are bounded before anybody has shown a key.</summary>
internal static class HttpHardening
{
    private const int HeaderCountLimit = 32;
    private const int HeaderBytesLimit = 8 << 10;
    private const long SmallBodyLimit = 4 << 20;
    private const int ConnectionLimit = 1024;
    private const double SlowestBytesPerSecond = 4096;

    private static readonly TimeSpan HeaderTimeout = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan SlowGrace = TimeSpan.FromSeconds(10);

    public static void Apply(KestrelServerOptions kestrel)
    {
        kestrel.AddServerHeader = false;
        kestrel.Limits.MaxRequestHeaderCount = HeaderCountLimit;
        kestrel.Limits.MaxRequestHeadersTotalSize = HeaderBytesLimit;
        kestrel.Limits.MaxRequestBodySize = SmallBodyLimit;
        kestrel.Limits.MaxConcurrentConnections = ConnectionLimit;
        kestrel.Limits.RequestHeadersTimeout = HeaderTimeout;
        kestrel.Limits.MinRequestBodyDataRate = new MinDataRate(SlowestBytesPerSecond, SlowGrace);
        kestrel.Limits.MinResponseDataRate = new MinDataRate(SlowestBytesPerSecond, SlowGrace);
    }

    /// <summary>TLS with a certificate of ours.</summary>
    /// <param name="certificatePath">Our certificate with its key.</param>
    /// <param name="clientAuthority">Where clients must show a certificate: that of the authority that has signed it.</param>
    /// <exception cref="MessageStoreException">InvalidParameter: a file cannot be used.</exception>
    public static HttpsConnectionAdapterOptions Https(string certificatePath, string? clientAuthority = null)
    {
        var https = new HttpsConnectionAdapterOptions { ServerCertificate = NodeCertificates.LoadWithKey(certificatePath) };
        if (clientAuthority is null) return https;
        X509Certificate2 authority = NodeCertificates.LoadAuthority(clientAuthority);
        https.ClientCertificateMode = ClientCertificateMode.RequireCertificate;
        https.ClientCertificateValidation = (certificate, _, _) => NodeCertificates.IsSignedBy(certificate, authority);
        return https;
    }
}
