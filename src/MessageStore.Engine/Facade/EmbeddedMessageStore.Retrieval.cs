using MessageStore.Archiving;
using MessageStore.Storage;

namespace MessageStore;

/// <summary>A message as the retrieval server sees it, before any byte of it is read.</summary>
/// <param name="Sha256">SHA-256 of the message in lower-case hex.</param>
/// <param name="Length">Length of the message in bytes.</param>
/// <param name="RecordLength">Length of its archive record; 0 while it is in the store.</param>
internal readonly record struct RetrievableMessage(string Sha256, long Length, long RecordLength);

internal sealed partial class EmbeddedMessageStore
{
    /// <summary>Looks whether a message may be read, and what there is to read.</summary>
    /// <exception cref="MessageStoreException">
    /// MessageNotFound; MessageExpired: its deletion date has come, and no hold covers it; ArchiveAccessDenied; ArchiveKeyMissing, KeysUnavailable.
    /// </exception>
    internal RetrievableMessage Look(Guid id)
    {
        for (int attempt = 0; attempt < LookAgain; attempt++)
        {
            if (!Mail.TryFind(id, out StorageGroup group, out IndexEntry entry)) throw HasExpired(id) ? Expired(id) : NoMessage(id);
            if (!entry.IsArchived)
            {
                if (Summarize(group, entry) is { } found) return new RetrievableMessage(Describe(id).Sha256, found.Image.BodyLength, 0);
                continue; // it moved under our hands
            }
            CheckAccess(group, entry);
            if (database.Keys.Find(id) is [var key, ..])
            {
                if (key.DeletionDate <= database.Clock.GetUtcNow() && group.HoldOn(id) is null) throw Expired(id);
                return new RetrievableMessage(key.Sha256, entry.Length, key.Length);
            }
            if (group.TryGet(id, out IndexEntry now) && now.IsArchived)
                throw new MessageStoreException(ErrorIds.ArchiveKeyMissing, ErrorKind.Damaged, $"Message {id} is archived, but no key says where. Rebuild the keys from the archive files.", id);
        }
        throw KeepsMoving(id);
    }

    /// <summary>Opens the archive record of a message as it lies, one gzip member, from the first copy that is whole.</summary>
    /// <returns><see langword="null"/> where the message is not in the archive (any more).</returns>
    /// <exception cref="MessageStoreException">MessageNotFound, ArchiveUnavailable, ArchiveAccessDenied, ArchiveKeyMissing, ArchiveDamaged.</exception>
    internal async Task<Stream?> OpenRecordAsync(Guid id, CancellationToken cancellationToken)
    {
        for (int attempt = 0; attempt < LookAgain; attempt++)
        {
            if (!Mail.TryFind(id, out StorageGroup group, out IndexEntry entry)) throw NoMessage(id);
            if (!entry.IsArchived) return null;
            CheckAccess(group, entry);
            if (await OpenCopyAsync(group, entry, database.Archive.OpenRecordAsync, cancellationToken).ConfigureAwait(false) is { } record) return record;
        }
        throw KeepsMoving(id);
    }

    /// <summary>Messages that wait for a repair of their copies.</summary>
    internal int WaitingRepairs => database.Nodes?.Repairs.Count ?? 0;

    /// <summary>Whether the list of the expired has a message. It is read from end to end: nobody keeps it in memory for the sake of a question that is seldom asked.</summary>
    private bool HasExpired(Guid id) =>
        database.Archive.Find(FileArchiveTarget.TargetName) is FileArchiveTarget files && files.Tombstones.Read().Any(t => t.Ids.Contains(id));

    private static MessageStoreException Expired(Guid id) => new(ErrorIds.MessageExpired, ErrorKind.NotFound, $"Message {id} was to be deleted by now, and is not given out any more.", id);
}
