using MessageStore.Replication;

namespace MessageStore.Server.Nodes;

/// <summary>Keeps a node's record in its directory: entered at the start, refreshed at intervals and whenever a unit's state changes, withdrawn at the end.</summary>
internal sealed partial class NodeRegistration(IStorageDirectory directory, StorageNode node, NodeOptions options, TimeProvider clock, ILogger<NodeRegistration> log) : IAsyncDisposable
{
    /// <summary>How long a record holds that is not refreshed.</summary>
    private static readonly TimeSpan Lifetime = TimeSpan.FromSeconds(60);

    private static readonly TimeSpan RefreshInterval = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(1);

    private readonly CancellationTokenSource stop = new();
    private Task? running;

    /// <summary>Enters the record.</summary>
    /// <exception cref="MessageStoreException">DirectoryUnavailable, InvalidParameter.</exception>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        await directory.RegisterAsync(Record(), cancellationToken).ConfigureAwait(false);
        running = RefreshAsync(stop.Token); // not on another thread: its timer runs from here on
    }

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync().ConfigureAwait(false);
        if (running is not null) await running.ConfigureAwait(false);
        try
        {
            await directory.WithdrawAsync(node.Name).ConfigureAwait(false);
        }
        catch (MessageStoreException error)
        {
            RefreshFailed(error.Message); // it runs out by itself
        }
        stop.Dispose();
    }

    private async Task RefreshAsync(CancellationToken cancellationToken)
    {
        string last = StateOf(Record());
        long refreshed = clock.GetTimestamp();
        using var timer = new PeriodicTimer(LookInterval, clock);
        try
        {
            while (await timer.WaitForNextTickAsync(cancellationToken).ConfigureAwait(false))
            {
                StorageServerRecord record = Record();
                if (StateOf(record) == last && clock.GetElapsedTime(refreshed) < RefreshInterval) continue;
                try
                {
                    await directory.RefreshAsync(record, cancellationToken).ConfigureAwait(false);
                    (last, refreshed) = (StateOf(record), clock.GetTimestamp());
                }
                catch (MessageStoreException error)
                {
                    RefreshFailed(error.Message);
                }
            }
        }
        catch (OperationCanceledException)
        {
        }
    }

    private StorageServerRecord Record() => new()
    {
        Name = node.Name,
        Url = options.Url!,
        Group = options.Group,
        Weight = options.Weight,
        Units = [.. node.Units.Select(u => new StorageUnitRecord { Name = u.ShortName, Availability = u.GetStatus().Availability, Database = u.Database })],
        Expires = clock.GetUtcNow() + Lifetime,
    };

    private static string StateOf(StorageServerRecord record) => string.Join(' ', record.Units.Select(u => $"{u.Name}={u.Availability}={u.Database}"));

    [LoggerMessage(LogLevel.Warning, "The record of this storage node could not be kept fresh: {reason}")]
    private partial void RefreshFailed(string reason);
}
