using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace MessageStore.Server.Intake;

/// <summary>All addresses where mail comes in, and the connections taken there.</summary>
internal sealed partial class IntakeListeners : IHostedService, IDisposable
{
    /// <summary>How long sessions that were cut off get to notice.</summary>
    private static readonly TimeSpan LastWait = TimeSpan.FromSeconds(1);

    private readonly IntakeServer server;
    private readonly ILogger<IntakeListeners> log;
    private readonly List<IntakeListener> listeners;
    private readonly ConcurrentDictionary<SocketLine, bool> open = new();
    private readonly TaskCompletionSource ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Sessions, and one for the addresses as long as they are listened at.</summary>
    private int users = 1;

    private bool isCut;

    public IntakeListeners(IntakeServer server, ILogger<IntakeListeners> log)
    {
        this.server = server;
        this.log = log;
        listeners = [.. server.Settings.Listeners.Select(options => new IntakeListener(options, ServeAsync, log))];
    }

    /// <summary>In the order of the configuration, as they turned out where a port was left to the system.</summary>
    public IReadOnlyList<IPEndPoint> Addresses => [.. listeners.Select(static l => l.Address)];

    /// <summary>Listens at all addresses, or at none.</summary>
    public Task StartAsync(CancellationToken cancellationToken)
    {
        try
        {
            listeners.ForEach(static l => l.Bind());
        }
        catch
        {
            listeners.ForEach(static l => l.Dispose());
            throw;
        }
        listeners.ForEach(static l => l.Start());
        return Task.CompletedTask;
    }

    /// <summary>Takes no more connections, lets sessions end, and cuts off those that have not when <paramref name="cancellationToken"/> is cancelled.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        listeners.ForEach(static l => l.Dispose());
        Leave();
        try
        {
            await ended.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            CutOff();
            await Task.WhenAny(ended.Task, Task.Delay(LastWait, CancellationToken.None)).ConfigureAwait(false);
        }
    }

    /// <summary>For a server that did not come to its start or its stop.</summary>
    public void Dispose()
    {
        listeners.ForEach(static l => l.Dispose());
        CutOff();
    }

    private void CutOff()
    {
        if (Interlocked.Exchange(ref isCut, true)) return;
        server.CutOff();
        foreach (SocketLine line in open.Keys) line.Cut();
    }

    private async Task ServeAsync(IntakeOptions options, Socket socket)
    {
        Interlocked.Increment(ref users);
        var line = new SocketLine(socket);
        open[line] = true;
        try
        {
            if (IntakeCrew.CanHold) socket.ReceiveTimeout = (int)IntakeCrew.HoldTime.TotalMilliseconds;
            else socket.NoDelay = true;
            await server.RunAsync(options, line, ((IPEndPoint)socket.RemoteEndPoint!).Address).ConfigureAwait(false);
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            // It broke, or was cut off, before it was begun.
        }
        catch (Exception error)
        {
            Failed(error);
        }
        finally
        {
            open.TryRemove(line, out _);
            await line.DisposeAsync().ConfigureAwait(false);
            Leave();
        }
    }

    private void Leave()
    {
        if (Interlocked.Decrement(ref users) == 0) ended.TrySetResult();
    }

    [LoggerMessage(LogLevel.Error, "A session of somebody who brings mail failed.")]
    private partial void Failed(Exception error);
}
