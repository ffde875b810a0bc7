using MessageStore.Server.Web;

namespace MessageStore.Server.Telemetry;

/// <summary>Keeps the gauges of the database fresh for an exporter, which asks by itself; <c>/metrics</c> looks when it is asked.</summary>
internal sealed class MetricsPump(IMessageStore store, Health health, StoreMetrics metrics, TimeProvider clock) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(15);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            while (true)
            {
                await metrics.LookAsync(store, health, stoppingToken).ConfigureAwait(false);
                await Task.Delay(Interval, clock, stoppingToken).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
        }
    }
}
