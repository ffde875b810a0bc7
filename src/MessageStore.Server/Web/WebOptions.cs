using System.Net;
using System.Security.Cryptography.X509Certificates;

namespace MessageStore.Server.Web;

/// <summary>How the page and its API are served.</summary>
internal sealed record WebOptions
{
    /// <summary>Where a server listens that is told nothing else: only this machine reaches it.</summary>
    public static readonly IPEndPoint DefaultEndPoint = new(IPAddress.Loopback, 8025);

    public IPEndPoint EndPoint { get; init; } = DefaultEndPoint;

    /// <summary>The certificate with its key; <see langword="null"/> for no TLS, on loopback only.</summary>
    public X509Certificate2? Certificate { get; init; }

    /// <summary>
    /// Host names under which browsers come, besides <c>localhost</c> and addresses. A name that is not listed is refused, so that a page elsewhere cannot reach a server on
    /// loopback by a name of its own that leads there.
    /// </summary>
    public IReadOnlyList<string> HostNames { get; init; } = [];

    public bool UsesTls => Certificate is not null;

    /// <summary>Why this cannot be served; <see langword="null"/> where it can.</summary>
    public string? WhyNot() => IPAddress.IsLoopback(EndPoint.Address) || UsesTls ? null
        : "others can reach it, and without TLS everybody on the way reads the mail. Name a certificate (Web:Certificate), or listen on 127.0.0.1.";

    /// <exception cref="MessageStoreException">InvalidParameter: an address that others reach, without TLS.</exception>
    public void Check()
    {
        if (WhyNot() is { } reason) throw new MessageStoreException(ErrorIds.InvalidParameter, ErrorKind.InvalidArgument, $"The page cannot be served at {EndPoint}: {reason}", EndPoint.ToString());
    }
}
