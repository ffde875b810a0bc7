namespace MessageStore.Replication;

/// <summary>Messages of which a read found a bad or missing copy: mended in the background, one after the other. Thread-safe; bounded, for a full repair finds them anyway.</summary>
/// <param name="mend">Mends one message.</param>
internal sealed class RepairQueue(Func<Guid, CancellationToken, Task> mend) : IDisposable
{
    private const int Limit = 10_000;

    private readonly Lock gate = new();
    private readonly HashSet<Guid> waiting = [];
    private readonly CancellationTokenSource stop = new();
    private Task running = Task.CompletedTask;

    /// <summary>Messages that wait or are being mended.</summary>
    public int Count
    {
        get
        {
            lock (gate) return waiting.Count;
        }
    }

    /// <summary>Done when nothing waits any more.</summary>
    public Task Idle
    {
        get
        {
            lock (gate) return running;
        }
    }

    public void Add(Guid id)
    {
        lock (gate)
        {
            if (stop.IsCancellationRequested || waiting.Count >= Limit || !waiting.Add(id)) return;
            if (waiting.Count == 1) running = Task.Run(RunAsync);
        }
    }

    public void Dispose()
    {
        Task last;
        lock (gate)
        {
            stop.Cancel();
            last = running;
        }
        last.Wait();
        stop.Dispose();
    }

    private async Task RunAsync()
    {
        while (true)
        {
            Guid next;
            lock (gate) next = waiting.First();
            try
            {
                if (!stop.IsCancellationRequested) await mend(next, stop.Token).ConfigureAwait(false);
            }
            catch (Exception error) when (error is MessageStoreException or OperationCanceledException)
            {
                // It stays as it is: the next read or the next full repair comes by again, and that one reports.
            }
            lock (gate)
            {
                waiting.Remove(next);
                if (waiting.Count == 0) return;
            }
        }
    }
}
