using MessageStore.Remote;
using MessageStore.Server.Serving;
using Microsoft.AspNetCore.Builder;

namespace MessageStore.Server.Tests.Support;

/// <summary>A server at a socket for a store of the test's own, and what a client sees of it.</summary>
internal sealed class SocketHost : IAsyncDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly ServerSocket socket;
    private readonly WebApplication host;
    private readonly TimeProvider clock;

    private SocketHost(IMessageStore store, TimeProvider clock)
    {
        this.clock = clock;
        socket = ServerSocket.For(folder.Path);
        host = MessageServer.Build(store, socket, clock);
    }

    public string SocketPath => socket.Path;

    public IMessageStore Client { get; private set; } = null!;

    public static async Task<SocketHost> StartAsync(IMessageStore store, TimeProvider? clock = null)
    {
        var started = new SocketHost(store, clock ?? TimeProvider.System);
        await started.host.StartAsync();
        started.Client = (await RemoteMessageStore.ConnectAsync(started.folder.Path, started.socket.Path))!;
        return started;
    }

    public Task StopAsync() => MessageServer.StopAsync(host, clock);

    public async ValueTask DisposeAsync()
    {
        await Client.DisposeAsync();
        await host.DisposeAsync();
        socket.Dispose();
        folder.Dispose();
    }
}
