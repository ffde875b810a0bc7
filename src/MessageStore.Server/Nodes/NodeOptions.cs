using System.Net;

namespace MessageStore.Server.Nodes;

/// <summary>What a storage node serves and how.</summary>
internal sealed record NodeOptions
{
    /// <summary>Name of the node, unique in its directory.</summary>
    public required string Name { get; init; }

    /// <summary>Folders of its units, each as a rule on a disk of its own.</summary>
    public required IReadOnlyList<string> Units { get; init; }

    /// <summary>Make units of folders that are empty or missing.</summary>
    public bool Create { get; init; }

    /// <summary>Where it listens; port 0 for any that is free.</summary>
    public IPEndPoint Listen { get; init; } = new(IPAddress.Loopback, 0);

    /// <summary>What every request must show; empty where a client's certificate is enough.</summary>
    public required string SharedKey { get; init; }

    /// <summary>A certificate that other nodes' certificates must be signed by; none for the system's authorities.</summary>
    public string? AuthorityPath { get; init; }

    /// <summary>Let nobody in who does not show a certificate that the authority has signed.</summary>
    public bool ClientCertificates { get; init; }

    /// <summary>Certificate with its key (PKCS #12), or a PEM file that holds both; none for plain HTTP on loopback.</summary>
    public string? CertificatePath { get; init; }

    /// <summary>The path that others reach it by, where that is not the address it listens at.</summary>
    public string? Url { get; init; }

    /// <summary>Where it enters its record; none to be registered by hand.</summary>
    public string? Directory { get; init; }

    /// <summary>The database that units are to serve which do not say whose they are; none for the first that stores something.</summary>
    public Guid? Database { get; init; }

    public int Group { get; init; }

    public int Weight { get; init; } = 1;

    /// <summary>Bytes of records in memory at which a unit writes a block.</summary>
    public int BufferSize { get; init; } = 1 << 20;

    /// <summary>How long a block may wait to become full.</summary>
    public TimeSpan Linger { get; init; }

    /// <summary>Bytes of requests that may be in memory at a time; who comes beyond waits.</summary>
    public long Memory { get; init; } = 256L << 20;

    public bool IsLoopback => IPAddress.IsLoopback(Listen.Address);
}
