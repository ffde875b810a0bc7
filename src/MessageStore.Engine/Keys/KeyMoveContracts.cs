using System.Text.Json.Serialization;

namespace MessageStore;

/// <summary>What keeps a database's archive keys.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<KeyManagerKind>))]
public enum KeyManagerKind
{
    /// <summary>A journal in the database folder.</summary>
    Embedded,
    /// <summary>A PostgreSQL server, or another one that speaks its protocol.</summary>
    PostgreSql,
}

/// <summary>Where archive keys are to go.</summary>
public sealed record KeyMoveOptions
{
    public required KeyManagerKind To { get; init; }

    /// <summary>Full path of the file with the connection string, for <see cref="KeyManagerKind.PostgreSql"/>.</summary>
    public string? ConnectionFile { get; init; }

    /// <summary>Replace keys of this database that the server holds already: those of an earlier time, or of another copy of the database.</summary>
    public bool Replace { get; init; }
}

/// <summary>A move of archive keys from one key manager to another.</summary>
public sealed record KeyMove
{
    /// <summary>The database.</summary>
    public required string Path { get; init; }

    public required KeyManagerKind To { get; init; }

    /// <summary>Keys moved, each compared bit by bit.</summary>
    public required long Keys { get; init; }

    /// <summary>Volumes that they lie in, or lay.</summary>
    public required long Volumes { get; init; }

    public TimeSpan Duration { get; init; }

    /// <summary>What could not be cleared away; empty where all could.</summary>
    public string Note { get; init; } = "";
}
