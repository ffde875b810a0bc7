namespace MessageStore.Keys;

/// <summary>
/// The key manager of an open database: one that can be exchanged for another while everybody goes on. Reading never waits; changes wait while an exchange is under way, so that
/// none is lost between the two.
/// </summary>
/// <param name="first">The key manager to begin with. This one disposes it.</param>
internal sealed class KeySwitch(IKeyManager first) : IKeyManager
{
    private readonly ReaderWriterLockSlim changes = new(); // read: a change is under way; write: an exchange is
    private readonly List<IKeyManager> replaced = [];
    private volatile IKeyManager current = first;
    private MessageStoreException? closed;

    /// <summary>The one that counts now.</summary>
    public IKeyManager Current => current;

    public Lock Updating { get; } = new();

    public long Count => current.Count;

    public void Put(IReadOnlyList<ArchiveKey> keys) => Change(m =>
    {
        m.Put(keys);
        return true;
    });

    public long Remove(IReadOnlyList<Guid> ids) => Change(m => m.Remove(ids));

    public long RemoveCopies(IReadOnlyCollection<ArchiveKey> copies) => Change(m => m.RemoveCopies(copies));

    public void Cover(IReadOnlyList<CoveredVolume> volumes) => Change(m =>
    {
        m.Cover(volumes);
        return true;
    });

    public IReadOnlyList<ArchiveKey> Find(Guid id) => current.Find(id);

    public IReadOnlyList<ArchiveKey> Find(IReadOnlyCollection<Guid> ids) => current.Find(ids);

    public IEnumerable<ArchiveKey> List() => current.List();

    public IEnumerable<ArchiveKey> List(KeyQuery query) => current.List(query);

    public long EndOf(string target, string unit, string volume) => current.EndOf(target, unit, volume);

    public IEnumerable<CoveredVolume> ListVolumes() => current.ListVolumes();

    /// <summary>Exchanges the key manager; nothing changes meanwhile.</summary>
    /// <param name="make">Gets the old one and makes the new one, which holds the same. Where it fails the old one stays.</param>
    /// <param name="decide">
    /// Makes the new one count from now on, durably. Where this fails it is not known which of the two the next opening takes: both can be read, and neither is changed any more until then.
    /// </param>
    public void Exchange(Func<IKeyManager, IKeyManager> make, Action decide)
    {
        changes.EnterWriteLock();
        try
        {
            if (closed is not null) throw Refusal(closed);
            IKeyManager next = make(current);
            replaced.Add(current); // somebody may be reading from it
            current = next;
            try
            {
                decide();
            }
            catch (MessageStoreException error)
            {
                closed = error;
                throw;
            }
        }
        finally
        {
            changes.ExitWriteLock();
        }
    }

    public void Dispose()
    {
        current.Dispose();
        foreach (IKeyManager old in replaced) old.Dispose();
        changes.Dispose();
    }

    private T Change<T>(Func<IKeyManager, T> change)
    {
        changes.EnterReadLock();
        try
        {
            if (closed is not null) throw Refusal(closed);
            return change(current);
        }
        finally
        {
            changes.ExitReadLock();
        }
    }

    private static MessageStoreException Refusal(MessageStoreException cause) => new(ErrorIds.KeysClosedForWriting, ErrorKind.Device,
        $"Archive keys are not changed any more since a move of them failed at its last step: {cause.Message} Open the database again.", cause.Target, cause);
}
