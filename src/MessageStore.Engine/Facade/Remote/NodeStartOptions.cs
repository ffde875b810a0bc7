namespace MessageStore;

/// <summary>How a storage node is to be started in the background.</summary>
public sealed record NodeStartOptions
{
    /// <summary>Name of the node: small letters, digits, hyphens.</summary>
    public required string Name { get; init; }
    /// <summary>Folders of its units, full paths.</summary>
    public required IReadOnlyList<string> Units { get; init; }
    /// <summary>Make units of folders that are empty or missing.</summary>
    public bool Create { get; init; }
    /// <summary>Full path of the file with the shared key; <see langword="null"/> where client certificates are enough.</summary>
    public string? KeyFile { get; init; }
    /// <summary>The directory that it enters its record in; <see langword="null"/> for none.</summary>
    public string? Directory { get; init; }
    /// <summary>Address and port; <see langword="null"/> for any free port of 127.0.0.1.</summary>
    public string? Listen { get; init; }
    /// <summary>Full path of its certificate with the key; needed off loopback.</summary>
    public string? CertificateFile { get; init; }
    /// <summary>The database that its units serve; <see langword="null"/> for the first that stores something.</summary>
    public Guid? Database { get; init; }
    public int Group { get; init; }
    public int Weight { get; init; } = 1;
    /// <summary>How long it may take until it answers: units that were not closed in order are gone over first.</summary>
    public TimeSpan Wait { get; init; } = TimeSpan.FromMinutes(5);
}

/// <summary>A storage node that runs on this machine.</summary>
public sealed record StorageNodeProcess
{
    public required string Name { get; init; }
    public required int ProcessId { get; init; }
    /// <summary>The connection path; empty where it was not asked for.</summary>
    public string Url { get; init; } = "";
    /// <summary>Folders of its units.</summary>
    public required IReadOnlyList<string> Unit { get; init; }
}
