namespace MessageStore.Replication;

/// <summary>
/// Where storage server records are kept: a file for one machine, DNS for many. Nodes register, refresh and withdraw their own record; writers list. Members may be
/// called from any thread, and from several processes at the same time.
/// </summary>
/// <remarks>All operating errors are <see cref="MessageStoreException"/>.</remarks>
internal interface IStorageDirectory
{
    /// <summary>All records, those that have run out included: whoever chooses leaves them out, whoever repairs wants to know of them.</summary>
    /// <exception cref="MessageStoreException">DirectoryUnavailable.</exception>
    ValueTask<IReadOnlyList<StorageServerRecord>> ListAsync(CancellationToken cancellationToken = default);

    /// <summary>Enters a node. Where its name is there already, the record takes the place of the old one.</summary>
    /// <exception cref="MessageStoreException">DirectoryUnavailable; InvalidParameter where the record makes no sense.</exception>
    ValueTask RegisterAsync(StorageServerRecord record, CancellationToken cancellationToken = default);

    /// <summary>Says that a node is still there and how its units are. A record that was withdrawn meanwhile comes back.</summary>
    /// <inheritdoc cref="RegisterAsync"/>
    ValueTask RefreshAsync(StorageServerRecord record, CancellationToken cancellationToken = default);

    /// <summary>Takes a node's record away.</summary>
    /// <returns>Whether there was one.</returns>
    /// <exception cref="MessageStoreException">DirectoryUnavailable.</exception>
    ValueTask<bool> WithdrawAsync(string name, CancellationToken cancellationToken = default);
}
