using MessageStore.IO;

namespace MessageStore.Replication;

/// <summary>Opens a directory of storage nodes by its name.</summary>
internal static class StorageDirectories
{
    /// <param name="name">The path of a file.</param>
    /// <param name="storage">Where a file lies.</param>
    /// <param name="time">Counts waits.</param>
    public static IStorageDirectory Open(string name, IStorage storage, TimeProvider time) => new FileStorageDirectory(storage, Path.GetFullPath(name), time);
}
