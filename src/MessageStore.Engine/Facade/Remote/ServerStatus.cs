namespace MessageStore;

public enum ServerState
{
    /// <summary>No server owns the database.</summary>
    Stopped,
    /// <summary>A server owns the database and answers.</summary>
    Running,
    /// <summary>A server is opening the database, and will answer.</summary>
    Opening,
}

/// <summary>Whether a server owns a database, and which.</summary>
public sealed record ServerStatus
{
    /// <summary>The full path of the database.</summary>
    public required string Database { get; init; }
    public required ServerState State { get; init; }
    public int? ProcessId { get; init; }
    public string Version { get; init; } = "";
    public DateTimeOffset? Started { get; init; }
    /// <summary>The Unix socket at which it answers.</summary>
    public string Socket { get; init; } = "";
    /// <summary>How far the opening has come; empty once it answers.</summary>
    public string Opening { get; init; } = "";
}
