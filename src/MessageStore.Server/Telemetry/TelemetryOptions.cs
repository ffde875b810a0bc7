namespace MessageStore.Server.Telemetry;

/// <summary>Where measurements and traces go.</summary>
internal sealed record TelemetryOptions
{
    /// <summary>A collector that takes OTLP over HTTP, such as <c>http://127.0.0.1:4318</c>; <see langword="null"/> for none.</summary>
    public Uri? Otlp { get; init; }
    /// <summary>What the server is called there.</summary>
    public string ServiceName { get; init; } = "messagestored";
    /// <summary>From one export of the metrics to the next.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromMinutes(1);
}
