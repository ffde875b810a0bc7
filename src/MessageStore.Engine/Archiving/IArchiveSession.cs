namespace MessageStore.Archiving;

/// <summary>A mailbox opened for appending to its archive. Not thread-safe.</summary>
internal interface IArchiveSession : IDisposable
{
    /// <summary>
    /// Keys of whole, verified, durable records that no key points at: an interrupted run wrote them and did not come to record them. Whoever opened
    /// the session records them (and marks their messages archived, where they still exist) before appending, so that no Id is archived twice.
    /// </summary>
    IReadOnlyList<ArchivedRecord> Unrecorded { get; }

    /// <summary>What an administrator should know: damaged tails that were cut off, older files that are short. Goes into the receipt.</summary>
    IReadOnlyList<string> Notes { get; }

    /// <summary>
    /// Appends records. On return they are durable and were read back; the caller records the keys. After an error nothing of the batch counts, and the
    /// session takes no more.
    /// </summary>
    /// <returns>A key for each record, in order (for targets that keep copies: all keys of the first, then of the second, …).</returns>
    /// <exception cref="MessageStoreException">ArchiveUnavailable, DiskFull, ArchiveDamaged.</exception>
    ValueTask<IReadOnlyList<ArchiveKey>> AppendAsync(ArchiveBatch batch, CancellationToken cancellationToken = default);
}

/// <summary>A record and the key that points at it.</summary>
internal readonly record struct ArchivedRecord(ArchivedRecordInfo Info, ArchiveKey Key);
