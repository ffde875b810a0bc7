namespace MessageStore.Keys;

/// <summary>
/// The one authority that maps a message's <c>Id</c> to its archive keys, one for each copy. There is at most one key for an Id, target and unit: a later
/// one takes the place of the earlier. Members may be called from any thread, concurrently.
/// </summary>
/// <remarks>
/// All operating errors are <see cref="MessageStoreException"/>. Where the keys lie on a server, each member may also raise KeysUnavailable: the server does not answer. Of a change that was on its
/// way then it is not known whether it took effect; making it again does no harm.
/// </remarks>
internal interface IKeyManager : IDisposable
{
    /// <summary>Held by whoever writes keys that he has read and changed, so that no change in between is lost.</summary>
    Lock Updating { get; }

    /// <summary>Number of keys, every copy counted.</summary>
    long Count { get; }

    /// <summary>Records keys. They are durable when the call returns, and found from then on.</summary>
    /// <exception cref="MessageStoreException">DiskFull, DeviceFailed, KeysClosedForWriting: none of the keys counts as recorded.</exception>
    void Put(IReadOnlyList<ArchiveKey> keys);

    /// <summary>Forgets every copy of messages; Ids without a key are no error. Durable on return.</summary>
    /// <returns>The number of keys removed.</returns>
    /// <exception cref="MessageStoreException">DiskFull, DeviceFailed, KeysClosedForWriting.</exception>
    long Remove(IReadOnlyList<Guid> ids);

    /// <summary>Forgets single copies of messages: those on the target and unit that a key names, wherever on it they lie by now. Durable on return.</summary>
    /// <returns>The number of keys removed.</returns>
    /// <exception cref="MessageStoreException">DiskFull, DeviceFailed, KeysClosedForWriting.</exception>
    long RemoveCopies(IReadOnlyCollection<ArchiveKey> copies);

    /// <summary>The keys of a message, one for each copy, in no particular order; empty where there is none.</summary>
    /// <exception cref="MessageStoreException">KeysDamaged, DeviceFailed.</exception>
    IReadOnlyList<ArchiveKey> Find(Guid id);

    /// <summary>The keys of several messages, in no particular order: one question where each costs a way to a server.</summary>
    /// <exception cref="MessageStoreException">KeysDamaged, DeviceFailed.</exception>
    IReadOnlyList<ArchiveKey> Find(IReadOnlyCollection<Guid> ids) => [.. ids.SelectMany(Find)];

    /// <summary>
    /// Streams all keys in bounded memory, in an order of the manager's own. Keys recorded or removed meanwhile may or may not be seen; all others are
    /// seen once.
    /// </summary>
    /// <exception cref="MessageStoreException">KeysDamaged, DeviceFailed.</exception>
    IEnumerable<ArchiveKey> List();

    /// <summary>
    /// Bytes of a volume that keys cover: the largest offset plus length that was ever recorded in it, whether or not the key has been removed since.
    /// What lies beyond was written by a run that did not come to record it.
    /// </summary>
    /// <returns>0 for a volume without keys.</returns>
    long EndOf(string target, string unit, string volume);

    /// <summary>
    /// Streams the keys that a question picks, in bounded memory and no particular order. Managers with an index answer from it; a journal is read from end to end.
    /// </summary>
    /// <exception cref="MessageStoreException">KeysDamaged, DeviceFailed.</exception>
    IEnumerable<ArchiveKey> List(KeyQuery query) => List().Where(query.Matches);

    /// <summary>Streams the volumes that keys were ever recorded in, with the bytes covered (<see cref="EndOf"/>), in no particular order.</summary>
    /// <exception cref="MessageStoreException">DeviceFailed.</exception>
    IEnumerable<CoveredVolume> ListVolumes();

    /// <summary>Says of volumes that their bytes are covered, where more is not known of them already: for keys that come from another manager. Durable on return.</summary>
    /// <exception cref="MessageStoreException">DiskFull, DeviceFailed, KeysClosedForWriting.</exception>
    void Cover(IReadOnlyList<CoveredVolume> volumes);
}

/// <summary>A volume and the bytes of it that keys cover or covered.</summary>
internal readonly record struct CoveredVolume(string Target, string Unit, string Volume, long End);
