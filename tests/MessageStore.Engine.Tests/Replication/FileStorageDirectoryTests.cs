using MessageStore.Replication;
using MessageStore.Tests.Support;

namespace MessageStore.Tests.Replication;

public sealed class FileStorageDirectoryTests
{
    private static readonly string Path = System.IO.Path.GetFullPath("/etc/messagestore/nodes.json");

    private readonly MemoryStorage storage = new();

    [Fact]
    public async Task Nodes_register_refresh_and_withdraw_their_records()
    {
        FileStorageDirectory directory = Directory();
        Assert.Empty(await directory.ListAsync());
        await directory.RegisterAsync(NodeSelectorTests.Node("b"));
        await directory.RegisterAsync(NodeSelectorTests.Node("a"));
        StorageServerRecord refreshed = NodeSelectorTests.Node("b", group: 1) with { Expires = new DateTimeOffset(2026, 7, 1, 1, 2, 3, TimeSpan.Zero) };
        await directory.RefreshAsync(refreshed);

        IReadOnlyList<StorageServerRecord> found = await Directory().ListAsync();
        Assert.Equal(["a", "b"], found.Select(r => r.Name));
        Assert.Equal(refreshed.Expires, found[1].Expires);
        Assert.Equal(1, found[1].Group);
        Assert.Equal("u1", found[1].Units.Single().Name);

        Assert.True(await directory.WithdrawAsync("a"));
        Assert.False(await directory.WithdrawAsync("a"));
        Assert.Equal(["b"], (await directory.ListAsync()).Select(r => r.Name));
    }

    [Fact]
    public async Task Nodes_that_register_at_the_same_time_do_not_lose_each_other()
    {
        await Task.WhenAll(Enumerable.Range(0, 12).Select(n => Task.Run(async () => await Directory().RegisterAsync(NodeSelectorTests.Node($"n{n}")))));
        Assert.Equal(12, (await Directory().ListAsync()).Count);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("{\"format\":2,\"nodes\":[]}")]
    [InlineData("{\"format\":1,\"nodes\":[{\"name\":\"../x\",\"url\":\"http://127.0.0.1:1\",\"units\":[{\"name\":\"u\"}]}]}")]
    public async Task A_file_that_makes_no_sense_is_an_error_that_names_it_and_is_not_replaced(string content)
    {
        byte[] bytes = System.Text.Encoding.UTF8.GetBytes(content);
        storage.Put(Path, bytes);
        var error = await Assert.ThrowsAsync<MessageStoreException>(async () => await Directory().RegisterAsync(NodeSelectorTests.Node("a")));
        Assert.Equal(ErrorIds.DirectoryUnavailable, error.ErrorId);
        Assert.Contains(Path, error.Message);
        Assert.Equal(bytes, storage.Content(Path));
    }

    [Theory]
    [InlineData("Node", "http://127.0.0.1:1")]
    [InlineData("n1", "ftp://127.0.0.1:1")]
    [InlineData("n1", "http://127.0.0.1:1/path")]
    [InlineData("n1", "http://user@127.0.0.1:1")]
    [InlineData("n1", "127.0.0.1")]
    public async Task A_record_that_makes_no_sense_is_refused(string name, string url)
    {
        var error = await Assert.ThrowsAsync<MessageStoreException>(async () => await Directory().RegisterAsync(NodeSelectorTests.Node("a") with { Name = name, Url = url }));
        Assert.Equal(ErrorIds.InvalidParameter, error.ErrorId);
    }

    private FileStorageDirectory Directory() => new(storage, Path, TimeProvider.System);
}
