using MessageStore.Replication;

namespace MessageStore.Tests.Replication;

/// <summary>Ways to nodes on which something happens.</summary>
internal sealed class WatchedConnector(INodeConnector inner) : INodeConnector
{
    /// <summary>Called before a node is asked for its units, with its connection path.</summary>
    public Action<string> OnStatus { get; set; } = _ => { };

    /// <summary>Waited for before each reading.</summary>
    public Func<Task> OnRead { get; set; } = () => Task.CompletedTask;

    /// <summary>Called before a node is asked to erase, with its connection path.</summary>
    public Action<string> OnErase { get; set; } = _ => { };

    public IStorageNode Connect(string url) => new Way(this, inner.Connect(url), url);

    private sealed class Way(WatchedConnector connector, IStorageNode node, string url) : IStorageNode
    {
        public ValueTask<IReadOnlyList<HopAnswer>> AppendAsync(AppendRequest request, CancellationToken cancellationToken = default) => node.AppendAsync(request, cancellationToken);

        public async ValueTask<byte[]> ReadAsync(string unit, string volume, long offset, int length, CancellationToken cancellationToken = default)
        {
            await connector.OnRead();
            return await node.ReadAsync(unit, volume, offset, length, cancellationToken);
        }

        public ValueTask<IReadOnlyList<StorageUnitStatus>> GetStatusAsync(CancellationToken cancellationToken = default)
        {
            connector.OnStatus(url);
            return node.GetStatusAsync(cancellationToken);
        }

        public ValueTask<IReadOnlyList<string>> ListVolumesAsync(string unit, CancellationToken cancellationToken = default) => node.ListVolumesAsync(unit, cancellationToken);

        public ValueTask<IReadOnlyList<ListedRecord>> ListRecordsAsync(string unit, string volume, CancellationToken cancellationToken = default) => node.ListRecordsAsync(unit, volume, cancellationToken);

        public ValueTask<long> EraseAsync(string unit, Guid database, IReadOnlyCollection<ErasedRecord> records, CancellationToken cancellationToken = default)
        {
            connector.OnErase(url);
            return node.EraseAsync(unit, database, records, cancellationToken);
        }

        public ValueTask<long> ExpireAsync(string unit, Guid database, DateTimeOffset now, IReadOnlySet<Guid> held, CancellationToken cancellationToken = default) =>
            node.ExpireAsync(unit, database, now, held, cancellationToken);
    }
}
