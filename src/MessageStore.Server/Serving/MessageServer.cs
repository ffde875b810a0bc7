using System.Net;
using MessageStore.IO;
using MessageStore.Server.Intake;
using MessageStore.Server.Retrieval;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using MessageStore.Server.Telemetry;
using MessageStore.Server.Web;

namespace MessageStore.Server.Serving;

/// <summary>
/// The process that owns a database: opens it, answers on a Unix socket beside the lock, and closes it in order when it is told to stop.
/// </summary>
internal sealed class MessageServer : IAsyncDisposable
{
    /// <summary>How long requests under way get to end once the server is told to stop; then their connections are cut.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(5);

    private readonly TimeProvider clock;

    private readonly EmbeddedMessageStore store;
    private readonly ServerSocket socket;
    private readonly WebApplication host;
    private readonly RetrievalServer? retrieval;
    private int disposed;

    private MessageServer(EmbeddedMessageStore store, ServerSocket socket, WebApplication host, RetrievalServer? retrieval, TimeProvider clock)
    {
        this.retrieval = retrieval;
        this.clock = clock;
        this.store = store;
        this.socket = socket;
        this.host = host;
    }

    /// <summary>Where mail comes in, in the order of the configuration.</summary>
    public IReadOnlyList<IPEndPoint> IntakeAddresses => host.Services.GetService<IntakeListeners>()?.Addresses ?? [];

    /// <summary>Where it answers for the database.</summary>
    public string SocketPath => socket.Path;

    /// <summary>Addresses of the page, as they turned out where a port was left to the system.</summary>
    public IEnumerable<string> Addresses => host.Urls.Where(url => !url.Contains("unix:", StringComparison.Ordinal));

    /// <summary>Ends once the page has been loaded as a browser would load it, or could not be.</summary>
    public Task PageLoaded => host.Services.GetService<PageWarmUp>()?.ExecuteTask ?? Task.CompletedTask;

    /// <summary>Where messages are given out by Id; <see langword="null"/> where they are not.</summary>
    public string? RetrievalUrl => retrieval?.Url;

    /// <summary>Opens the database and begins to answer.</summary>
    /// <exception cref="MessageStoreException">What <see cref="MessageDatabase.OpenAsync"/> throws, and DatabaseInUse where another server owns it.</exception>
    public static async Task<MessageServer> StartAsync(ServerOptions options, CancellationToken cancellationToken = default)
    {
        EmbeddedMessageStore store = await MessageDatabase.OpenToServeAsync(options.Database, cancellationToken).ConfigureAwait(false);
        ServerSocket? socket = null;
        WebApplication? host = null;
        RetrievalServer? retrieval = null;
        try
        {
            socket = ServerSocket.For(store.Path);
            host = Build(store, socket, options.Clock, options, builder => AddOwner(builder, store, options));
            await StartAsync(host, cancellationToken).ConfigureAwait(false);
            if (options.Retrieval is { } how) retrieval = await RetrievalServer.StartAsync(store, how, cancellationToken).ConfigureAwait(false);
            store.Database.Mail.Announce(socket.Path);
            return new MessageServer(store, socket, host, retrieval, options.Clock);
        }
        catch
        {
            if (retrieval is not null) await retrieval.DisposeAsync().ConfigureAwait(false);
            if (host is not null) await host.DisposeAsync().ConfigureAwait(false);
            socket?.Dispose();
            await store.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Serves until told to stop: by Ctrl+C, SIGTERM, the service manager, Stop-MessageServer, or the token.</summary>
    public async Task WaitAsync(CancellationToken cancellationToken = default)
    {
        var told = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using CancellationTokenRegistration stopping = host.Lifetime.ApplicationStopping.Register(told.SetResult);
        using CancellationTokenRegistration cancelled = cancellationToken.Register(host.Lifetime.StopApplication);
        await told.Task.ConfigureAwait(false);
    }

    /// <summary>Stops taking requests, lets those under way end, and closes the database.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref disposed, 1) != 0) return;
        if (retrieval is not null) await retrieval.DisposeAsync().ConfigureAwait(false);
        await StopAsync(host, clock).ConfigureAwait(false);
        await host.DisposeAsync().ConfigureAwait(false);
        socket.Dispose();
        await store.DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>Puts the host together, without starting it.</summary>
    internal static WebApplication Build(IMessageStore store, ServerSocket socket, TimeProvider clock, ServerOptions? options = null, Action<WebApplicationBuilder>? more = null)
    {
        WebOptions? web = options?.Web;
        var health = new Health(store, options?.Health ?? new HealthLimits());
        WebApplicationBuilder builder = ServerHost.CreateBuilder();
        if (options?.LogPath is { } logPath) builder.Logging.ClearProviders().AddProvider(new FileLog(logPath, clock));
        builder.Services.AddSystemd();
        builder.Services.AddWindowsService();
        builder.Services.Configure<HostOptions>(o =>
        {
            o.ShutdownTimeout = Timeout.InfiniteTimeSpan; // StopAsync has a clock of its own
            o.ServicesStopConcurrently = true; // a run of maintenance is told at once, not when the last caller has gone
        });
        builder.Services.AddSingleton(clock);
        builder.Services.AddSingleton(store);
        builder.Services.AddSingleton<StoreEndpoint>();
        builder.Services.AddSingleton(health);
        builder.Services.AddSingleton<StoreMetrics>();
        builder.Services.AddSingleton<Operations>();
        OtlpExport.AddServices(builder, options?.Telemetry ?? new TelemetryOptions());
        if (web is not null) WebSite.AddServices(builder.Services, web, store);
        builder.WebHost.UseSockets(ServerSocket.Configure);
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.ListenUnixSocket(socket.Path);
            if (web is not null) WebSite.Listen(kestrel, web);
        });
        more?.Invoke(builder);
        WebApplication host = builder.Build();
        host.Services.GetRequiredService<StoreEndpoint>().Map(host);
        if (web is not null) WebSite.Map(host, store);
        host.MapGet("/healthz", async (CancellationToken aborted) => await health.AnswerAsync(aborted)).ExcludeFromDescription();
        return host;
    }

    /// <summary>Stops taking requests and lets those under way end, for as long as the grace lasts.</summary>
    internal static async Task StopAsync(WebApplication host, TimeProvider clock)
    {
        using var grace = new CancellationTokenSource(Grace, clock);
        await host.StopAsync(grace.Token).ConfigureAwait(false);
    }

    /// <summary>What only the owner of a database does: its schedule, and taking mail in.</summary>
    private static void AddOwner(WebApplicationBuilder builder, EmbeddedMessageStore store, ServerOptions options)
    {
        builder.Services.AddSingleton(store);
        builder.Services.AddHostedService<MaintenanceService>();
        builder.Services.AddSingleton(SystemLog.Of(options.Clock));
        builder.Services.AddHostedService<BackupAgeWatch>();
        AddIntake(builder, store, options.Intake);
    }

    private static void AddIntake(WebApplicationBuilder builder, EmbeddedMessageStore store, IntakeSettings settings)
    {
        if (settings.Listeners.Count == 0) return;
        builder.Services.AddSingleton(settings);
        builder.Services.AddSingleton(new Recipients(settings.Recipients, name => Look(store, name)));
        builder.Services.AddSingleton(services => new IntakeStore(
            store, settings.Recipients.Unknown == UnknownRecipients.Create, settings.Journal, store.Database.Clock, services.GetRequiredService<Operations>(), services.GetRequiredService<ILogger<IntakeStore>>()));
        builder.Services.AddSingleton<IntakeServer>();
        builder.Services.AddSingleton<IntakeListeners>();
        builder.Services.AddHostedService(services => services.GetRequiredService<IntakeListeners>());
    }

    /// <summary>Whether a mailbox is there. While a group is not open nobody can say that one is not.</summary>
    private static bool? Look(EmbeddedMessageStore store, string name) => store.Database.Mail.GroupOf(name) is not null ? true : store.Database.Mail.FailedGroups.Count > 0 ? null : false;

    private static async Task StartAsync(WebApplication host, CancellationToken cancellationToken)
    {
        try
        {
            await host.StartAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (Exception error) when (error is IOException or System.Net.Sockets.SocketException)
        {
            bool isTaken = error.InnerException is AddressInUseException || error is AddressInUseException;
            throw new MessageStoreException(isTaken ? ErrorIds.AddressInUse : ErrorIds.AccessDenied, isTaken ? ErrorKind.Busy : ErrorKind.Denied, $"The server cannot listen: {error.Message}", null, error);
        }
    }
}
