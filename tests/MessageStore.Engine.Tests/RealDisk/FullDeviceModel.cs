using System.Collections.Concurrent;
using System.Security.Cryptography;
using MessageStore.Messages;
using MessageStore.Tests.Facade;

namespace MessageStore.Tests.RealDisk;

/// <summary>What several writers stored on a device that is full at times.</summary>
internal sealed class FullDeviceModel
{
    private readonly ConcurrentDictionary<Guid, string> stored = [];
    private int refused;

    public int Count => stored.Count;

    public int Refused => refused;

    public async Task AppendAsync(IMessageStore store, string mailbox, int number, int size, DateTimeOffset? received = null)
    {
        byte[] bytes = StoreFixture.Message(number, size);
        using MessageBody body = MessageBody.FromMemory(bytes);
        StoredMessage message = await store.AppendAsync(new MessageToAppend { Mailbox = mailbox, Body = body, ReceivedDate = received });
        Assert.True(stored.TryAdd(message.Id, Convert.ToHexStringLower(SHA256.HashData(bytes))));
    }

    /// <returns>Whether there was room.</returns>
    public async Task<bool> TryAppendAsync(IMessageStore store, string mailbox, int number, int size)
    {
        try
        {
            await AppendAsync(store, mailbox, number, size);
            return true;
        }
        catch (MessageStoreException error) when (error.ErrorId == ErrorIds.DiskFull)
        {
            Interlocked.Increment(ref refused);
            return false;
        }
    }

    /// <summary>Every message that was acknowledged is there once, byte for byte, and no other.</summary>
    public async Task AssertAllThereAsync(IMessageStore store)
    {
        var seen = new HashSet<Guid>();
        await foreach (StoredMessage message in store.ListAsync(new MessageQuery()))
        {
            Assert.True(seen.Add(message.Id), $"{message.Id} is listed twice.");
            Assert.True(stored.TryGetValue(message.Id, out string? expected), $"{message.Id} was refused and is there.");
            Assert.Equal(expected, await StoreFixture.DigestAsync(store, message.Id));
        }
        Assert.Equal(stored.Count, seen.Count);
    }
}
