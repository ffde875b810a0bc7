namespace MessageStore.Keys;

/// <summary>A key manager on a server, which several databases may share. A token says which copy of a database the keys there belong to: two copies of one database never change the same keys.</summary>
internal interface IKeyServer : IKeyManager
{
    /// <summary>Makes room for the keys that are about to be copied there, under the token of the settings; the tables are created or brought up to date where needed.</summary>
    /// <param name="earlier">Tokens of copies that were interrupted: what they left is forgotten.</param>
    /// <param name="replace">Forget whatever the server holds of this database.</param>
    /// <exception cref="MessageStoreException">KeysExist: the server holds keys of this database that are not from an interrupted copy; KeysUnavailable, AccessDenied, DatabaseFormatTooNew.</exception>
    void Begin(IReadOnlyCollection<Guid> earlier, bool replace);

    /// <summary>Forgets all keys of this database, as far as they are this copy's.</summary>
    /// <exception cref="MessageStoreException">KeysUnavailable.</exception>
    void Leave();
}

/// <summary>Makes key managers on a server. Implemented in an assembly of its own, so that the engine does not depend on the server's driver (docs/dependencies.md).</summary>
internal interface IKeyServerProvider
{
    /// <summary>Opens a key manager; the server is not asked yet.</summary>
    /// <exception cref="MessageStoreException">What is wrong with the settings or the file that they name.</exception>
    IKeyServer Open(KeyServerSettings settings, Guid databaseId);
}
