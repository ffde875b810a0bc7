using MessageStore.Archiving;
using MessageStore.IO;
using MessageStore.Keys;

namespace MessageStore.Replication;

/// <summary>
/// Writes copies of incoming messages to the storage nodes before anybody is told that they are stored. A message in the store whose keys name such copies is as one that an archive run
/// was about to move: when it is archived to nodes, the copies that are there already are its records. Order of steps and what a crash between them leaves: docs/replication.md. Thread-safe.
/// </summary>
/// <param name="target">Where copies go.</param>
/// <param name="keys">Where their keys go.</param>
/// <param name="storage">Where records wait that are too large for memory.</param>
/// <param name="spoolFolder">The folder for them; it must exist.</param>
internal sealed class MessageJournal(NodesArchiveTarget target, IKeyManager keys, IStorage storage, string spoolFolder)
{
    /// <summary>Stores a message on as many nodes as the database wants copies. No key points at them yet.</summary>
    /// <returns>The keys that will.</returns>
    /// <exception cref="MessageStoreException">NotEnoughCopies, DirectoryUnavailable; MessageTooLarge: larger than a node's record may be. What was written is an orphan then, which repair erases.</exception>
    public async Task<IReadOnlyList<ArchiveKey>> SendAsync(ArchiveEntry message, CancellationToken cancellationToken)
    {
        using var writer = new ArchiveRecordWriter(ArchiveCompression.Fastest, storage, spoolFolder);
        using var batch = new ArchiveBatch(writer);
        batch.Add(message);
        using IArchiveSession session = await target.OpenSessionAsync(message.Mailbox, message.StorageDate, cancellationToken).ConfigureAwait(false);
        return await session.AppendAsync(batch, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Records the keys once the message itself is durable.</summary>
    /// <exception cref="MessageStoreException">KeysUnavailable, KeysClosedForWriting, DiskFull, DeviceFailed: the message is stored, its copies are orphans.</exception>
    public void Record(IReadOnlyList<ArchiveKey> written)
    {
        try
        {
            keys.Put(written);
        }
        catch (MessageStoreException error)
        {
            throw new MessageStoreException(error.ErrorId, error.Kind, $"Message {written[0].Id} is stored, but its copies on storage nodes are not on record: {error.Message}", written[0].Id, error);
        }
    }
}
