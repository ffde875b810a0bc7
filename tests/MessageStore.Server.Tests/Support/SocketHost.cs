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

    private SocketHost(IMessageStore store)
    {
        socket = ServerSocket.For(folder.Path);
        host = MessageServer.Build(store, socket, TimeProvider.System);
    }

    public string SocketPath => socket.Path;

    public IMessageStore Client { get; private set; } = null!;

    public static async Task<SocketHost> StartAsync(IMessageStore store)
    {
        var started = new SocketHost(store);
        await started.host.StartAsync();
        started.Client = (await RemoteMessageStore.ConnectAsync(started.folder.Path, started.socket.Path))!;
        return started;
    }

    public Task StopAsync() => host.StopAsync();

    public async ValueTask DisposeAsync()
    {
        await Client.DisposeAsync();
        await host.DisposeAsync();
        socket.Dispose();
        folder.Dispose();
    }
}
