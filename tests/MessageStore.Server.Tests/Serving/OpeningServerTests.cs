using MessageStore.IO;
using MessageStore.Remote;
using MessageStore.Server.Serving;
using MessageStore.Server.Tests.Support;
using MessageStore.Storage;

namespace MessageStore.Server.Tests.Serving;

/// <summary>What becomes of those who come while a server still opens its database.</summary>
public sealed class OpeningServerTests : IAsyncLifetime, IDisposable
{
    /// <summary>A guard against hanging, no measure of speed.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);

    private readonly TemporaryFolder folder = new();

    private string Database => folder["db"];

    public Task InitializeAsync() => MessageDatabase.CreateAsync(new MessageDatabaseOptions { Path = Database });

    public Task DisposeAsync() => Task.CompletedTask;

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task Whoever_waits_too_long_is_told_how_far_it_is()
    {
        using OwnerLock opening = MailDatabase.TakeOwnership(DiskStorage.Instance, Database, TimeProvider.System, "it has just begun");
        opening.SayOpening("storage group SG1, 3 of 7 log files replayed");
        MessageStoreException error = await Assert.ThrowsAsync<MessageStoreException>(() => OwningServer.ConnectAsync(Database, TimeSpan.Zero, default));
        Assert.Equal(ErrorIds.ServerOpening, error.ErrorId);
        Assert.True(error.IsTransient);
        Assert.Contains("3 of 7 log files replayed", error.Message, StringComparison.Ordinal);
        ServerStatus status = await MessageServerControl.GetAsync(Database);
        Assert.Equal((ServerState.Opening, "storage group SG1, 3 of 7 log files replayed", Environment.ProcessId), (status.State, status.Opening, status.ProcessId));
    }

    [Fact]
    public async Task Whoever_waits_gets_the_server_when_it_answers()
    {
        OwnerLock opening = MailDatabase.TakeOwnership(DiskStorage.Instance, Database, TimeProvider.System, "it has just begun");
        Task<IMessageStore?> waiting = OwningServer.ConnectAsync(Database, Patience, default);
        Assert.False(waiting.IsCompleted);
        await using SocketHost server = await SocketHost.StartAsync(ScriptedStore.Create(static (_, _) => Task.FromResult((DatabaseStatus)Sample.Make(typeof(DatabaseStatus), full: true)!)));
        opening.Announce(server.SocketPath);
        opening.SayOpening("a group that was restored is opened again"); // which must not take the socket away
        await using IMessageStore? store = await waiting.WaitAsync(Patience);
        Assert.NotNull(await store!.GetStatusAsync());
        opening.Dispose();
    }

    [Fact]
    public async Task Where_the_server_ends_before_it_answers_the_database_is_opened_here()
    {
        OwnerLock opening = MailDatabase.TakeOwnership(DiskStorage.Instance, Database, TimeProvider.System, "it has just begun");
        string note = await File.ReadAllTextAsync(Path.Combine(Database, "database.lock.json"));
        opening.Dispose();
        await File.WriteAllTextAsync(Path.Combine(Database, "database.lock.json"), note); // as a killed one leaves it
        await using IMessageStore? store = await OwningServer.ConnectAsync(Database, Patience, default);
        Assert.Equal(Database, store!.Path);
    }

    [Fact]
    public async Task Another_process_that_is_no_server_is_not_waited_for()
    {
        using OwnerLock owner = MailDatabase.TakeOwnership(DiskStorage.Instance, Database, TimeProvider.System);
        Assert.Null(await OwningServer.ConnectAsync(Database, Patience, default));
        Assert.Equal(ServerState.Stopped, (await MessageServerControl.GetAsync(Database)).State);
    }

    [Fact]
    public async Task A_server_says_how_far_it_is_and_then_where_it_answers()
    {
        await using MessageServer server = await MessageServer.StartAsync(new ServerOptions { Database = Database });
        LockOwner owner = OwnerLock.Describe(DiskStorage.Instance, Path.Combine(Database, "database.lock"))!;
        Assert.Equal((server.SocketPath, null), (owner.Socket, owner.Opening));
    }
}
