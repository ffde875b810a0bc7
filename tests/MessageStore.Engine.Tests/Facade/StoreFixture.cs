using System.Security.Cryptography;
using System.Text;
using MessageStore.Messages;
using MessageStore.Tests.Support;

namespace MessageStore.Tests.Facade;

/// <summary>A database on the real disk with messages whose digests are known.</summary>
internal sealed class StoreFixture : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public Dictionary<Guid, string> Digests { get; } = [];

    public string Root => folder.Path;

    public string Database => folder["db"];

    public static async Task<StoreFixture> CreateAsync(params string[] groups)
    {
        var fixture = new StoreFixture();
        await MessageDatabase.CreateAsync(new MessageDatabaseOptions { Path = fixture.Database, StorageGroups = groups.Length > 0 ? groups : ["SG1"] });
        return fixture;
    }

    public Task<IMessageStore> OpenAsync() => MessageDatabase.OpenAsync(Database);

    public static byte[] Message(int number, int size = 0)
    {
        byte[] head = Encoding.ASCII.GetBytes($"From: a{number}@example.com\nTo: b@example.com\nSubject: message {number}\nDate: Mon, 2 Mar 2026 10:00:00 +0000\nMessage-ID: <{number}@test>\n\nFrom here on: text {number}\n");
        if (size <= head.Length) return head;
        byte[] message = new byte[size];
        new Random(number).NextBytes(message);
        head.CopyTo(message, 0);
        return message;
    }

    public async Task<StoredMessage> AppendAsync(IMessageStore store, int number, string mailbox = "alice", DateTimeOffset? received = null, int size = 0, MessageFlags flags = 0)
    {
        byte[] bytes = Message(number, size);
        using MessageBody body = MessageBody.FromMemory(bytes);
        StoredMessage stored = await store.AppendAsync(new MessageToAppend { Mailbox = mailbox, Body = body, ReceivedDate = received, Flags = flags });
        lock (Digests) Digests[stored.Id] = Convert.ToHexStringLower(SHA256.HashData(bytes));
        return stored;
    }

    public static async Task<string> DigestAsync(IMessageStore store, Guid id)
    {
        await using Stream body = await store.OpenReadAsync(id);
        return Convert.ToHexStringLower(await SHA256.HashDataAsync(body));
    }

    /// <summary>Every message that was acknowledged is there once, byte for byte, and no other.</summary>
    public async Task AssertAllThereAsync(IMessageStore store)
    {
        var found = new HashSet<Guid>();
        await foreach (StoredMessage message in store.ListAsync(new MessageQuery()))
        {
            Assert.True(found.Add(message.Id), $"{message.Id} is listed twice");
            Assert.True(Digests.TryGetValue(message.Id, out string? expected), $"{message.Id} was never stored");
            Assert.Equal(expected, message.Sha256);
            Assert.Equal(expected, await DigestAsync(store, message.Id));
        }
        Assert.Equal(Digests.Count, found.Count);
    }

    public void Dispose() => folder.Dispose();
}
