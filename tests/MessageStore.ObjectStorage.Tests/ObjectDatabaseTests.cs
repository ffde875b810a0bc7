using System.Text;
using MessageStore.Messages;
using MessageStore.Tests.Support;

namespace MessageStore.Tests.ObjectStorage;

/// <summary>A whole database that is told of a bucket while it is open.</summary>
public sealed class ObjectDatabaseTests
{
    [Fact]
    public async Task What_is_archived_goes_to_the_bucket_then_to_files_again_and_all_of_it_stays_readable()
    {
        using var folder = new TemporaryFolder();
        using var server = new FakeObjectServer();
        await using var listener = new ObjectListener(server);
        string path = Path.Combine(folder.Path, "mail");
        ObjectSettings settings = Settings(folder, listener.Endpoint);
        await MessageDatabase.CreateAsync(new MessageDatabaseOptions { Path = path });
        Guid[] ids = new Guid[4];
        await using (IMessageStore store = await MessageDatabase.OpenAsync(path))
        {
            ids[0] = await ArchivedAsync(store, 0);
            Assert.Empty(server.Objects);
            DatabaseStatus status = await store.SetObjectsAsync(settings);
            Assert.Equal(settings, status.Objects);
            ids[1] = await ArchivedAsync(store, 1);
        }
        await using (IMessageStore store = await MessageDatabase.OpenAsync(path))
        {
            ids[2] = await ArchivedAsync(store, 2);
            int packs = server.Objects.Count;
            Assert.False((await store.SetObjectsAsync(settings with { IsTarget = false })).Objects!.IsTarget);
            ids[3] = await ArchivedAsync(store, 3);
            Assert.Equal(packs, server.Objects.Count);
        }
        await using IMessageStore reopened = await MessageDatabase.OpenAsync(path);
        Assert.Equal(["files", "objects", "objects", "files"], await Task.WhenAll(ids.Select(async id => (await reopened.ListKeysAsync().FirstAsync(k => k.Id == id)).Target)));
        for (int i = 0; i < ids.Length; i++)
        {
            using var reader = new StreamReader(await reopened.OpenReadAsync(ids[i]));
            Assert.Equal(Text(i), await reader.ReadToEndAsync());
        }
    }

    [Fact]
    public async Task A_bucket_that_refuses_or_belongs_to_another_database_changes_nothing()
    {
        using var folder = new TemporaryFolder();
        using var server = new FakeObjectServer();
        await using var listener = new ObjectListener(server);
        ObjectSettings settings = Settings(folder, listener.Endpoint);
        string other = Path.Combine(folder.Path, "other"), path = Path.Combine(folder.Path, "mail");
        await MessageDatabase.CreateAsync(new MessageDatabaseOptions { Path = other });
        await MessageDatabase.CreateAsync(new MessageDatabaseOptions { Path = path });
        await using (IMessageStore first = await MessageDatabase.OpenAsync(other)) await first.SetObjectsAsync(settings);

        await using IMessageStore store = await MessageDatabase.OpenAsync(path);
        Assert.Equal(ErrorIds.ArchiveUnavailable, (await Assert.ThrowsAsync<MessageStoreException>(() => store.SetObjectsAsync(settings))).ErrorId);
        server.Fault = (_, _) => ObjectFault.Denied;
        Assert.Equal(ErrorIds.ArchiveUnavailable, (await Assert.ThrowsAsync<MessageStoreException>(() => store.SetObjectsAsync(settings with { Prefix = "mine" }))).ErrorId);
        server.Fault = (_, _) => ObjectFault.None;
        Assert.Equal(ErrorIds.PathNotFound, (await Assert.ThrowsAsync<MessageStoreException>(() => store.SetObjectsAsync(settings with { CredentialsFile = Path.Combine(folder.Path, "nothing") }))).ErrorId);
        foreach (string endpoint in (string[])["http://s3.example.org", "s3.example.org", "ftp://localhost"])
            Assert.Equal(ErrorIds.InvalidParameter, (await Assert.ThrowsAsync<MessageStoreException>(() => store.SetObjectsAsync(settings with { Endpoint = endpoint }))).ErrorId);
        Assert.Null((await store.GetStatusAsync()).Objects);
        Guid id = await ArchivedAsync(store, 0);
        Assert.Equal("files", (await store.ListKeysAsync().FirstAsync(k => k.Id == id)).Target);
    }

    private static ObjectSettings Settings(TemporaryFolder folder, string endpoint)
    {
        string file = Path.Combine(folder.Path, "credentials");
        File.WriteAllText(file, "[default]\naws_access_key_id = a\naws_secret_access_key = b\n");
        return new ObjectSettings { Bucket = "mail", Prefix = "company", Endpoint = endpoint, CredentialsFile = file };
    }

    private static string Text(int number) => $"From: a@example.com\nSubject: {number}\n\n{new string('x', 500)}\n";

    private static async Task<Guid> ArchivedAsync(IMessageStore store, int number)
    {
        using MessageBody body = MessageBody.FromMemory(Encoding.ASCII.GetBytes(Text(number)));
        StoredMessage message = await store.AppendAsync(new MessageToAppend { Mailbox = "alice", Body = body });
        ArchiveRun run = await store.ArchiveAsync(new ArchiveOptions { Before = DateTimeOffset.MaxValue });
        Assert.Equal((1, 0), (run.Moved, run.Failed));
        return message.Id;
    }
}
