using System.Diagnostics.Metrics;

namespace MessageStore.Server.Web;

/// <summary>
/// The database in figures for <see cref="System.Diagnostics.Metrics"/>: whatever listens (Prometheus' page here, an exporter, <c>dotnet-counters</c>) gets them by name. Nothing of a message, and no mailbox's name, is in
/// them.
/// </summary>
internal sealed class StoreMetrics : IDisposable
{
    public const string MeterName = "MessageStore";

    private readonly Meter meter = new(MeterName);
    private readonly Lock gate = new();
    private DatabaseStatus? status;
    private HealthReport health = new(true, []);

    public StoreMetrics()
    {
        Gauge("messagestore.messages", "{message}", "Messages, hot and archived.", static group => group.MessageCount);
        Gauge("messagestore.messages.archived", "{message}", "Messages in the archive.", static group => group.ArchivedMessageCount);
        Gauge("messagestore.hot", "By", "Bytes of messages in the store.", static group => group.HotBytes);
        Gauge("messagestore.archived", "By", "Bytes of messages in the archive.", static group => group.ArchivedBytes);
        Gauge("messagestore.store", "By", "Bytes of segment files.", static group => group.StoreBytes);
        Gauge("messagestore.dead", "By", "Bytes in segments that no message needs.", static group => group.DeadBytes);
        Gauge("messagestore.log", "By", "Bytes of log files.", static group => group.LogBytes);
        Gauge("messagestore.lsn", "{transaction}", "Newest durable transaction.", static group => (long)group.Lsn);
        Gauge("messagestore.open", "1", "1 where the group reads and writes.", static group => group.State == StorageState.Open ? 1 : 0);
        meter.CreateObservableGauge("messagestore.backup.age", () => Groups(static group => group.BackupAge is { } age ? age.TotalSeconds : double.PositiveInfinity), "s",
            "Age of the newest complete backup; infinite where there is none.");
        meter.CreateObservableGauge("messagestore.copies.missing", MissingCopies, "{message}", "Messages with fewer copies on storage nodes than they should have, as the last test found.");
        meter.CreateObservableGauge("messagestore.healthy", () => { lock (gate) return health.IsHealthy ? 1 : 0; }, "1", "1 where no invariant is broken.");
    }

    /// <summary>The instruments.</summary>
    public Meter Meter => meter;

    /// <summary>Looks at the database. What cannot be looked at is not healthy, and that is a figure too.</summary>
    public async Task LookAsync(IMessageStore store, Health look, CancellationToken cancellationToken)
    {
        HealthReport report = await look.LookAsync(cancellationToken).ConfigureAwait(false);
        DatabaseStatus? newest = null;
        try
        {
            newest = await store.GetStatusAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (MessageStoreException)
        {
            // The report says so.
        }
        lock (gate) (status, health) = (newest, report);
    }

    public void Dispose() => meter.Dispose();

    private IEnumerable<Measurement<long>> MissingCopies()
    {
        lock (gate) return status?.UnderReplicatedCount is { } missing ? [new Measurement<long>(missing)] : [];
    }

    private void Gauge(string name, string unit, string description, Func<StorageGroupStatus, long> value) =>
        meter.CreateObservableGauge(name, () => Groups(value), unit, description);

    private IEnumerable<Measurement<T>> Groups<T>(Func<StorageGroupStatus, T> value) where T : struct
    {
        DatabaseStatus? now;
        lock (gate) now = status;
        return now is null ? [] : [.. now.StorageGroups.Select(group => new Measurement<T>(value(group), new KeyValuePair<string, object?>("storage_group", group.Name)))];
    }
}
