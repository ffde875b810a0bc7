namespace MessageStore.Remote;

/// <summary>What a server says of itself to whoever connects.</summary>
internal sealed record ServerGreeting
{
    /// <summary>Version of the framing, <see cref="Wire.Protocol"/>.</summary>
    public required int Protocol { get; init; }
    /// <summary><see cref="StoreContract.Fingerprint"/>.</summary>
    public required string Contract { get; init; }
    /// <summary>Version of the server, for people.</summary>
    public required string Version { get; init; }
    public required int ProcessId { get; init; }
    public required DateTimeOffset Started { get; init; }

    /// <summary>The version of this build of the engine.</summary>
    public static string OwnVersion => typeof(ServerGreeting).Assembly.GetName().Version!.ToString(3);
}
