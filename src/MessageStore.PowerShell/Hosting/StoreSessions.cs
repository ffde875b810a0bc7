namespace MessageStore.PowerShell.Hosting;

/// <summary>
/// The databases that one cmdlet has open: opened at the first item that needs them, closed when the cmdlet ends. Cmdlets of one
/// pipeline share an open database because the engine does.
/// </summary>
internal sealed class StoreSessions : IDisposable
{
    private readonly Dictionary<string, IMessageStore> stores = new(StringComparer.Ordinal);
    private readonly Lock gate = new();
    private bool closed;

    public async Task<IMessageStore> OpenAsync(string path, Func<string, CancellationToken, Task<IMessageStore>> open, CancellationToken token)
    {
        lock (gate)
        {
            if (stores.TryGetValue(path, out IMessageStore? known)) return known;
        }

        IMessageStore store = await open(path, token).ConfigureAwait(false);
        lock (gate)
        {
            if (!closed)
            {
                stores[path] = store;
                return store;
            }
        }

        // The cmdlet was stopped while the database opened.
        await store.DisposeAsync().ConfigureAwait(false);
        throw new OperationCanceledException();
    }

    public void Dispose()
    {
        List<IMessageStore> last;
        lock (gate)
        {
            closed = true;
            last = [.. stores.Values];
            stores.Clear();
        }

        foreach (IMessageStore store in last) Task.Run(() => store.DisposeAsync().AsTask()).GetAwaiter().GetResult();
    }
}
