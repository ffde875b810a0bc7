using System.Net;

namespace MessageStore.Server.Retrieval;

/// <summary>How messages are given out by Id.</summary>
internal sealed record RetrievalOptions
{
    /// <summary>Where a server listens that is told nothing else: only this machine reaches it.</summary>
    public static readonly IPEndPoint DefaultEndPoint = new(IPAddress.Loopback, 8080);

    public IPEndPoint EndPoint { get; init; } = DefaultEndPoint;

    /// <summary>What every request must show.</summary>
    public required string SharedKey { get; init; }

    /// <summary>Certificate with its key (PKCS #12), or a PEM file that holds both; none for plain HTTP on loopback.</summary>
    public string? CertificatePath { get; init; }

    /// <summary>Bytes of messages kept in memory that were read and verified; 0 for none.</summary>
    public long CacheBytes { get; init; } = 64L << 20;

    /// <exception cref="MessageStoreException">InvalidParameter: an address that others reach, without TLS; a key that is too short.</exception>
    public void Check()
    {
        if (SharedKey.Length < MessageStore.Replication.SharedKey.ShortestLength)
            throw Invalid($"The key of the retrieval server must have {MessageStore.Replication.SharedKey.ShortestLength} or more characters.");
        if (!IPAddress.IsLoopback(EndPoint.Address) && CertificatePath is null)
            throw Invalid($"The retrieval server does not listen at {EndPoint} without TLS: everybody on the way could read mail and the key. Name a certificate with --retrieval-certificate, or listen at 127.0.0.1.");

        MessageStoreException Invalid(string message) => new(ErrorIds.InvalidParameter, ErrorKind.InvalidArgument, message, EndPoint.ToString());
    }
}
