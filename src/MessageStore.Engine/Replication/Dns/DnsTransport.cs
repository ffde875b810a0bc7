using System.Buffers;
using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace MessageStore.Replication.Dns;

/// <summary>
/// Sends a message to a name server and waits for the answer to it. Each message has a socket of its own, at a random port and connected to the server: what comes from
/// elsewhere never arrives (RFC 5452).
/// </summary>
/// <param name="random">Chooses ports.</param>
/// <param name="time">Counts time-outs.</param>
internal sealed class DnsTransport(Func<int, int> random, TimeProvider time)
{
    private const int LowestPort = 1024;
    private const int PortTries = 16;

    /// <summary>
    /// How many answers to something else make it likely that somebody guesses: then the question goes over TCP, where there is nothing to guess.
    /// </summary>
    private const int GuessLimit = 64;

    /// <summary>Asks over UDP and passes over every datagram that is not the answer, until the time is up.</summary>
    /// <param name="server">The server.</param>
    /// <param name="message">What is sent.</param>
    /// <param name="accept">Says whether a datagram is the answer.</param>
    /// <param name="timeout">How long to wait.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>Whether the answer came; if not because of too many guesses, the message is to go over TCP.</returns>
    /// <exception cref="SocketException">The server cannot be reached.</exception>
    /// <exception cref="TimeoutException">No answer came in time.</exception>
    public async Task<bool> AskOverUdpAsync(IPEndPoint server, ReadOnlyMemory<byte> message, Func<ReadOnlyMemory<byte>, bool> accept, TimeSpan timeout, CancellationToken cancellationToken)
    {
        using Socket socket = OpenUdp(server);
        byte[] buffer = ArrayPool<byte>.Shared.Rent(DnsMessage.MaximumLength);
        try
        {
            return await InTimeAsync(timeout, async stop =>
            {
                await socket.SendAsync(message, stop).ConfigureAwait(false);
                for (int guesses = 0; guesses < GuessLimit; guesses++)
                {
                    int length = await socket.ReceiveAsync(buffer, stop).ConfigureAwait(false);
                    if (accept(buffer.AsMemory(0, length))) return true;
                }
                return false;
            }, server, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Asks over TCP (RFC 7766), once on a connection.</summary>
    /// <returns>Whether what came is the answer.</returns>
    /// <exception cref="SocketException">The server cannot be reached.</exception>
    /// <exception cref="IOException">The server ended the connection.</exception>
    /// <exception cref="TimeoutException">No answer came in time.</exception>
    public async Task<bool> AskOverTcpAsync(IPEndPoint server, ReadOnlyMemory<byte> message, Func<ReadOnlyMemory<byte>, bool> accept, TimeSpan timeout, CancellationToken cancellationToken)
    {
        using var socket = new Socket(server.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        byte[] buffer = ArrayPool<byte>.Shared.Rent(DnsMessage.MaximumLength);
        try
        {
            return await InTimeAsync(timeout, async stop =>
            {
                await socket.ConnectAsync(server, stop).ConfigureAwait(false);
                using var stream = new NetworkStream(socket);
                byte[] framed = new byte[sizeof(ushort) + message.Length];
                BinaryPrimitives.WriteUInt16BigEndian(framed, (ushort)message.Length);
                message.CopyTo(framed.AsMemory(sizeof(ushort)));
                await stream.WriteAsync(framed, stop).ConfigureAwait(false);
                await stream.ReadExactlyAsync(buffer.AsMemory(0, sizeof(ushort)), stop).ConfigureAwait(false);
                int length = BinaryPrimitives.ReadUInt16BigEndian(buffer);
                await stream.ReadExactlyAsync(buffer.AsMemory(0, length), stop).ConfigureAwait(false);
                return accept(buffer.AsMemory(0, length));
            }, server, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private Socket OpenUdp(IPEndPoint server)
    {
        IPAddress any = server.AddressFamily == AddressFamily.InterNetworkV6 ? IPAddress.IPv6Any : IPAddress.Any;
        for (int attempt = 1; ; attempt++)
        {
            var socket = new Socket(server.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
            try
            {
                // Where many ports are taken or barred, the system's choice must do; it is random on the systems we know.
                socket.Bind(new IPEndPoint(any, attempt > PortTries ? 0 : LowestPort + random(IPEndPoint.MaxPort + 1 - LowestPort)));
                socket.Connect(server);
                return socket;
            }
            catch (SocketException error)
            {
                socket.Dispose();
                if (attempt > PortTries || error.SocketErrorCode is not (SocketError.AddressAlreadyInUse or SocketError.AccessDenied)) throw;
            }
        }
    }

    private async Task<bool> InTimeAsync(TimeSpan timeout, Func<CancellationToken, Task<bool>> ask, IPEndPoint server, CancellationToken cancellationToken)
    {
        using var timer = new CancellationTokenSource(timeout, time);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, cancellationToken);
        try
        {
            return await ask(stop.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new TimeoutException($"{server} did not answer within {timeout.TotalSeconds:0.###} s.");
        }
    }
}
