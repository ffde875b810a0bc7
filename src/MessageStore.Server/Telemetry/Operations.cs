using System.Collections.Frozen;
using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace MessageStore.Server.Telemetry;

/// <summary>
/// What users wait for, measured and traced: a histogram and quantiles of the last five minutes for <see cref="System.Diagnostics.Metrics"/>, an activity of the source <c>MessageStore</c> for whatever listens. Nothing of a message, no
/// address and no mailbox's name is in either.
/// </summary>
internal sealed class Operations : IDisposable
{
    public const string SourceName = "MessageStore";

    /// <summary>A message is stored: from its last byte to its acknowledgement.</summary>
    public const string Append = "append";
    /// <summary>A message is opened for reading.</summary>
    public const string Read = "read";
    /// <summary>Messages are listed or searched.</summary>
    public const string List = "list";

    private static readonly ActivitySource Source = new(SourceName);
    private static readonly double[] Quantiles = [0.5, 0.99];

    private readonly Meter meter = new(SourceName);
    private readonly TimeProvider clock;
    private readonly Histogram<double> durations;
    private readonly FrozenDictionary<string, LatencyWindow> windows;

    public Operations(TimeProvider clock)
    {
        this.clock = clock;
        windows = ((string[])[Append, Read, List]).ToFrozenDictionary(static name => name, _ => new LatencyWindow(clock), StringComparer.Ordinal);
        durations = meter.CreateHistogram<double>("messagestore.operation.duration", "s", "How long users waited.");
        meter.CreateObservableGauge("messagestore.operation.latency", Measure, "s", "How long users waited at most, for a share of the operations of the last five minutes.");
    }

    /// <summary>The instruments.</summary>
    public Meter Meter => meter;

    /// <summary>Measures until what it returns is disposed of.</summary>
    public Operation Begin(string name) => new(this, name, Source.StartActivity(name), clock.GetTimestamp());

    /// <summary>Traces something that is not one of the operations whose times are kept; <see langword="null"/> where nobody listens.</summary>
    public static Activity? Trace(string name) => Source.StartActivity(name);

    /// <summary>What a share of the last five minutes' operations did not exceed; <see langword="null"/> where there were none.</summary>
    public TimeSpan? Quantile(string name, double share) => windows[name].Quantile(share);

    public void Dispose() => meter.Dispose();

    private void End(string name, long begun)
    {
        TimeSpan duration = clock.GetElapsedTime(begun);
        windows[name].Add(duration);
        durations.Record(duration.TotalSeconds, new KeyValuePair<string, object?>("operation", name));
    }

    private IEnumerable<Measurement<double>> Measure()
    {
        foreach ((string name, LatencyWindow window) in windows)
            foreach (double share in Quantiles)
                if (window.Quantile(share) is { } duration)
                    yield return new Measurement<double>(duration.TotalSeconds, new("operation", name), new("quantile", share.ToString(System.Globalization.CultureInfo.InvariantCulture)));
    }

    /// <summary>An operation under way.</summary>
    internal readonly struct Operation(Operations owner, string name, Activity? activity, long begun) : IDisposable
    {
        public void Dispose()
        {
            owner.End(name, begun);
            activity?.Dispose();
        }

        /// <summary>Marks the trace of one that failed.</summary>
        /// <param name="errorId">The stable identifier; never a message that may hold a name.</param>
        public void Failed(string errorId) => activity?.SetStatus(ActivityStatusCode.Error, errorId);
    }
}
