using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

namespace MessageStore.Server.Intake;

/// <summary>One address where mail comes in: takes its connections, each for a session.</summary>
/// <param name="options">The address and what is spoken there.</param>
/// <param name="serve">Runs the session of a connection to its end; never throws.</param>
/// <param name="log">Told where no connection can be taken.</param>
/// <param name="accept">Takes a connection; a test may have its own.</param>
internal sealed partial class IntakeListener(IntakeOptions options, Func<IntakeOptions, Socket, Task> serve, ILogger log, Func<Socket, Socket>? accept = null) : IDisposable
{
    /// <summary>Connections that wait to be taken.</summary>
    private const int Backlog = 512;

    /// <summary>Most threads. As many sessions, less one, are waited for with a thread; Postfix brings 20 at once unless told otherwise.</summary>
    private const int Threads = 32;

    /// <summary>How long to wait where none can be taken: the process may have too many files open until a session ends.</summary>
    private static readonly TimeSpan Rest = TimeSpan.FromMilliseconds(100);

    private Socket? listening;
    private IntakeCrew? crew;
    private volatile bool isClosed;
    private volatile bool isFailing;

    /// <summary>The address as it turned out where the port was left to the system.</summary>
    public IPEndPoint Address { get; private set; } = options.Address;

    /// <summary>Takes the address.</summary>
    /// <exception cref="IOException">Another has it.</exception>
    /// <exception cref="SocketException">It cannot be had.</exception>
    public void Bind()
    {
        try
        {
            listening = SocketTransportOptions.CreateDefaultBoundListenSocket(options.Address);
            listening.NoDelay = true; // on Linux a connection has this from the socket that it was made at
            listening.Listen(Backlog);
        }
        catch (SocketException error) when (error.SocketErrorCode == SocketError.AddressAlreadyInUse)
        {
            throw new IOException($"Failed to bind to address {options.Address}: address already in use.", new AddressInUseException(error.Message, error));
        }
        Address = (IPEndPoint)listening.LocalEndPoint!;
    }

    /// <summary>Begins to take connections.</summary>
    public void Start()
    {
        crew = new IntakeCrew(IntakeCrew.CanHold ? Threads : 1, TakeOne);
        crew.Start();
    }

    /// <summary>Takes no more connections.</summary>
    public void Dispose()
    {
        isClosed = true;
        listening?.Dispose();
    }

    private bool TakeOne()
    {
        try
        {
            Socket socket = (accept ?? (static l => l.Accept()))(listening!);
            isFailing = false;
            crew!.Run(Begin, socket);
        }
        catch (Exception) when (isClosed)
        {
            return false;
        }
        catch (SocketException error)
        {
            // One that broke before it was taken concerns nobody; whatever else there is may last.
            if (error.SocketErrorCode is SocketError.ConnectionAborted or SocketError.ConnectionReset) return true;
            if (!isFailing) CannotTake(Address, error.Message);
            isFailing = true;
            Thread.Sleep(Rest);
        }
        return true;
    }

    private void Begin(object connection) => _ = serve(options, (Socket)connection);

    [LoggerMessage(LogLevel.Warning, "Connections at {address} cannot be taken now: {reason}")]
    private partial void CannotTake(IPEndPoint address, string reason);
}
