using MessageStore.IO;
using MessageStore.Keys;

namespace MessageStore.Replication;

/// <summary>A database's way to its storage nodes: directory, connections, writer and target, put together from its settings.</summary>
internal sealed class NodesArchive : IDisposable
{
    private readonly HttpNodeConnector connector;
    private readonly DirectoryCache directory;
    private readonly ReplicatedWriter writer;
    private readonly IKeyManager keys;
    private readonly TimeProvider time;
    private readonly Guid databaseId;

    private NodesArchive(HttpNodeConnector connector, DirectoryCache directory, ReplicatedWriter writer, NodesArchiveTarget target, IKeyManager keys, TimeProvider time, Guid databaseId)
    {
        this.keys = keys;
        this.databaseId = databaseId;
        Repairs = new RepairQueue((id, cancellationToken) => RepairAsync(new ReplicaRepairOptions { Repair = true, ReadBodies = true, Ids = [id] }, null, cancellationToken));
        this.connector = connector;
        this.directory = directory;
        this.writer = writer;
        this.time = time;
        Target = target;
    }

    public NodesArchiveTarget Target { get; }

    /// <summary>Messages of which a read met a bad copy.</summary>
    public RepairQueue Repairs { get; }

    /// <summary>Puts it together; no node is asked yet.</summary>
    /// <exception cref="MessageStoreException">What is wrong with the settings, the key file or the certificate.</exception>
    public static NodesArchive Open(NodeSettings settings, IKeyManager keys, IStorage storage, TimeProvider time, Guid databaseId)
    {
        Check(settings);
        IStorageDirectory records = StorageDirectories.Open(settings.Directory, storage, time);
        var options = new ReplicationOptions { Copies = settings.Copies, Topology = settings.Topology, Database = databaseId };
        var connector = new HttpNodeConnector(
            settings.KeyFile is { } key ? SharedKey.ReadFile(key) : "", HttpNodeConnector.DefaultTimeout, time,
            settings.AuthorityFile is { } authority ? NodeCertificates.LoadAuthority(authority) : null, settings.CertificateFile is { } certificate ? NodeCertificates.LoadWithKey(certificate) : null);
        var directory = new DirectoryCache(records, options, time);
        var writer = new ReplicatedWriter(directory, connector, new NodeSelector(Random.Shared, time, databaseId), options);
        return new NodesArchive(connector, directory, writer, new NodesArchiveTarget(writer, directory, connector, settings.Copies), keys, time, databaseId);
    }

    /// <exception cref="MessageStoreException">InvalidParameter.</exception>
    public static void Check(NodeSettings settings)
    {
        if (settings.Copies is < 1 or > NodeSettings.CopiesLimit)
            throw new MessageStoreException(ErrorIds.InvalidParameter, ErrorKind.InvalidArgument, $"{settings.Copies} copies were asked for; it must be 1 to {NodeSettings.CopiesLimit}.", settings.Copies);
        if (settings.KeyFile is null && settings.CertificateFile is null)
            throw new MessageStoreException(ErrorIds.InvalidParameter, ErrorKind.InvalidArgument, "Storage nodes ask for a key or a certificate: name the file with the shared key, or the one with the certificate to show them.", settings.Directory);
    }

    /// <summary>Compares copies with keys, and mends them where the options say so.</summary>
    /// <inheritdoc cref="ReplicaRepair.RunAsync"/>
    public Task<ReplicaRepairRun> RepairAsync(ReplicaRepairOptions options, IProgress<RunProgress>? progress, CancellationToken cancellationToken) =>
        new ReplicaRepair(keys, Target, writer, directory, connector, time, databaseId).RunAsync(options, progress, cancellationToken);

    /// <summary>What the directory says.</summary>
    /// <exception cref="MessageStoreException">DirectoryUnavailable.</exception>
    public ValueTask<IReadOnlyList<StorageServerRecord>> ListAsync(CancellationToken cancellationToken) => directory.ListAsync(cancellationToken);

    /// <summary>Whether a copy's node failed lately, so that another copy is better read first.</summary>
    public bool IsSuspect(ArchiveKey key) => key.Target == NodesArchiveTarget.TargetName && directory.IsSuspect(DirectoryCache.NodeOf(key.Unit));

    public void Dispose()
    {
        Repairs.Dispose();
        connector.Dispose();
    }
}
