namespace MessageStore.Archiving;

/// <summary>
/// The places that a database's archive copies lie in: one that new records go to, and all that keys may name. So a database can change its target and still read
/// what it archived before.
/// </summary>
/// <param name="current">Where new records go.</param>
/// <param name="others">Further places that keys may name.</param>
internal sealed class ArchiveTargets(IArchiveTarget current, params IReadOnlyList<IArchiveTarget> others) : IArchiveTarget
{
    /// <summary>Where new records go.</summary>
    public IArchiveTarget Current => current;

    public string Name => current.Name;

    /// <summary>The place of a kind; <see langword="null"/> where this database has none.</summary>
    public IArchiveTarget? Find(string name) => name == current.Name ? current : others.FirstOrDefault(t => t.Name == name);

    public ValueTask CheckAsync(CancellationToken cancellationToken = default) => current.CheckAsync(cancellationToken);

    public ValueTask<IArchiveSession> OpenSessionAsync(string mailbox, DateTimeOffset storageDate, CancellationToken cancellationToken = default) =>
        current.OpenSessionAsync(mailbox, storageDate, cancellationToken);

    public ValueTask<Stream> OpenAsync(ArchiveKey key, CancellationToken cancellationToken = default) => Of(key).OpenAsync(key, cancellationToken);

    public ValueTask<ArchivedRecordInfo> VerifyAsync(ArchiveKey key, CancellationToken cancellationToken = default) => Of(key).VerifyAsync(key, cancellationToken);

    private IArchiveTarget Of(ArchiveKey key) => Find(key.Target) ?? throw new MessageStoreException(
        ErrorIds.ArchiveUnavailable, ErrorKind.Device,
        $"Message {key.Id} lies in an archive of the kind '{key.Target}', and this database is not told where that is. Name it with Set-MessageDatabase.", key.Id);
}
