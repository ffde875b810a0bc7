using MessageStore.IO;
using MessageStore.Replication;
using MessageStore.Server.Serving;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace MessageStore.Server.Nodes;

/// <summary>A storage node: opens its units, answers over HTTP, keeps its record fresh, and closes all in order when it is told to stop.</summary>
internal sealed class NodeServer : IAsyncDisposable
{
    private static readonly TimeSpan StopGrace = TimeSpan.FromSeconds(5);

    private readonly StorageNode node;
    private readonly HttpNodeConnector connector;
    private readonly WebApplication host;
    private readonly NodeRegistration? registration;
    private int disposed;

    private NodeServer(StorageNode node, HttpNodeConnector connector, WebApplication host, NodeRegistration? registration)
    {
        this.node = node;
        this.connector = connector;
        this.host = host;
        this.registration = registration;
    }

    /// <summary>Where it listens.</summary>
    public string Url => AddressOf(host);

    public StorageNode Node => node;

    /// <summary>Opens the units and begins to answer.</summary>
    /// <exception cref="MessageStoreException">
    /// InvalidParameter: off loopback without TLS, or names that make no sense; ArchiveUnavailable: a unit is not there; DatabaseInUse: another process serves one.
    /// </exception>
    public static async Task<NodeServer> StartAsync(NodeOptions options, TimeProvider clock, CancellationToken cancellationToken = default)
    {
        Check(options);
        var connector = new HttpNodeConnector(options.SharedKey, HttpNodeConnector.DefaultTimeout, clock,
            options.AuthorityPath is { } authority ? NodeCertificates.LoadAuthority(authority) : null,
            options is { ClientCertificates: true, CertificatePath: { } own } ? NodeCertificates.LoadWithKey(own) : null);
        StorageNode? node = null;
        WebApplication? host = null;
        try
        {
            node = new StorageNode(options.Name, OpenUnits(options, clock), connector);
            host = Build(options, node);
            await host.StartAsync(cancellationToken).ConfigureAwait(false);
            NodeRegistration? registration = null;
            if (options.Directory is { } directory)
            {
                registration = new NodeRegistration(StorageDirectories.Open(directory, DiskStorage.Instance, clock), node, options with { Url = options.Url ?? AddressOf(host) }, clock,
                    host.Services.GetRequiredService<ILogger<NodeRegistration>>());
                await registration.StartAsync(cancellationToken).ConfigureAwait(false);
            }
            return new NodeServer(node, connector, host, registration);
        }
        catch
        {
            if (host is not null) await host.DisposeAsync().ConfigureAwait(false);
            node?.Dispose();
            connector.Dispose();
            throw;
        }
    }

    /// <summary>Serves until told to stop: by Ctrl+C, SIGTERM, the service manager, or the token.</summary>
    public Task WaitAsync(CancellationToken cancellationToken = default) => host.WaitForShutdownAsync(cancellationToken);

    /// <summary>Withdraws the record, lets requests under way end, and closes the units.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref disposed, 1) != 0) return;
        if (registration is not null) await registration.DisposeAsync().ConfigureAwait(false);
        await host.StopAsync().ConfigureAwait(false);
        await host.DisposeAsync().ConfigureAwait(false);
        node.Dispose();
        connector.Dispose();
    }

    private static void Check(NodeOptions options)
    {
        if (!StorageServerRecords.IsName(options.Name)) throw Invalid($"The node name '{options.Name}' must be 1 to {StorageServerRecords.NameLength} small letters, digits and hyphens.");
        if (options.Units.Count is 0 or > StorageServerRecords.UnitLimit) throw Invalid($"A node has 1 to {StorageServerRecords.UnitLimit} units; name each with --unit.");
        if (options.ClientCertificates && (options.CertificatePath is null || options.AuthorityPath is null))
            throw Invalid("Client certificates come with TLS: name the node's own certificate with --certificate, and with --authority the one that clients' certificates must be signed by.");
        if (options.SharedKey.Length < SharedKey.ShortestLength && !(options.ClientCertificates && options.SharedKey.Length == 0)) throw Invalid($"The shared key must have {SharedKey.ShortestLength} or more characters.");
        if (!options.IsLoopback && options.CertificatePath is null)
        {
            throw Invalid($"A storage node does not listen at {options.Listen} without TLS: everybody on the way could read mail and the shared key. "
                + "Name a certificate with --certificate, or listen at 127.0.0.1.");
        }

        MessageStoreException Invalid(string message) => new(ErrorIds.InvalidParameter, ErrorKind.InvalidArgument, message, options.Name);
    }

    private static List<StorageUnit> OpenUnits(NodeOptions options, TimeProvider clock)
    {
        var units = new List<StorageUnit>();
        try
        {
            foreach (string folder in options.Units)
            {
                string full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder));
                if (options.Create && !File.Exists(Path.Combine(full, UnitMarker.FileName)))
                    UnitMarker.Create(DiskStorage.Instance, full, options.Name, $"u{units.Count + 1}", clock, Random.Shared, options.Database);
                var unitOptions = new UnitOptions { BufferSize = options.BufferSize, Linger = options.Linger, Database = options.Database, Clock = clock };
                StorageUnit unit = StorageUnit.Open(DiskStorage.Instance, full, options.Name, null, unitOptions);
                units.Add(unit);
                if (units.Count(u => u.Name == unit.Name) > 1)
                    throw new MessageStoreException(ErrorIds.InvalidParameter, ErrorKind.InvalidArgument, $"{full} and another folder are both unit {unit.Name}.", full);
            }
            return units;
        }
        catch
        {
            foreach (StorageUnit unit in units) unit.Dispose();
            throw;
        }
    }

    private static WebApplication Build(NodeOptions options, StorageNode node)
    {
        WebApplicationBuilder builder = ServerHost.CreateBuilder();
        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        builder.Services.AddSystemd();
        builder.Services.AddWindowsService();
        builder.Services.AddSingleton<IMemoryPoolFactory<byte>, NetworkBlocks.Factory>();
        builder.Services.Configure<HostOptions>(o => o.ShutdownTimeout = StopGrace);
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            HttpHardening.Apply(kestrel);
            kestrel.Listen(options.Listen, listen =>
            {
                if (options.CertificatePath is { } path) listen.UseHttps(HttpHardening.Https(path, options.ClientCertificates ? options.AuthorityPath : null));
                else listen.Protocols = HttpProtocols.Http1;
            });
        });
        WebApplication host = builder.Build();
        new NodeEndpoints(node, options.SharedKey.Length > 0 ? new NodeKey(options.SharedKey) : null, new ByteBudget(options.Memory)).Map(host);
        return host;
    }

    private static string AddressOf(WebApplication host) =>
        host.Services.GetRequiredService<IServer>().Features.GetRequiredFeature<IServerAddressesFeature>().Addresses.First();
}
