namespace MessageStore.Keys;

/// <summary>A key manager that could not be set up when the database was opened: current mail goes on, and whoever needs a key is told why.</summary>
/// <param name="reason">What is wrong with it.</param>
internal sealed class UnavailableKeys(MessageStoreException reason) : IKeyManager
{
    public Lock Updating { get; } = new();

    public long Count => throw Refusal();

    public void Put(IReadOnlyList<ArchiveKey> keys) => throw Refusal();

    public long Remove(IReadOnlyList<Guid> ids) => throw Refusal();

    public long RemoveCopies(IReadOnlyCollection<ArchiveKey> copies) => throw Refusal();

    public void Cover(IReadOnlyList<CoveredVolume> volumes) => throw Refusal();

    public IReadOnlyList<ArchiveKey> Find(Guid id) => throw Refusal();

    public IEnumerable<ArchiveKey> List() => throw Refusal();

    public IEnumerable<CoveredVolume> ListVolumes() => throw Refusal();

    public long EndOf(string target, string unit, string volume) => throw Refusal();

    public void Dispose()
    {
    }

    private MessageStoreException Refusal() => new(
        ErrorIds.KeysUnavailable, ErrorKind.Device, $"The archive keys are not available: {reason.Message} Set it right and open the database again.", reason.Target, reason);
}
