using System.Net;

namespace MessageStore.Server.Web;

/// <summary>How the page and its API are served.</summary>
internal sealed record WebOptions
{
    /// <summary>Where a server listens that is told nothing else: only this machine reaches it.</summary>
    public static readonly IPEndPoint DefaultEndPoint = new(IPAddress.Loopback, 8025);

    public IPEndPoint EndPoint { get; init; } = DefaultEndPoint;

    /// <summary>PEM file of the certificate with its chain; <see langword="null"/> for no TLS, on loopback only.</summary>
    public string? CertificatePath { get; init; }

    /// <summary>PEM file of the certificate's key; <see langword="null"/> where it is in the certificate's file.</summary>
    public string? CertificateKeyPath { get; init; }

    /// <summary>
    /// Host names under which browsers come, besides <c>localhost</c> and addresses. A name that is not listed is refused, so that a page elsewhere cannot reach a server on
    /// loopback by a name of its own that leads there.
    /// </summary>
    public IReadOnlyList<string> HostNames { get; init; } = [];

    /// <summary>The oldest that the newest backup may be before the server calls itself unhealthy; <see langword="null"/> for no limit.</summary>
    public TimeSpan? MaximumBackupAge { get; init; }

    public bool UsesTls => CertificatePath is not null;

    /// <exception cref="MessageStoreException">InvalidParameter: an address that others reach, without TLS.</exception>
    public void Check()
    {
        if (!IPAddress.IsLoopback(EndPoint.Address) && !UsesTls)
            throw new MessageStoreException(ErrorIds.InvalidParameter, ErrorKind.InvalidArgument,
                $"{EndPoint} can be reached from other machines, and without TLS everybody on the way reads the mail. Name a certificate, or listen on 127.0.0.1.", EndPoint.ToString());
    }
}
