namespace MessageStore;

/// <summary>How a server is to be started in the background.</summary>
public sealed record ServerStartOptions
{
    /// <summary>The database that it is to own.</summary>
    public required string Database { get; init; }
    /// <summary>Where it writes its log; <see langword="null"/> for <c>server.log</c> in the database folder.</summary>
    public string? LogPath { get; init; }
    /// <summary>Its configuration, a JSON file; <see langword="null"/> for <c>server.json</c> in the database folder, where there is one.</summary>
    public string? ConfigurationPath { get; init; }
    /// <summary>How long it may take until it answers: a database that was not closed in order is recovered first.</summary>
    public TimeSpan Wait { get; init; } = TimeSpan.FromMinutes(5);
}
