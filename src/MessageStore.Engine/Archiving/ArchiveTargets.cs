namespace MessageStore.Archiving;

/// <summary>
/// The places that a database's archive copies lie in: one that new records go to, and all that keys may name. So a database can change its target and still read
/// what it archived before.
/// </summary>
/// <param name="current">Where new records go.</param>
/// <param name="others">Further places that keys may name.</param>
internal sealed class ArchiveTargets(IArchiveTarget current, params IReadOnlyList<IArchiveTarget> others) : IArchiveTarget, IDisposable
{
    /// <summary>Where new records go.</summary>
    public IArchiveTarget Current => current;

    public string Name => current.Name;

    public bool ComparesDigests => current.ComparesDigests;

    public int BatchBytes => current.BatchBytes;

    /// <summary>The place of a kind; <see langword="null"/> where this database has none.</summary>
    public IArchiveTarget? Find(string name) => name == current.Name ? current : others.FirstOrDefault(t => t.Name == name);

    /// <summary>The same places and one more, which takes the place of the one of its kind.</summary>
    /// <param name="target">The place.</param>
    /// <param name="isCurrent">Whether new records go to it from now on; otherwise they go on to where they went, and where that was the same kind, to files.</param>
    public ArchiveTargets With(IArchiveTarget target, bool isCurrent)
    {
        IArchiveTarget[] left = [.. others.Prepend(current).Where(t => t.Name != target.Name)];
        if (isCurrent || left.Length == 0) return new ArchiveTargets(target, left);
        IArchiveTarget next = current.Name != target.Name ? current : left.FirstOrDefault(t => t.Name == FileArchiveTarget.TargetName) ?? left[0];
        return new ArchiveTargets(next, [.. left.Where(t => t != next), target]);
    }

    public ValueTask CheckAsync(CancellationToken cancellationToken = default) => current.CheckAsync(cancellationToken);

    public ValueTask<IArchiveSession> OpenSessionAsync(string mailbox, DateTimeOffset storageDate, CancellationToken cancellationToken = default) =>
        current.OpenSessionAsync(mailbox, storageDate, cancellationToken);

    public ValueTask<Stream> OpenAsync(ArchiveKey key, CancellationToken cancellationToken = default) => Of(key).OpenAsync(key, cancellationToken);

    public ValueTask<Stream> OpenRecordAsync(ArchiveKey key, CancellationToken cancellationToken = default) => Of(key).OpenRecordAsync(key, cancellationToken);

    public ValueTask<ArchivedRecordInfo> VerifyAsync(ArchiveKey key, CancellationToken cancellationToken = default) => Of(key).VerifyAsync(key, cancellationToken);

    /// <summary>Ends the connections of those places that have some.</summary>
    public void Dispose()
    {
        foreach (IDisposable target in others.Prepend(current).OfType<IDisposable>()) target.Dispose();
    }

    private IArchiveTarget Of(ArchiveKey key) => Find(key.Target) ?? throw new MessageStoreException(
        ErrorIds.ArchiveUnavailable, ErrorKind.Device,
        $"Message {key.Id} lies in an archive of the kind '{key.Target}', and this database is not told where that is. Name it with Set-MessageArchive.", key.Id);
}
