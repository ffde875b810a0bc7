namespace MessageStore;

/// <summary>Where a database's archive on S3-compatible object storage is. Credentials are not part of it.</summary>
public sealed record ObjectSettings
{
    /// <summary>Region where none is named; servers of one's own mostly do not care.</summary>
    public const string DefaultRegion = "us-east-1";

    public required string Bucket { get; init; }

    /// <summary>Begins the names of all objects: <c>mail/</c>; may be empty.</summary>
    public string Prefix { get; init; } = "";

    /// <summary>URL of the server, such as <c>https://s3.example.org</c>; <see langword="null"/> for Amazon's in <see cref="Region"/>.</summary>
    public string? Endpoint { get; init; }

    public string Region { get; init; } = DefaultRegion;

    /// <summary>Full path of a file with the credentials; <see langword="null"/> to take them from the environment.</summary>
    public string? CredentialsFile { get; init; }

    /// <summary>Whether what is archived from now on goes there; otherwise it is only read from.</summary>
    public bool IsTarget { get; init; } = true;
}
