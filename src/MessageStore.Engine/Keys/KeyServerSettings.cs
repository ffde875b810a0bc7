namespace MessageStore;

/// <summary>Where a database's keys are that are kept on a server. What opens the server is not part of it.</summary>
public sealed record KeyServerSettings
{
    /// <summary>Full path of the file that holds the connection string, readable by its owner alone.</summary>
    public required string ConnectionFile { get; init; }

    /// <summary>Says which copy of the database the keys there belong to.</summary>
    public required Guid Token { get; init; }
}
