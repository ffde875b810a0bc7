namespace MessageStore.Archiving;

/// <summary>A kind of place that could not be set up when the database was opened: everything but the archive goes on, and whoever needs it is told why.</summary>
/// <param name="name">The kind of place, as keys name it.</param>
/// <param name="reason">What is wrong with it.</param>
internal sealed class UnavailableTarget(string name, MessageStoreException reason) : IArchiveTarget
{
    public string Name => name;

    public ValueTask CheckAsync(CancellationToken cancellationToken = default) => throw Refusal();

    public ValueTask<IArchiveSession> OpenSessionAsync(string mailbox, DateTimeOffset storageDate, CancellationToken cancellationToken = default) => throw Refusal();

    public ValueTask<Stream> OpenAsync(ArchiveKey key, CancellationToken cancellationToken = default) => throw Refusal();

    public ValueTask<Stream> OpenRecordAsync(ArchiveKey key, CancellationToken cancellationToken = default) => throw Refusal();

    public ValueTask<ArchivedRecordInfo> VerifyAsync(ArchiveKey key, CancellationToken cancellationToken = default) => throw Refusal();

    private MessageStoreException Refusal() => new(
        ErrorIds.ArchiveUnavailable, ErrorKind.Device, $"The archive of the kind '{name}' is not available: {reason.Message} Set it right and open the database again.", reason.Target, reason);
}
