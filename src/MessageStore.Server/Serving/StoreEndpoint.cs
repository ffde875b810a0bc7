using System.Collections.Concurrent;
using System.Net.Sockets;
using MessageStore.Remote;
using MessageStore.Server.Telemetry;
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
    private readonly ConcurrentDictionary<Guid, CancellationTokenSource> calls = new();
    private readonly DateTimeOffset started = clock.GetUtcNow();
    private CancellationTokenRegistration told;
    private ITimer? grace;

    public void Map(WebApplication host)
    {
        told = lifetime.ApplicationStopping.Register(() => grace = clock.CreateTimer(Interrupt, null, CallGrace, Timeout.InfiniteTimeSpan));
        RouteGroupBuilder socket = host.MapGroup("").AddEndpointFilter(async (context, next) => IsOwnSocket(context.HttpContext) ? await next(context).ConfigureAwait(false) : Results.NotFound());
        socket.MapGet(Wire.Route, Greet);
        socket.MapPost(Wire.Route + "/{member}", CallAsync);
        socket.MapPost(Wire.CancelRoute + "/{call:guid}", CancelAsync);
        socket.MapPost(Wire.StopRoute, lifetime.StopApplication);
    }

    public void Dispose()
    {
        told.Dispose(); // a host that did not come to its start may be told to stop when it is already gone
        grace?.Dispose();
        stopping.Dispose();
    }

    private void Interrupt(object? state)
    {
        try
        {
            stopping.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // The last call ended in the same moment.
        }
    }

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
        using var cancelled = new CancellationTokenSource();
        if (!Guid.TryParse(context.Request.Headers[Wire.CallHeader], out Guid call) || !calls.TryAdd(call, cancelled)) return Results.BadRequest();
        // The caller is the owner's own process: a pipeline that rests for an hour is no attack, and a large message no mistake.
        context.Features.GetRequiredFeature<IHttpMaxRequestBodySizeFeature>().MaxRequestBodySize = null;
        if (context.Features.Get<IHttpMinRequestBodyDataRateFeature>() is { } request) request.MinDataRate = null;
        if (context.Features.Get<IHttpMinResponseDataRateFeature>() is { } response) response.MinDataRate = null;
        context.Response.ContentType = Wire.ContentType;
        using System.Diagnostics.Activity? trace = Operations.Trace(member);
        try
        {
            await StoreCall.RunAsync(store, called, context.Request.Body, context.Response.Body, error => CallFailed(member, error), stopping.Token, cancelled.Token, context.RequestAborted).ConfigureAwait(false);
        }
        finally
        {
            calls.TryRemove(call, out _);
        }
        return Results.Empty;
    }

    /// <summary>Cancels a call that is under way; its caller hears from the call itself when it has ended.</summary>
    private async Task<IResult> CancelAsync(Guid call)
    {
        if (!calls.TryGetValue(call, out CancellationTokenSource? cancelled)) return Results.NotFound();
        try
        {
            await cancelled.CancelAsync().ConfigureAwait(false);
        }
        catch (ObjectDisposedException)
        {
            return Results.NotFound(); // it ended just now
        }
        return Results.Ok();
    }

    /// <summary>The store is for whoever may open the socket's file, and for nobody who comes over the network.</summary>
    internal static bool IsOwnSocket(HttpContext context) => context.Features.Get<IConnectionSocketFeature>()?.Socket.LocalEndPoint is UnixDomainSocketEndPoint;

    [LoggerMessage(LogLevel.Error, "{member} failed.")]
    private partial void CallFailed(string member, Exception error);
}
