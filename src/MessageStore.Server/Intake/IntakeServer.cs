using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;

namespace MessageStore.Server.Intake;

/// <summary>Takes the connections of those who bring mail, within the limits.</summary>
internal sealed partial class IntakeServer : IDisposable
{
    private readonly ConcurrentDictionary<IPAddress, int> perAddress = new();
    private readonly CancellationTokenSource stopping = new();
    private readonly CancellationTokenSource cutting = new();
    private readonly ILogger<IntakeServer> log;
    private int sessions;

    public IntakeServer(IntakeSettings settings, IntakeStore store, Recipients recipients, IHostApplicationLifetime lifetime, TimeProvider clock, ILogger<IntakeServer> log)
    {
        Settings = settings;
        Clock = clock;
        Store = store;
        Recipients = recipients;
        this.log = log;
        Messages = new SemaphoreSlim(settings.Limits.MessagesAtOnce);
        if (settings.Certificate is { } certificate) Tls = SslStreamCertificateContext.Create(certificate, null);
        lifetime.ApplicationStopping.Register(stopping.Cancel);
    }

    public IntakeSettings Settings { get; }

    public TimeProvider Clock { get; }

    public IntakeStore Store { get; }

    public Recipients Recipients { get; }

    /// <summary>Those whose message is coming in.</summary>
    public SemaphoreSlim Messages { get; }

    public SslStreamCertificateContext? Tls { get; }

    /// <summary>Cancelled when the server is to stop: sessions end between messages.</summary>
    public CancellationToken Stopping => stopping.Token;

    /// <summary>Cancelled when those who are still there are cut off.</summary>
    public CancellationToken Cut => cutting.Token;

    /// <summary>Sessions at this moment.</summary>
    public int Sessions => Volatile.Read(ref sessions);

    /// <summary>Runs a session to its end.</summary>
    public async Task RunAsync(IntakeOptions listener, Line line, IPAddress client)
    {
        if (client.IsIPv4MappedToIPv6) client = client.MapToIPv4();
        int here = perAddress.AddOrUpdate(client, 1, (_, count) => count + 1);
        try
        {
            bool isFull = Interlocked.Increment(ref sessions) > Settings.Limits.Sessions || here > Settings.Limits.SessionsPerAddress && !IPAddress.IsLoopback(client);
            await using var session = new IntakeSession(this, listener, line, client.ToString());
            await (isFull ? session.RefuseAsync(Reply.TooManySessions) : session.RunAsync()).ConfigureAwait(false);
        }
        catch (Exception error) when (error is IOException or OperationCanceledException or SocketException or ObjectDisposedException or System.Security.Authentication.AuthenticationException)
        {
            Ended(client, error.Message); // the other side has gone, or does not speak TLS as we do
        }
        finally
        {
            Interlocked.Decrement(ref sessions);
            Leave(client);
        }
    }

    /// <summary>Ends the waits of all sessions, also of those within a message.</summary>
    public void CutOff() => cutting.Cancel();

    public void Dispose()
    {
        stopping.Dispose();
        cutting.Dispose();
        Messages.Dispose();
    }

    private void Leave(IPAddress client)
    {
        while (true)
        {
            int count = perAddress[client];
            if (count == 1 ? perAddress.TryRemove(KeyValuePair.Create(client, 1)) : perAddress.TryUpdate(client, count - 1, count)) return;
        }
    }

    [LoggerMessage(LogLevel.Debug, "The session of {client} ended: {reason}")]
    private partial void Ended(IPAddress client, string reason);
}
