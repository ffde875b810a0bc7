using MessageStore.IO;
using MessageStore.Replication;

namespace MessageStore;

/// <summary>Records of storage nodes in a directory, for administrators; a node that names its directory keeps its own record.</summary>
public static class StorageNodes
{
    /// <summary>All records of a directory, by name, those that have run out included.</summary>
    /// <param name="directory">The path of a file, or <c>dns:…</c> (docs/dns.md).</param>
    /// <param name="cancellationToken">Ends the call.</param>
    /// <exception cref="MessageStoreException">DirectoryUnavailable, InvalidParameter.</exception>
    public static async Task<IReadOnlyList<StorageServerRecord>> ListAsync(string directory, CancellationToken cancellationToken = default) =>
        [.. (await Open(directory).ListAsync(cancellationToken).ConfigureAwait(false)).OrderBy(r => r.Name, StringComparer.Ordinal)];

    /// <summary>Enters a node; a record of its name is replaced.</summary>
    /// <inheritdoc cref="ListAsync"/>
    public static async Task RegisterAsync(string directory, StorageServerRecord record, CancellationToken cancellationToken = default) =>
        await Open(directory).RegisterAsync(record, cancellationToken).ConfigureAwait(false);

    /// <summary>Takes a node's record away.</summary>
    /// <returns>Whether there was one.</returns>
    /// <inheritdoc cref="ListAsync"/>
    public static async Task<bool> UnregisterAsync(string directory, string name, CancellationToken cancellationToken = default) =>
        await Open(directory).WithdrawAsync(name, cancellationToken).ConfigureAwait(false);

    private static IStorageDirectory Open(string directory) => StorageDirectories.Open(StorageDirectories.FullName(directory), DiskStorage.Instance, TimeProvider.System);
}
