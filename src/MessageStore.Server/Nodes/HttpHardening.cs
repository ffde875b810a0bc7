using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Server.Kestrel.Core;

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

    /// <summary>Reads a certificate with its key: PKCS #12, or a PEM file that holds both.</summary>
    /// <exception cref="MessageStoreException">InvalidParameter.</exception>
    public static X509Certificate2 LoadCertificate(string path)
    {
        try
        {
            return path.EndsWith(".pem", StringComparison.OrdinalIgnoreCase) ? X509Certificate2.CreateFromPemFile(path) : X509CertificateLoader.LoadPkcs12FromFile(path, null);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or CryptographicException)
        {
            throw new MessageStoreException(ErrorIds.InvalidParameter, ErrorKind.InvalidArgument, $"The certificate {path} cannot be used: {error.Message}", path, error);
        }
    }
}
