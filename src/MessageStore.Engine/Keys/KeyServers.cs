using MessageStore.IO;

namespace MessageStore.Keys;

/// <summary>Finds the assembly for keys on PostgreSQL, and loads it and its driver only where a database asks for it.</summary>
internal static class KeyServers
{
    private const string Component = "MessageStore.PostgreSql";

    /// <summary>Sets up what a database's settings say. What is wrong there is said to whoever needs a key, and keeps nobody from current mail.</summary>
    public static IKeyManager OpenOrExcuse(KeyServerSettings settings, Guid databaseId)
    {
        try
        {
            return Open(settings, databaseId);
        }
        catch (MessageStoreException error)
        {
            return new UnavailableKeys(error);
        }
    }

    /// <exception cref="MessageStoreException">KeysUnavailable: the assembly is not there; and what is wrong with the settings.</exception>
    public static IKeyServer Open(KeyServerSettings settings, Guid databaseId) => Load().Open(settings, databaseId);

    /// <exception cref="MessageStoreException">KeysUnavailable: the assembly is not there.</exception>
    public static IKeyServerProvider Load()
    {
        try
        {
            return OptionalAssembly.Make<IKeyServerProvider>(Component, Component + ".PostgreSqlKeyProvider");
        }
        catch (Exception error) when (error is IOException or BadImageFormatException or TypeLoadException)
        {
            throw new MessageStoreException(ErrorIds.KeysUnavailable, ErrorKind.Device, $"The archive keys are on PostgreSQL, and {Component}.dll cannot be loaded: {error.Message}", Component, error);
        }
    }
}
