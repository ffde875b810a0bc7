using System.Diagnostics;
using MessageStore.IO;
using MessageStore.Storage;

namespace MessageStore.Remote;

/// <summary>Finds the server that owns a database, and waits for one that is just opening it.</summary>
internal static class OwningServer
{
    /// <summary>How long a cmdlet waits for a server that is opening its database.</summary>
    public static readonly TimeSpan OpeningPatience = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(50);

    /// <summary>Connects to the server that owns a database, or opens the database where a server that was opening it has ended.</summary>
    /// <returns><see langword="null"/> where whoever owns it is no server, or does not answer.</returns>
    /// <exception cref="MessageStoreException">ServerOpening, ServerIncompatible.</exception>
    public static async Task<IMessageStore?> ConnectAsync(string databasePath, TimeSpan patience, CancellationToken cancellationToken)
    {
        string path = Path.TrimEndingDirectorySeparator(Path.GetFullPath(databasePath)), lockPath = Path.Combine(path, MailDatabase.LockFileName);
        for (var watch = Stopwatch.StartNew(); ;)
        {
            LockOwner? owner = OwnerLock.Describe(DiskStorage.Instance, lockPath);
            if (owner?.Socket is { } socket) return await RemoteMessageStore.ConnectAsync(databasePath, socket, cancellationToken).ConfigureAwait(false);
            if (owner?.Opening is not { } opening) return null;
            if (!OwnerLock.IsHeld(DiskStorage.Instance, lockPath)) return await MessageDatabase.OpenHereAsync(databasePath, cancellationToken).ConfigureAwait(false);
            if (watch.Elapsed >= patience)
                throw new MessageStoreException(ErrorIds.ServerOpening, ErrorKind.Busy,
                    $"The server that owns {path} (process {owner.ProcessId}, since {owner.Since:u}) is still opening it: {opening}. Try again when it has; Get-MessageServer shows how far it is.", path);
            await Task.Delay(LookInterval, cancellationToken).ConfigureAwait(false);
        }
    }
}
