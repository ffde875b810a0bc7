using MessageStore.Keys;

namespace MessageStore.PostgreSql;

/// <summary>What the engine finds here by name when a database's keys are on PostgreSQL (<see cref="KeyServers"/>).</summary>
internal sealed class PostgreSqlKeyProvider : IKeyServerProvider
{
    public IKeyServer Open(KeyServerSettings settings, Guid databaseId) =>
        new PostgreSqlKeyManager(new KeyConnection(ConnectionFile.Read(settings.ConnectionFile)), databaseId, settings.Token);
}
