using System.Reflection;
using MessageStore.IO;
using MessageStore.Storage;

namespace MessageStore.Remote;

/// <summary>
/// A database that a server owns, seen through its socket. Made by <see cref="DispatchProxy"/>: every member of <see cref="IMessageStore"/> goes through the same
/// mechanism, so there is none that could be forgotten.
/// </summary>
internal class RemoteMessageStore : DispatchProxy
{
    private StoreConnection connection = null!;

    /// <summary>Connects to the server that answers at a socket.</summary>
    /// <returns>The store; <see langword="null"/> where nobody answers there.</returns>
    /// <exception cref="MessageStoreException">ServerIncompatible.</exception>
    public static async Task<IMessageStore?> ConnectAsync(string databasePath, string socketPath, CancellationToken cancellationToken = default)
    {
        var connection = new StoreConnection(Path.TrimEndingDirectorySeparator(Path.GetFullPath(databasePath)), socketPath);
        IMessageStore? store = null;
        try
        {
            if (!await connection.GreetAsync(cancellationToken).ConfigureAwait(false)) return null;
            store = Create<IMessageStore, RemoteMessageStore>();
            ((RemoteMessageStore)(object)store).connection = connection;
            return store;
        }
        finally
        {
            if (store is null) connection.Dispose();
        }
    }

    /// <summary>The socket of the server that owns a database at this moment; <see langword="null"/> where none does.</summary>
    public static string? SocketOf(string databasePath)
    {
        string path = Path.TrimEndingDirectorySeparator(Path.GetFullPath(databasePath));
        return OwnerLock.IsHeld(DiskStorage.Instance, Path.Combine(path, MailDatabase.LockFileName)) ? MailDatabase.SocketOf(DiskStorage.Instance, path) : null;
    }

    /// <summary>Connects to the server that owns a database.</summary>
    /// <returns><see langword="null"/> where none does.</returns>
    /// <exception cref="MessageStoreException">ServerIncompatible.</exception>
    public static async Task<IMessageStore?> FindAsync(string databasePath, CancellationToken cancellationToken = default) =>
        SocketOf(databasePath) is { } socket ? await ConnectAsync(databasePath, socket, cancellationToken).ConfigureAwait(false) : null;

    protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
    {
        if (targetMethod!.Name == $"get_{nameof(IMessageStore.Path)}") return connection.DatabasePath;
        if (targetMethod.DeclaringType == typeof(IMessageStore)) return StoreContract.Find(targetMethod.Name)!.Call(connection, args ?? []);
        connection.Dispose(); // IAsyncDisposable
        return ValueTask.CompletedTask;
    }
}
