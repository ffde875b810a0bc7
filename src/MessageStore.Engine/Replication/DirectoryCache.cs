namespace MessageStore.Replication;

/// <summary>What the directory said last, for a while, and which nodes failed lately. Thread-safe.</summary>
/// <param name="directory">The directory.</param>
/// <param name="options">How long either holds.</param>
/// <param name="time">Counts it.</param>
internal sealed class DirectoryCache(IStorageDirectory directory, ReplicationOptions options, TimeProvider time)
{
    private readonly Lock gate = new();
    private readonly Dictionary<string, DateTimeOffset> suspects = [];
    private IReadOnlyList<StorageServerRecord>? records;
    private DateTimeOffset read;

    /// <summary>The records of all nodes, those that have run out included.</summary>
    /// <exception cref="MessageStoreException">DirectoryUnavailable, and nothing was known from before.</exception>
    public async ValueTask<IReadOnlyList<StorageServerRecord>> ListAsync(CancellationToken cancellationToken)
    {
        IReadOnlyList<StorageServerRecord>? known;
        lock (gate)
        {
            known = records;
            if (known is not null && time.GetUtcNow() - read < options.DirectoryAge) return known;
        }
        try
        {
            IReadOnlyList<StorageServerRecord> found = await directory.ListAsync(cancellationToken).ConfigureAwait(false);
            lock (gate) (records, read) = (found, time.GetUtcNow());
            return found;
        }
        catch (MessageStoreException) when (known is not null)
        {
            // The nodes may well be there although the directory is not; records that have run out are left out by whoever chooses.
            return known;
        }
    }

    /// <summary>The record of a node by a unit's name; <see langword="null"/> where there is none.</summary>
    public async ValueTask<StorageServerRecord?> FindAsync(string unit, CancellationToken cancellationToken)
    {
        string node = NodeOf(unit);
        return (await ListAsync(cancellationToken).ConfigureAwait(false)).FirstOrDefault(r => r.Name == node);
    }

    public bool IsSuspect(string node)
    {
        lock (gate) return suspects.TryGetValue(node, out DateTimeOffset until) && time.GetUtcNow() < until;
    }

    public void Suspect(string node)
    {
        lock (gate) suspects[node] = time.GetUtcNow() + options.SuspectFor;
    }

    public void Trust(string node)
    {
        lock (gate) suspects.Remove(node);
    }

    /// <summary>The node in a unit's name.</summary>
    public static string NodeOf(string unit) => unit[..Math.Max(0, unit.IndexOf('/'))];
}
