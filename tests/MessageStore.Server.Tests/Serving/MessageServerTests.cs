using System.Net.Sockets;
using MessageStore.Server.Serving;
using MessageStore.Server.Tests.Support;

namespace MessageStore.Server.Tests.Serving;

public sealed class MessageServerTests
{
    [Fact]
    public async Task A_server_owns_its_database_answers_on_the_socket_and_leaves_both_free_when_it_stops()
    {
        using var place = new TemporaryFolder();
        string path = Path.Combine(place.Path, "db");
        await MessageDatabase.CreateAsync(new MessageDatabaseOptions { Path = path });
        await using (await MessageServer.StartAsync(new ServerOptions { Database = path }))
        {
            Assert.True(MessageStore.Storage.OwnerLock.IsHeld(IO.DiskStorage.Instance, Path.Combine(path, "database.lock")));
            using var client = new HttpClient(new SocketsHttpHandler
            {
                ConnectCallback = async (_, cancellationToken) =>
                {
                    var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                    await socket.ConnectAsync(new UnixDomainSocketEndPoint(Path.Combine(path, "database.sock")), cancellationToken);
                    return new NetworkStream(socket, ownsSocket: true);
                },
            });
            Assert.Equal("healthy\n", await client.GetStringAsync(new Uri("http://localhost/healthz")));
        }
        Assert.False(MessageStore.Storage.OwnerLock.IsHeld(IO.DiskStorage.Instance, Path.Combine(path, "database.lock")));
        Assert.False(File.Exists(Path.Combine(path, "database.sock")));
    }
}
