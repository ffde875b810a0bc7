namespace MessageStore.Server.Serving;

/// <summary>
/// The process that owns a database: opens it, answers on a Unix socket beside the lock, and closes it in order when it is told to stop.
/// </summary>
internal sealed class MessageServer : IAsyncDisposable
{
    /// <summary>How long requests under way get to end once the server is told to stop.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(5);

    private readonly IMessageStore store;
    private readonly WebApplication host;
    private int disposed;

    private MessageServer(IMessageStore store, WebApplication host)
    {
        this.store = store;
        this.host = host;
    }

    /// <summary>Opens the database and begins to answer.</summary>
    /// <exception cref="MessageStoreException">What <see cref="MessageDatabase.OpenAsync"/> throws.</exception>
    public static async Task<MessageServer> StartAsync(ServerOptions options, CancellationToken cancellationToken = default)
    {
        IMessageStore store = await MessageDatabase.OpenAsync(options.Database, cancellationToken).ConfigureAwait(false);
        WebApplication? host = null;
        try
        {
            host = Build(store, Path.Combine(store.Path, "database.sock"));
            await host.StartAsync(cancellationToken).ConfigureAwait(false);
            return new MessageServer(store, host);
        }
        catch
        {
            if (host is not null) await host.DisposeAsync().ConfigureAwait(false);
            await store.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Serves until told to stop: by Ctrl+C, SIGTERM, the service manager, or the token.</summary>
    public Task WaitAsync(CancellationToken cancellationToken = default) => host.WaitForShutdownAsync(cancellationToken);

    /// <summary>Stops taking requests, lets those under way end, and closes the database.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref disposed, 1) != 0) return;
        await host.StopAsync().ConfigureAwait(false);
        await host.DisposeAsync().ConfigureAwait(false);
        await store.DisposeAsync().ConfigureAwait(false);
    }

    private static WebApplication Build(IMessageStore store, string socket)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Services.AddSystemd();
        builder.Services.AddWindowsService();
        builder.Services.Configure<HostOptions>(o => o.ShutdownTimeout = Grace);
        File.Delete(socket); // of a server that was killed: we own the database, so nobody answers there
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.ListenUnixSocket(socket));
        WebApplication host = builder.Build();
        host.MapGet("/healthz", async (CancellationToken aborted) => (await store.GetStatusAsync(aborted)).State.ToString());
        return host;
    }
}
