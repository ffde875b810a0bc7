namespace MessageStore.Server.Serving;

/// <summary>What a server serves and how.</summary>
internal sealed record ServerOptions
{
    /// <summary>The database folder.</summary>
    public required string Database { get; init; }
}
