using MessageStore.Remote;
using MessageStore.Server.Serving;

namespace MessageStore.Server.Tests.Remote;

/// <summary>The contract, through the socket of a server.</summary>
public sealed class OwnedStoreTests : StoreContractTests
{
    private MessageServer server = null!;

    private protected override async Task<IMessageStore> OpenAsync()
    {
        server = await MessageServer.StartAsync(new ServerOptions { Database = Database });
        // Not OpenAsync, which finds the database open in this very process.
        return (await RemoteMessageStore.ConnectAsync(Database, server.SocketPath))!;
    }

    private protected override async Task CloseAsync() => await server.DisposeAsync();
}
