using System.Net.Sockets;
using MessageStore.Remote;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;

namespace MessageStore.Server.Serving;

/// <summary>Serves the members of <see cref="IMessageStore"/> at the server's own socket; see <c>docs/format-socket.md</c>.</summary>
internal sealed partial class StoreEndpoint(IMessageStore store, IHostApplicationLifetime lifetime, TimeProvider clock, ILogger<StoreEndpoint> log) : IDisposable
{
    /// <summary>How long calls under way get once the server is told to stop, before they are interrupted.</summary>
    private static readonly TimeSpan CallGrace = TimeSpan.FromSeconds(2);

    private readonly CancellationTokenSource stopping = new();
    private readonly DateTimeOffset started = clock.GetUtcNow();

    public void Map(WebApplication host)
    {
        lifetime.ApplicationStopping.Register(() => stopping.CancelAfter(CallGrace));
        RouteGroupBuilder socket = host.MapGroup("").AddEndpointFilter(async (context, next) => IsOwnSocket(context.HttpContext) ? await next(context).ConfigureAwait(false) : Results.NotFound());
        socket.MapGet(Wire.Route, Greet);
        socket.MapPost(Wire.Route + "/{member}", CallAsync);
        socket.MapPost(Wire.StopRoute, lifetime.StopApplication);
    }

    public void Dispose() => stopping.Dispose();

    private ServerGreeting Greet() => new()
    {
        Protocol = Wire.Protocol,
        Contract = StoreContract.Fingerprint,
        Version = ServerGreeting.OwnVersion,
        ProcessId = Environment.ProcessId,
        Started = started,
    };

    private async Task<IResult> CallAsync(string member, HttpContext context)
    {
        if (StoreContract.Find(member) is not { } called) return Results.NotFound();
        if (context.Request.Headers[Wire.ContractHeader] != StoreContract.Fingerprint) return Results.StatusCode(StatusCodes.Status409Conflict);
        // The caller is the owner's own process: a pipeline that rests for an hour is no attack, and a large message no mistake.
        context.Features.GetRequiredFeature<IHttpMaxRequestBodySizeFeature>().MaxRequestBodySize = null;
        if (context.Features.Get<IHttpMinRequestBodyDataRateFeature>() is { } request) request.MinDataRate = null;
        if (context.Features.Get<IHttpMinResponseDataRateFeature>() is { } response) response.MinDataRate = null;
        context.Response.ContentType = Wire.ContentType;
        await StoreCall.RunAsync(store, called, context.Request.Body, context.Response.Body, error => CallFailed(member, error), stopping.Token, context.RequestAborted).ConfigureAwait(false);
        return Results.Empty;
    }

    /// <summary>The store is for whoever may open the socket's file, and for nobody who comes over the network.</summary>
    internal static bool IsOwnSocket(HttpContext context) => context.Features.Get<IConnectionSocketFeature>()?.Socket.LocalEndPoint is UnixDomainSocketEndPoint;

    [LoggerMessage(LogLevel.Error, "{member} failed.")]
    private partial void CallFailed(string member, Exception error);
}
