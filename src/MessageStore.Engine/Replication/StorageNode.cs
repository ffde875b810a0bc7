using MessageStore.Archiving;
using MessageStore.IO;

namespace MessageStore.Replication;

/// <summary>A storage node without its network: units, and the way to the next node of a chain.</summary>
/// <param name="name">Name of the node.</param>
/// <param name="units">Its units. The node disposes them.</param>
/// <param name="connector">Leads to the nodes that records are forwarded to.</param>
internal sealed class StorageNode(string name, IReadOnlyList<StorageUnit> units, INodeConnector connector) : IStorageNode, IDisposable
{
    public string Name => name;

    public IReadOnlyList<StorageUnit> Units => units;

    public async ValueTask<IReadOnlyList<HopAnswer>> AppendAsync(AppendRequest request, CancellationToken cancellationToken = default)
    {
        IncomingRecord[] records = [.. request.Records.Select(r => IncomingRecord.Check(r.Bytes, r.Checksum))];

        // The next node works while this one does.
        Task<IReadOnlyList<HopAnswer>>? rest = request.Hops.Count > 1 ? ForwardAsync(request, cancellationToken) : null;
        HopAnswer own = await StoreAsync(request.Hops[0], request.Database, records).ConfigureAwait(false);
        return rest is null ? [own] : [own, .. await rest.ConfigureAwait(false)];
    }

    public ValueTask<byte[]> ReadAsync(string unit, string volume, long offset, int length, CancellationToken cancellationToken = default)
    {
        using IStorageFile file = OpenVolume(unit, volume);
        try
        {
            var bytes = new byte[(int)Math.Clamp(file.Length - offset, 0, length)];
            int count = file.ReadFully(bytes, offset);
            return ValueTask.FromResult(count == bytes.Length ? bytes : bytes[..count]);
        }
        catch (Exception error) when (ArchiveErrors.IsDevice(error))
        {
            throw ArchiveErrors.Wrap(error, $"reading at offset {offset}", file.Path);
        }
    }

    public ValueTask<IReadOnlyList<StorageUnitStatus>> GetStatusAsync(CancellationToken cancellationToken = default) =>
        ValueTask.FromResult<IReadOnlyList<StorageUnitStatus>>([.. units.Select(u => u.GetStatus())]);

    public ValueTask<IReadOnlyList<string>> ListVolumesAsync(string unit, CancellationToken cancellationToken = default) => ValueTask.FromResult(UnitOf(unit).ListVolumes());

    public ValueTask<IReadOnlyList<ListedRecord>> ListRecordsAsync(string unit, string volume, CancellationToken cancellationToken = default) =>
        ValueTask.FromResult<IReadOnlyList<ListedRecord>>([.. UnitOf(unit).ListRecords(volume).Select(r => new ListedRecord(r.Id, r.Offset, r.Length, r.StorageDate))]);

    public ValueTask<long> EraseAsync(string unit, Guid database, IReadOnlyCollection<ErasedRecord> records, CancellationToken cancellationToken = default) =>
        ValueTask.FromResult(Admitted(unit, database).Erase(records));

    public ValueTask<long> ExpireAsync(string unit, Guid database, DateTimeOffset now, IReadOnlySet<Guid> held, CancellationToken cancellationToken = default) =>
        ValueTask.FromResult(Admitted(unit, database).Expire(now, held));

    /// <summary>Opens a volume for reading. The caller disposes it.</summary>
    /// <exception cref="MessageStoreException">UnitUnavailable, PathNotFound, ArchiveUnavailable.</exception>
    public IStorageFile OpenVolume(string unit, string volume) => UnitOf(unit).OpenVolume(volume);

    public void Dispose()
    {
        foreach (StorageUnit unit in units) unit.Dispose();
    }

    private async Task<HopAnswer> StoreAsync(Hop hop, Guid database, IncomingRecord[] records)
    {
        try
        {
            StorageUnit unit = UnitOf(hop.Unit);
            unit.Admit(database, bind: true);
            return new HopAnswer(hop.Unit, await unit.AppendAsync(records).ConfigureAwait(false), null);
        }
        catch (MessageStoreException error)
        {
            return new HopAnswer(hop.Unit, [], error);
        }
    }

    private async Task<IReadOnlyList<HopAnswer>> ForwardAsync(AppendRequest request, CancellationToken cancellationToken)
    {
        Hop[] hops = [.. request.Hops.Skip(1)];
        try
        {
            return await connector.Connect(hops[0].Url).AppendAsync(request with { Hops = hops }, cancellationToken).ConfigureAwait(false);
        }
        catch (MessageStoreException error)
        {
            return [.. hops.Select(h => new HopAnswer(h.Unit, [], error))];
        }
    }

    private StorageUnit Admitted(string name, Guid database)
    {
        StorageUnit unit = UnitOf(name);
        unit.Admit(database, bind: false);
        return unit;
    }

    private StorageUnit UnitOf(string unit) => units.FirstOrDefault(u => u.Name == unit || u.ShortName == unit) ?? throw new MessageStoreException(
        ErrorIds.UnitUnavailable, ErrorKind.NotFound, $"The storage node {name} has no unit '{unit}'.", unit);
}
