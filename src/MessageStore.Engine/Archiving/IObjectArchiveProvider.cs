using MessageStore.IO;
using MessageStore.Keys;

namespace MessageStore.Archiving;

/// <summary>Makes archives on object storage. Implemented in an assembly of its own, so that the engine does not depend on the storage's SDK (docs/dependencies.md).</summary>
internal interface IObjectArchiveProvider
{
    /// <summary>Opens an archive; the server is not asked yet.</summary>
    /// <exception cref="MessageStoreException">What is wrong with settings or credentials.</exception>
    IArchiveTarget Open(ObjectSettings settings, Guid databaseId, IKeyManager keys, IStorage storage, string spoolFolder, TimeProvider time);
}
