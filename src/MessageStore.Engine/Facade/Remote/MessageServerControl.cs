using System.Diagnostics;
using MessageStore.IO;
using MessageStore.Remote;
using MessageStore.Storage;

namespace MessageStore;

/// <summary>Starting, stopping and finding the server that owns a database.</summary>
public static class MessageServerControl
{
    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(25);

    /// <summary>Looks whether a server owns a database.</summary>
    /// <exception cref="MessageStoreException">PathNotFound, NotADatabase.</exception>
    public static async Task<ServerStatus> GetAsync(string database, CancellationToken cancellationToken = default)
    {
        string path = Check(database);
        var stopped = new ServerStatus { Database = path, State = ServerState.Stopped };
        if (!OwnerLock.IsHeld(DiskStorage.Instance, LockOf(path)) || OwnerLock.Describe(DiskStorage.Instance, LockOf(path)) is not { } owner) return stopped;
        if (owner.Opening is { } opening) return stopped with { State = ServerState.Opening, ProcessId = owner.ProcessId, Started = owner.Since, Opening = opening };
        if (owner.Socket is not { } socket) return stopped;
        using var connection = new StoreConnection(path, socket);
        return await connection.AskAsync(cancellationToken).ConfigureAwait(false) is not { } greeting ? stopped : new ServerStatus
        {
            Database = path,
            State = ServerState.Running,
            ProcessId = greeting.ProcessId,
            Version = greeting.Version,
            Started = greeting.Started,
            Socket = socket,
        };
    }

    /// <summary>Starts a server in the background and waits until it answers. It goes on when the caller's process ends.</summary>
    /// <exception cref="MessageStoreException">PathNotFound, NotADatabase, DatabaseInUse, ServerNotInstalled; ServerNotStarted with what the server said.</exception>
    public static async Task<ServerStatus> StartAsync(ServerStartOptions options, CancellationToken cancellationToken = default)
    {
        string path = Check(options.Database);
        OwnerLock.ThrowIfHeld(DiskStorage.Instance, LockOf(path), owner => MailDatabase.InUse(path, owner));
        using Process process = ServerProgram.Start(options with { Database = path });
        process.StandardInput.Close();
        Task<string> said = process.StandardError.ReadToEndAsync(CancellationToken.None);
        _ = process.StandardOutput.ReadToEndAsync(CancellationToken.None);
        bool answers = false;
        try
        {
            for (var watch = Stopwatch.StartNew(); watch.Elapsed < options.Wait && !process.HasExited;)
            {
                ServerStatus status = await GetAsync(path, cancellationToken).ConfigureAwait(false);
                answers = status.State == ServerState.Running && status.ProcessId == process.Id;
                if (answers) return status;
                await Task.Delay(LookInterval, cancellationToken).ConfigureAwait(false);
            }
        }
        finally
        {
            if (!answers && !process.HasExited) process.Kill();
        }
        await process.WaitForExitAsync(cancellationToken).ConfigureAwait(false);
        string words = (await said.ConfigureAwait(false)).Trim();
        throw new MessageStoreException(ErrorIds.ServerNotStarted, ErrorKind.Device, $"No server could be started for {path}: {(words.Length > 0 ? words : $"it did not answer within {options.Wait}.")}", path);
    }

    /// <summary>Tells the server that owns a database to stop, and waits until it has.</summary>
    /// <exception cref="MessageStoreException">PathNotFound, NotADatabase; ServerNotRunning; ServerNotStopped where it takes longer.</exception>
    public static async Task StopAsync(string database, TimeSpan wait, CancellationToken cancellationToken = default)
    {
        ServerStatus status = await GetAsync(database, cancellationToken).ConfigureAwait(false);
        if (status.State != ServerState.Running) throw new MessageStoreException(ErrorIds.ServerNotRunning, ErrorKind.NotFound, $"No server owns {status.Database}.", status.Database);
        using (var connection = new StoreConnection(status.Database, status.Socket)) await connection.StopAsync(cancellationToken).ConfigureAwait(false);
        for (var watch = Stopwatch.StartNew(); watch.Elapsed < wait;)
        {
            // Another one may have been started in the meantime, by whatever watches over it.
            if (!OwnerLock.IsHeld(DiskStorage.Instance, LockOf(status.Database)) || OwnerLock.Describe(DiskStorage.Instance, LockOf(status.Database))?.ProcessId != status.ProcessId) return;
            await Task.Delay(LookInterval, cancellationToken).ConfigureAwait(false);
        }
        throw new MessageStoreException(ErrorIds.ServerNotStopped, ErrorKind.Busy, $"The server of {status.Database} (process {status.ProcessId}) has not stopped within {wait}. It may still do so.", status.Database);
    }

    /// <summary>The full path of a database that is there.</summary>
    private static string Check(string database)
    {
        string path = Path.TrimEndingDirectorySeparator(Path.GetFullPath(database));
        DatabaseSettings.Load(DiskStorage.Instance, path);
        return path;
    }

    private static string LockOf(string path) => Path.Combine(path, MailDatabase.LockFileName);
}
