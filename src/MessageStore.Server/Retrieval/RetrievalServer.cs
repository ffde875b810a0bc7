using MessageStore.Server.Nodes;
using MessageStore.Server.Serving;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace MessageStore.Server.Retrieval;

/// <summary>The retrieval server of a database: messages by Id over HTTP, from whatever place has a whole copy (docs/replication.md).</summary>
internal sealed class RetrievalServer : IAsyncDisposable
{
    private static readonly TimeSpan StopGrace = TimeSpan.FromSeconds(5);

    private readonly WebApplication host;

    private RetrievalServer(WebApplication host) => this.host = host;

    /// <summary>Where it listens.</summary>
    public string Url => host.Services.GetRequiredService<IServer>().Features.GetRequiredFeature<IServerAddressesFeature>().Addresses.First();

    /// <exception cref="MessageStoreException">InvalidParameter: off loopback without TLS, or the key is too short; AddressInUse, AccessDenied.</exception>
    public static async Task<RetrievalServer> StartAsync(EmbeddedMessageStore store, RetrievalOptions options, CancellationToken cancellationToken = default)
    {
        options.Check();
        WebApplicationBuilder builder = ServerHost.CreateBuilder();
        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        builder.Logging.AddFilter("Microsoft.AspNetCore.Hosting.Diagnostics", LogLevel.None); // with a log to write to, each request begins and ends a trace of its own
        builder.Services.Configure<HostOptions>(o => o.ShutdownTimeout = StopGrace);
        builder.Services.AddSingleton<IMemoryPoolFactory<byte>, NetworkBlocks.Factory>();
        builder.WebHost.UseSockets(ServerSocket.Configure);
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            HttpHardening.Apply(kestrel);
            kestrel.Listen(options.EndPoint, listen =>
            {
                if (options.CertificatePath is { } path) listen.UseHttps(HttpHardening.Https(path));
                else listen.Protocols = HttpProtocols.Http1;
            });
        });
        WebApplication host = builder.Build();
        try
        {
            host.Run(new RetrievalEndpoints(store, new NodeKey(options.SharedKey), new MessageCache(options.CacheBytes)).AnswerAsync);
            await host.StartAsync(cancellationToken).ConfigureAwait(false);
            return new RetrievalServer(host);
        }
        catch (Exception error)
        {
            await host.DisposeAsync().ConfigureAwait(false);
            if (error is not (IOException or System.Net.Sockets.SocketException)) throw;
            bool isTaken = error.InnerException is AddressInUseException || error is AddressInUseException;
            throw new MessageStoreException(isTaken ? ErrorIds.AddressInUse : ErrorIds.AccessDenied, isTaken ? ErrorKind.Busy : ErrorKind.Denied,
                $"The retrieval server cannot listen at {options.EndPoint}: {error.Message}", options.EndPoint.ToString(), error);
        }
    }

    /// <summary>Lets requests under way end.</summary>
    public async ValueTask DisposeAsync()
    {
        await host.StopAsync().ConfigureAwait(false);
        await host.DisposeAsync().ConfigureAwait(false);
    }
}
