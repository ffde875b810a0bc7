using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using MessageStore.Server.Intake;
using MessageStore.Server.Serving;
using MessageStore.Server.Tests.Support;
using Microsoft.Extensions.Logging;

namespace MessageStore.Server.Tests.Intake;

public sealed class IntakeListenerTests
{
    private static readonly IPEndPoint Any = new(IPAddress.Loopback, 0);

    [Fact]
    public async Task Connections_that_cannot_be_taken_are_said_once_and_tried_again()
    {
        var log = new LogLines();
        var errors = new ConcurrentQueue<SocketError>([SocketError.ConnectionAborted, SocketError.TooManyOpenSockets, SocketError.TooManyOpenSockets]);
        using var listener = new IntakeListener(Options(Any), GreetAsync, log, l => errors.TryDequeue(out SocketError error) ? throw new SocketException((int)error) : l.Accept());
        listener.Bind();
        listener.Start();
        await using LineClient client = await LineClient.ConnectAsync(listener.Address);
        Assert.Equal("220 x", await client.ReadAsync());
        Assert.Equal($"Connections at {listener.Address} cannot be taken now: {new SocketException((int)SocketError.TooManyOpenSockets).Message}", Assert.Single(log.Lines));
    }

    [Fact]
    public async Task A_closed_listener_takes_nobody_and_leaves_its_address()
    {
        var log = new LogLines();
        var listener = new IntakeListener(Options(Any), GreetAsync, log);
        listener.Bind();
        listener.Start();
        await using (LineClient client = await LineClient.ConnectAsync(listener.Address)) Assert.Equal("220 x", await client.ReadAsync());
        listener.Dispose();
        Assert.Equal(SocketError.ConnectionRefused, (await Assert.ThrowsAsync<SocketException>(() => LineClient.ConnectAsync(listener.Address))).SocketErrorCode);
        using var next = new IntakeListener(Options(listener.Address), GreetAsync, log);
        next.Bind();
        Assert.Empty(log.Lines);
    }

    [Fact]
    public async Task Where_one_address_is_taken_the_server_listens_at_none_and_says_which()
    {
        using var folder = new TemporaryFolder();
        await MessageDatabase.CreateAsync(new MessageDatabaseOptions { Path = folder["db"] });
        using var other = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        other.Bind(Any);
        other.Listen();
        var taken = (IPEndPoint)other.LocalEndPoint!;
        int free;
        using (var probe = new TcpListener(Any))
        {
            probe.Start();
            free = ((IPEndPoint)probe.LocalEndpoint).Port;
        }
        var options = new ServerOptions { Database = folder["db"], Intake = new IntakeSettings { Listeners = [Options(new IPEndPoint(IPAddress.Loopback, free)), Options(taken)] } };
        MessageStoreException error = await Assert.ThrowsAsync<MessageStoreException>(() => MessageServer.StartAsync(options));
        Assert.Equal(ErrorIds.AddressInUse, error.ErrorId);
        Assert.Equal($"The server cannot listen: Failed to bind to address {taken}: address already in use.", error.Message);
        await Assert.ThrowsAsync<SocketException>(() => LineClient.ConnectAsync(new IPEndPoint(IPAddress.Loopback, free)));
        await using IMessageStore store = await MessageDatabase.OpenAsync(folder["db"]); // and has left the database
    }

    [Fact]
    public async Task An_address_for_all_takes_both_kinds_of_internet_addresses()
    {
        using var listener = new IntakeListener(Options(new IPEndPoint(IPAddress.IPv6Any, 0)), GreetAsync, new LogLines());
        listener.Bind();
        listener.Start();
        foreach (IPAddress loopback in (IPAddress[])[IPAddress.Loopback, IPAddress.IPv6Loopback])
        {
            if (loopback.AddressFamily == AddressFamily.InterNetworkV6 && !Socket.OSSupportsIPv6) continue;
            await using LineClient client = await LineClient.ConnectAsync(new IPEndPoint(loopback, listener.Address.Port));
            Assert.Equal("220 x", await client.ReadAsync());
        }
    }

    private static IntakeOptions Options(IPEndPoint address) => new() { Protocol = IntakeProtocol.Lmtp, Address = address, AllowPlaintext = true };

    private static async Task GreetAsync(IntakeOptions options, Socket socket)
    {
        await socket.SendAsync("220 x\r\n"u8.ToArray());
        socket.Dispose();
    }

    private sealed class LogLines : ILogger
    {
        public ConcurrentQueue<string> Lines { get; } = [];

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) => Lines.Enqueue(formatter(state, exception));
    }
}
