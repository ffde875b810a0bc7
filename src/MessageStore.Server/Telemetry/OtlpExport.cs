using System.Collections;
using MessageStore.Server.Web;
using OpenTelemetry.Exporter;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace MessageStore.Server.Telemetry;

/// <summary>Sends measurements and traces to a collector (OTLP over HTTP, protobuf), where the configuration names one.</summary>
internal static class OtlpExport
{
    private const string StandardPrefix = "OTEL_";

    public static void AddServices(WebApplicationBuilder builder, TelemetryOptions options)
    {
        if (options.Otlp is not { } collector) return;
        builder.Configuration.AddInMemoryCollection(StandardVariables());
        IServiceCollection services = builder.Services;
        services.AddHostedService<MetricsPump>();
        services.AddOpenTelemetry()
            .ConfigureResource(resource => resource.AddService(options.ServiceName))
            // Each request of the web server is an activity that nobody samples, and what is below it would go with it. Its own are left out: they hold queries, and so names.
            .WithTracing(traces => traces.AddSource(Operations.SourceName).SetSampler(new AlwaysOnSampler()).AddOtlpExporter(exporter => Aim(exporter, collector, "v1/traces")))
            .WithMetrics(metrics => metrics.AddMeter(StoreMetrics.MeterName).AddOtlpExporter((exporter, reader) =>
            {
                Aim(exporter, collector, "v1/metrics");
                reader.PeriodicExportingMetricReaderOptions.ExportIntervalMilliseconds = (int)options.Interval.TotalMilliseconds;
            }));
    }

    /// <summary>What the standard lets the environment say, such as a key for the collector (OTEL_EXPORTER_OTLP_HEADERS). Nothing else of the environment is taken (<see cref="Serving.ServerHost"/>).</summary>
    private static IEnumerable<KeyValuePair<string, string?>> StandardVariables() => Environment.GetEnvironmentVariables().Cast<DictionaryEntry>()
        .Where(static v => ((string)v.Key).StartsWith(StandardPrefix, StringComparison.Ordinal)).Select(static v => KeyValuePair.Create((string)v.Key, (string?)v.Value));

    private static void Aim(OtlpExporterOptions exporter, Uri collector, string path)
    {
        exporter.Protocol = OtlpExportProtocol.HttpProtobuf;
        exporter.Endpoint = new Uri(collector.AbsoluteUri.TrimEnd('/') + "/" + path);
    }
}
