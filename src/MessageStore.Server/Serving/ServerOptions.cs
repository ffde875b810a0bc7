using MessageStore.Server.Web;

namespace MessageStore.Server.Serving;

/// <summary>What a server serves and how.</summary>
internal sealed record ServerOptions
{
    /// <summary>The database folder.</summary>
    public required string Database { get; init; }
    /// <summary>Where it writes its log; <see langword="null"/> for the console.</summary>
    public string? LogPath { get; init; }
    /// <summary>The page and its API; <see langword="null"/> for none.</summary>
    public WebOptions? Web { get; init; }
}
