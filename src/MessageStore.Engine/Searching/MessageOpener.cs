using MessageStore.Storage;

namespace MessageStore.Searching;

/// <summary>Opens the raw bytes of a message, wherever they lie. Archives are unknown here, so whoever puts the floors together says how.</summary>
/// <returns><see langword="null"/> where the message is gone.</returns>
/// <exception cref="MessageStoreException">The message cannot be read at present.</exception>
internal delegate ValueTask<Stream?> MessageOpener(StorageGroup group, IndexEntry entry, CancellationToken cancellationToken);
