using System.Globalization;
using System.Security.Cryptography;
using MessageStore.Writer;

namespace MessageStore.Tests.RealDisk;

/// <summary>What the journals of all writers so far promise, and whether a database keeps it.</summary>
internal sealed class AckModel
{
    private readonly Dictionary<Guid, (string Sha256, string Mailbox)> stored = [];
    private readonly HashSet<Guid> maybeDeleted = [];
    private readonly HashSet<Guid> deleted = [];
    private readonly HashSet<Guid> read = [];

    /// <summary>Messages whose storing was acknowledged, over all rounds.</summary>
    public int Acknowledged { get; private set; }

    /// <summary>Messages that were stored although the writer was killed before it could say so.</summary>
    public int Unacknowledged { get; private set; }

    public int Deleted => deleted.Count;

    public int Live => stored.Count;

    /// <summary>Messages that archive runs said they moved.</summary>
    public long Archived { get; private set; }

    /// <summary>Bodies compared, over all rounds.</summary>
    public long Compared { get; private set; }

    /// <summary>Paths of the backups that were acknowledged, over all rounds.</summary>
    public List<string> Backups { get; } = [];

    public void Learn(string journal)
    {
        foreach (string[] words in AckJournal.Read(journal))
        {
            switch (words[0])
            {
                case "A":
                    stored.Add(Guid.Parse(words[1]), (words[2], words[3]));
                    Acknowledged++;
                    break;
                case "d":
                    maybeDeleted.Add(Guid.Parse(words[1]));
                    break;
                case "D":
                    deleted.Add(Guid.Parse(words[1]));
                    stored.Remove(Guid.Parse(words[1]));
                    break;
                case "F":
                    read.Add(Guid.Parse(words[1]));
                    break;
                case "B":
                    Backups.Add(words[1]);
                    break;
                case "K":
                    Archived += long.Parse(words[1], CultureInfo.InvariantCulture);
                    break;
                case "X":
                    Assert.Fail($"The writer met what must not happen: {string.Join(' ', words)}");
                    break;
            }
        }
    }

    /// <summary>Every message that was acknowledged is there once, byte for byte; what was deleted stays away; nothing is there by half.</summary>
    public async Task VerifyAsync(IMessageStore store)
    {
        DatabaseStatus status = await store.GetStatusAsync();
        Assert.True(status.State == StorageState.Open, string.Join("; ", status.StorageGroups.Select(g => $"{g.Name} {g.State}: {g.Reason}")));
        var seen = new HashSet<Guid>();
        await foreach (StoredMessage message in store.ListAsync(new MessageQuery()))
        {
            Assert.True(seen.Add(message.Id), $"{message.Id} is listed twice.");
            Assert.False(deleted.Contains(message.Id), $"{message.Id} was deleted and is there again.");
            bool known = stored.TryGetValue(message.Id, out (string Sha256, string Mailbox) expected);
            byte[] bytes = await ReadAsync(store, message);
            string sha256 = Convert.ToHexStringLower(SHA256.HashData(bytes));
            Compared++;
            Assert.Equal(message.Sha256, sha256);
            Assert.Equal(message.Size, bytes.Length);
            if (known)
            {
                Assert.True(expected == (sha256, message.Mailbox), $"{message.Id} in {message.Mailbox} is not what was stored in {expected.Mailbox}.");
            }
            else
            {
                Assert.True(WriterMail.IsWhole(bytes), $"{message.Id} was never acknowledged and is not whole.");
                Unacknowledged++;
                stored.Add(message.Id, (sha256, message.Mailbox)); // it was seen: from now on it must stay
            }
            if (read.Contains(message.Id)) Assert.True(message.IsRead, $"{message.Id} was marked as read and is not.");
        }
        foreach (Guid id in stored.Keys.Where(id => !seen.Contains(id)).ToList())
        {
            Assert.True(maybeDeleted.Contains(id), $"{id} in {stored[id].Mailbox} was acknowledged and is lost.");
            stored.Remove(id);
            deleted.Add(id); // it was gone: it must not come back
        }
        Assert.Equal(seen.Count, status.MessageCount);
    }

    private static async Task<byte[]> ReadAsync(IMessageStore store, StoredMessage message)
    {
        await using Stream body = await store.OpenReadAsync(message.Id);
        var bytes = new MemoryStream((int)message.Size);
        await body.CopyToAsync(bytes);
        return bytes.ToArray();
    }
}
