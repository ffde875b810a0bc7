namespace MessageStore.Replication;

/// <summary>
/// What a storage node does for its callers, wherever it is: in this process, behind HTTP, or in a simulation of a network. Members may be called from any thread,
/// concurrently.
/// </summary>
/// <remarks>
/// Operating errors are <see cref="MessageStoreException"/>: NodeUnavailable (no answer, whatever the reason: what was asked for may have happened or not), NodeRefused (the
/// node does not accept our key), UnitUnavailable (it has no such unit, or the unit was taken out), and those named at the members.
/// </remarks>
internal interface IStorageNode
{
    /// <summary>Stores records on the first hop's unit and forwards them to the others.</summary>
    /// <returns>An answer for each hop, in order. A failure of a unit or of a later hop is in its answer.</returns>
    /// <exception cref="MessageStoreException">MessageDamaged: the records are not what was sent; nothing was stored.</exception>
    ValueTask<IReadOnlyList<HopAnswer>> AppendAsync(AppendRequest request, CancellationToken cancellationToken = default);

    /// <summary>Reads bytes of a volume.</summary>
    /// <returns>As many as there are, up to <paramref name="length"/>.</returns>
    /// <exception cref="MessageStoreException">PathNotFound: there is no such volume.</exception>
    ValueTask<byte[]> ReadAsync(string unit, string volume, long offset, int length, CancellationToken cancellationToken = default);

    ValueTask<IReadOnlyList<StorageUnitStatus>> GetStatusAsync(CancellationToken cancellationToken = default);

    ValueTask<IReadOnlyList<string>> ListVolumesAsync(string unit, CancellationToken cancellationToken = default);

    /// <summary>The records of a volume, by their headers.</summary>
    /// <exception cref="MessageStoreException">PathNotFound: there is no such volume.</exception>
    ValueTask<IReadOnlyList<ListedRecord>> ListRecordsAsync(string unit, string volume, CancellationToken cancellationToken = default);

    /// <summary>Erases single records.</summary>
    /// <returns>The number of records erased.</returns>
    /// <exception cref="MessageStoreException">UnitOfAnotherDatabase.</exception>
    ValueTask<long> EraseAsync(string unit, Guid database, IReadOnlyCollection<ErasedRecord> records, CancellationToken cancellationToken = default);

    /// <summary>Deletes the volumes that are due, but for those with a held message.</summary>
    /// <returns>The number of records that are gone.</returns>
    /// <exception cref="MessageStoreException">UnitOfAnotherDatabase.</exception>
    ValueTask<long> ExpireAsync(string unit, Guid database, DateTimeOffset now, IReadOnlySet<Guid> held, CancellationToken cancellationToken = default);
}

/// <summary>Finds the way to a node.</summary>
internal interface INodeConnector
{
    /// <param name="url">The connection path in the node's record.</param>
    IStorageNode Connect(string url);
}

/// <summary>A record as a node lists it.</summary>
internal readonly record struct ListedRecord(Guid Id, long Offset, long Length, DateTimeOffset StorageDate);

/// <summary>A record that is to be erased.</summary>
/// <param name="Length">Its length as its key has it, so that its bytes can be filled where its header cannot be read any more; 0 where nobody knows.</param>
internal readonly record struct ErasedRecord(Guid Id, string Volume, long Offset, long Length = 0);

/// <summary>A station of records on their way: a unit and the node that has it.</summary>
/// <param name="Url">The connection path of the node.</param>
/// <param name="Unit">The unit as keys name it: <c>node/unit</c>.</param>
internal readonly record struct Hop(string Url, string Unit);

/// <summary>A record as it is sent.</summary>
/// <param name="Bytes">The gzip member.</param>
/// <param name="Checksum">Its CRC-32C.</param>
internal readonly record struct SentRecord(ReadOnlyMemory<byte> Bytes, uint Checksum);

/// <summary>Records to be stored.</summary>
/// <param name="Hops">The first is the receiver; to the others it forwards, in order. 1 to <see cref="HopLimit"/>.</param>
/// <param name="Records">1 to <see cref="RecordCountLimit"/>.</param>
internal sealed record AppendRequest(IReadOnlyList<Hop> Hops, IReadOnlyList<SentRecord> Records)
{
    /// <summary>The database whose records they are; empty where the sender names none. Units that serve another refuse them.</summary>
    public Guid Database { get; init; }

    public const int HopLimit = 8;

    public const int RecordCountLimit = 4096;

    /// <summary>Bytes of records in one request: 64 MiB and one record of any size.</summary>
    public const long BytesLimit = 64L << 20;
}

/// <summary>What one unit answered.</summary>
/// <param name="Unit">The unit as keys name it.</param>
/// <param name="Places">The place of each record; empty where there is an error.</param>
/// <param name="Error">Why the unit did not acknowledge.</param>
internal sealed record HopAnswer(string Unit, IReadOnlyList<RecordPlace> Places, MessageStoreException? Error)
{
    public bool IsAcknowledged => Error is null;
}
