using MessageStore.Archiving;
using MessageStore.IO;
using MessageStore.Keys;

namespace MessageStore.ObjectStorage;

/// <summary>What the engine finds here by name when a database's settings ask for an archive on object storage (<see cref="ObjectArchives"/>).</summary>
internal sealed class ObjectArchiveProvider : IObjectArchiveProvider
{
    public IArchiveTarget Open(ObjectSettings settings, Guid databaseId, IKeyManager keys, IStorage storage, string spoolFolder, TimeProvider time)
    {
        ObjectCredentials credentials = ObjectCredentials.Load(settings.CredentialsFile, storage, Environment.GetEnvironmentVariable);
        return new ObjectArchiveTarget(new ObjectBucket(settings, credentials), databaseId, keys, storage, spoolFolder, time);
    }
}
