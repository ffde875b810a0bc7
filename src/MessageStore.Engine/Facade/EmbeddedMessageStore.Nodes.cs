using System.Runtime.CompilerServices;
using MessageStore.Maintenance;
using MessageStore.Replication;

namespace MessageStore;

internal sealed partial class EmbeddedMessageStore
{
    public async Task<DatabaseStatus> SetNodesAsync(NodeSettings settings, CancellationToken cancellationToken = default)
    {
        using (MaintenanceLock.Take(database.Storage, Path, MaintenanceTask.Archive, database.Clock)) database.SetNodes(settings);
        return await GetStatusAsync(cancellationToken).ConfigureAwait(false);
    }

    public async Task<DatabaseStatus> SetObjectsAsync(ObjectSettings settings, CancellationToken cancellationToken = default)
    {
        using (MaintenanceLock.Take(database.Storage, Path, MaintenanceTask.Archive, database.Clock)) await database.SetObjectsAsync(settings, cancellationToken).ConfigureAwait(false);
        return await GetStatusAsync(cancellationToken).ConfigureAwait(false);
    }

    public async IAsyncEnumerable<StorageServerRecord> ListStorageNodesAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        foreach (StorageServerRecord record in await Nodes.ListAsync(cancellationToken).ConfigureAwait(false)) yield return record;
    }

    public async Task<ReplicaRepairRun> RepairCopiesAsync(ReplicaRepairOptions options, IProgress<RunProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        NodesArchive nodes = Nodes;

        // An archive run may be about to record keys of records that repair sees without one.
        using MaintenanceLock turn = MaintenanceLock.Take(database.Storage, Path, MaintenanceTask.Archive, database.Clock);
        ReplicaRepairRun run = await nodes.RepairAsync(options, progress, cancellationToken).ConfigureAwait(false);
        if (options.Ids.Count == 0) database.Copies = ReplicaFigures.Save(database.Storage, Path, run, database.Clock.GetUtcNow());
        return run;
    }

    private NodesArchive Nodes => database.Nodes ?? throw new MessageStoreException(ErrorIds.NodesNotSet, ErrorKind.NotSupported,
        $"{Path} is not told where its storage nodes are, or cannot use them. Name them with Set-MessageArchive -Target Nodes.", Path);
}
