using System.Net;
using MessageStore.Server.Telemetry;
using MessageStore.Server.Web;

namespace MessageStore.Server.Serving;

/// <summary>The settings of the page, of what is called healthy, and of telemetry; each is described in <c>docs/server.md</c>.</summary>
internal static class WebConfiguration
{
    /// <returns><see langword="null"/> where there is to be no page.</returns>
    public static WebOptions? Read(ConfigurationReader root)
    {
        ConfigurationReader web = root.Section("Web");
        IReadOnlyList<IPEndPoint> addresses = web.Addresses("Listen");
        var options = new WebOptions { Certificate = Certificates.Read(web), HostNames = web.List("Hosts") };
        web.RefuseTheRest();
        if (addresses.Count == 0) return null;
        options = options with { EndPoint = addresses[0] };
        if (addresses.Count > 1) web.Refuse("Listen", "names more than one address.");
        if (options.WhyNot() is { } reason) web.Refuse("Listen", $"is {addresses[0]}: {reason}");
        return options;
    }

    public static HealthLimits ReadHealth(ConfigurationReader root)
    {
        ConfigurationReader health = root.Section("Health");
        TimeSpan age = health.Duration(nameof(HealthLimits.MaximumBackupAge), TimeSpan.Zero);
        var limits = new HealthLimits
        {
            MaximumBackupAge = age > TimeSpan.Zero ? age : null,
            MaximumMissingCopies = health.Number(nameof(HealthLimits.MaximumMissingCopies), 0, 0, long.MaxValue),
        };
        health.RefuseTheRest();
        return limits;
    }

    public static TelemetryOptions ReadTelemetry(ConfigurationReader root)
    {
        ConfigurationReader telemetry = root.Section("Telemetry");
        var byDefault = new TelemetryOptions();
        string otlp = telemetry.Text(nameof(byDefault.Otlp), "");
        bool isUri = Uri.TryCreate(otlp, UriKind.Absolute, out Uri? collector) && (collector.Scheme == Uri.UriSchemeHttp || collector.Scheme == Uri.UriSchemeHttps);
        if (otlp.Length > 0 && !isUri) telemetry.Refuse(nameof(byDefault.Otlp), $"is '{otlp}'; it must be the address of a collector, such as http://127.0.0.1:4318.");
        var options = new TelemetryOptions
        {
            Otlp = isUri ? collector : null,
            ServiceName = telemetry.Text(nameof(byDefault.ServiceName), byDefault.ServiceName),
            Interval = telemetry.Duration(nameof(byDefault.Interval), byDefault.Interval),
        };
        telemetry.RefuseTheRest();
        return options;
    }
}
