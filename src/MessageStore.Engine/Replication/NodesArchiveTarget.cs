using MessageStore.Archiving;
using MessageStore.IO;

namespace MessageStore.Replication;

/// <summary>Archive records on storage nodes: appended by the replicated writer, one key for each copy.</summary>
/// <param name="writer">Stores records.</param>
/// <param name="directory">What is known of nodes.</param>
/// <param name="connector">Leads to them.</param>
/// <param name="copies">How many copies a message gets.</param>
internal sealed class NodesArchiveTarget(ReplicatedWriter writer, DirectoryCache directory, INodeConnector connector, int copies) : IArchiveTarget
{
    /// <summary>The name that keys have for this kind of place.</summary>
    public const string TargetName = "nodes";

    public string Name => TargetName;

    /// <summary>How many copies a message is to have.</summary>
    public int Copies => copies;

    public async ValueTask CheckAsync(CancellationToken cancellationToken = default)
    {
        IReadOnlyList<StorageServerRecord> records;
        try
        {
            records = await directory.ListAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (MessageStoreException error)
        {
            throw Unavailable(error.Message, error);
        }
        if (records.Count < copies) throw Unavailable($"{records.Count} storage nodes are registered, and {copies} copies on different nodes are wanted. Register more with Register-StorageNode.", null);
    }

    public ValueTask<IArchiveSession> OpenSessionAsync(string mailbox, DateTimeOffset storageDate, CancellationToken cancellationToken = default) =>
        ValueTask.FromResult<IArchiveSession>(new NodesArchiveSession(writer));

    public async ValueTask<Stream> OpenAsync(ArchiveKey key, CancellationToken cancellationToken = default)
    {
        FetchedRecord record = await FetchAsync(key, cancellationToken).ConfigureAwait(false);
        return ArchiveRecordReader.OpenBody(record, ArchiveRecordReader.ReadInfo(record, key));
    }

    public async ValueTask<Stream> OpenRecordAsync(ArchiveKey key, CancellationToken cancellationToken = default)
    {
        FetchedRecord record = await FetchAsync(key, cancellationToken).ConfigureAwait(false);
        ArchiveRecordReader.Verify(record, ArchiveRecordReader.ReadInfo(record, key));
        return new StorageFileStream(record, key.Offset, key.Length);
    }

    public async ValueTask<ArchivedRecordInfo> VerifyAsync(ArchiveKey key, CancellationToken cancellationToken = default)
    {
        FetchedRecord record = await FetchAsync(key, cancellationToken).ConfigureAwait(false);
        ArchivedRecordInfo info = ArchiveRecordReader.ReadInfo(record, key);
        ArchiveRecordReader.Verify(record, info);
        return info;
    }

    /// <summary>Fetches the bytes that a key points at, whatever they are.</summary>
    /// <exception cref="MessageStoreException">ArchiveUnavailable: the node does not answer; ArchiveDamaged: there is no such volume, or it ends before.</exception>
    public async ValueTask<FetchedRecord> FetchAsync(ArchiveKey key, CancellationToken cancellationToken)
    {
        string path = $"{key.Unit}/{key.Volume}";
        if (key.Length is < 1 or > UnitOptions.RecordLimit) throw ArchiveErrors.Damaged(path, key.Offset, $"the key of message {key.Id} says that its record has {key.Length} bytes.");
        if (await directory.FindAsync(key.Unit, cancellationToken).ConfigureAwait(false) is not { } node)
            throw Unavailable($"no storage node '{DirectoryCache.NodeOf(key.Unit)}' is registered; message {key.Id} has a copy on it.", null);
        IStorageNode way = connector.Connect(node.Url);
        try
        {
            byte[] bytes = await way.ReadAsync(key.Unit, key.Volume, key.Offset, (int)key.Length, cancellationToken).ConfigureAwait(false);
            return new FetchedRecord(path, bytes, key.Offset);
        }
        catch (MessageStoreException error) when (error.ErrorId == ErrorIds.PathNotFound)
        {
            throw ArchiveErrors.Damaged(path, key.Offset, $"message {key.Id} is missing: {error.Message}");
        }
        catch (MessageStoreException error) when (error.ErrorId is ErrorIds.NodeUnavailable or ErrorIds.NodeRefused or ErrorIds.UnitUnavailable)
        {
            directory.Suspect(node.Name);
            throw Unavailable(error.Message, error);
        }
    }

    private static MessageStoreException Unavailable(string detail, Exception? inner) =>
        new(ErrorIds.ArchiveUnavailable, ErrorKind.Device, $"The archive on storage nodes is not available: {detail}", TargetName, inner);
}
