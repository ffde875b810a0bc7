namespace MessageStore.Archiving;

/// <summary>
/// A kind of place for archive records: archive files, storage nodes, an object store. The archive agent knows no more of it than this. Members may be
/// called from any thread, concurrently.
/// </summary>
/// <remarks>All operating errors are <see cref="MessageStoreException"/>.</remarks>
internal interface IArchiveTarget
{
    /// <summary>The kind of place, as keys name it: <c>files</c> for archive files.</summary>
    string Name { get; }

    /// <summary>
    /// Whether an append has read its records back from where they lie, unpacked them and compared their SHA-256 before it returns. Then nobody need compare it before: what was rotten in
    /// the store, or spoiled by packing, is found by the same look as what the device made of it.
    /// </summary>
    bool ComparesDigests => false;

    /// <summary>How many bytes of records one append is to carry, at best. What many small appends would cost decides.</summary>
    int BatchBytes => 4 << 20;

    /// <summary>Makes sure that the place is there and is this database's.</summary>
    /// <exception cref="MessageStoreException">ArchiveUnavailable.</exception>
    ValueTask CheckAsync(CancellationToken cancellationToken = default);

    /// <summary>
    /// Opens a mailbox for appending, once a run. What an interrupted run left behind is found here: <see cref="IArchiveSession.Unrecorded"/>.
    /// </summary>
    /// <param name="mailbox">The mailbox. One session at a time for each.</param>
    /// <param name="storageDate">The storage date of all records of the session; its month decides the volume.</param>
    /// <param name="cancellationToken">Ends the call between two steps.</param>
    /// <exception cref="MessageStoreException">ArchiveUnavailable, DiskFull; ArchiveDamaged where this mailbox's archive lacks what keys point at.</exception>
    ValueTask<IArchiveSession> OpenSessionAsync(string mailbox, DateTimeOffset storageDate, CancellationToken cancellationToken = default);

    /// <summary>Opens the raw message that a key points at. Its SHA-256 was compared before the first byte comes.</summary>
    /// <exception cref="MessageStoreException">ArchiveUnavailable, ArchiveDamaged, ArchiveFileMissing.</exception>
    ValueTask<Stream> OpenAsync(ArchiveKey key, CancellationToken cancellationToken = default);

    /// <summary>Opens the record that a key points at as it lies: one gzip member. All its checksums were compared before the first byte comes.</summary>
    /// <exception cref="MessageStoreException">ArchiveUnavailable, ArchiveDamaged.</exception>
    ValueTask<Stream> OpenRecordAsync(ArchiveKey key, CancellationToken cancellationToken = default);

    /// <summary>Reads the record that a key points at back and compares all its checksums.</summary>
    /// <returns>What the record says of itself.</returns>
    /// <exception cref="MessageStoreException">ArchiveUnavailable, ArchiveDamaged, ArchiveFileMissing.</exception>
    ValueTask<ArchivedRecordInfo> VerifyAsync(ArchiveKey key, CancellationToken cancellationToken = default);
}
