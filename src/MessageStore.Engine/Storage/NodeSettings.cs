using System.Text.Json.Serialization;

namespace MessageStore;

/// <summary>How records reach several nodes.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<ReplicationTopology>))]
public enum ReplicationTopology
{
    /// <summary>The writer sends to every node.</summary>
    FanOut,
    /// <summary>The writer sends to the first node, which forwards to the next and answers for all.</summary>
    Chain,
}

/// <summary>Where a database's storage nodes are and how it uses them.</summary>
public sealed record NodeSettings
{
    /// <summary>Most copies of a message.</summary>
    public const int CopiesLimit = 8;

    /// <summary>The directory of storage server records: the full path of a file.</summary>
    public required string Directory { get; init; }

    /// <summary>The file with the key that nodes ask for; <see langword="null"/> where they ask for a certificate alone.</summary>
    public string? KeyFile { get; init; }

    /// <summary>A certificate with its key (.pfx or .pem) to show to nodes that ask for one; <see langword="null"/> for none.</summary>
    public string? CertificateFile { get; init; }

    /// <summary>Units on different nodes that must acknowledge before a message is called stored, 1 to <see cref="CopiesLimit"/>.</summary>
    public int Copies { get; init; } = 2;

    public ReplicationTopology Topology { get; init; }

    /// <summary>A certificate (PEM or DER) that nodes' certificates must be signed by; none for the system's authorities.</summary>
    public string? AuthorityFile { get; init; }

    /// <summary>Whether what is archived from now on goes to the nodes; otherwise they are only read from.</summary>
    public bool IsTarget { get; init; } = true;
}
