using System.Security.Cryptography;
using MessageStore.Storage;

namespace MessageStore.Tests.Storage;

/// <summary>What a group must hold, kept in plain collections: the other opinion that every test of the store asks.</summary>
internal sealed class StoreModel
{
    public SortedDictionary<int, ModelMailbox> Mailboxes { get; } = [];

    public Dictionary<Guid, ModelMessage> Messages { get; } = [];

    public int NextMailbox { get; private set; } = 1;

    public void AddMailbox(int number, string name)
    {
        Mailboxes.Add(number, new ModelMailbox(number, name));
        NextMailbox = Math.Max(NextMailbox, number + 1);
    }

    public void RemoveMailbox(int number)
    {
        foreach (Guid id in Mailboxes[number].Order) Messages.Remove(id);
        Mailboxes.Remove(number);
    }

    public void Add(ModelMessage message)
    {
        if (!Mailboxes.TryGetValue(message.Mailbox, out ModelMailbox? mailbox)) return;
        Messages.Add(message.Id, message);
        mailbox.Order.Add(message.Id);
    }

    public void Delete(Guid id)
    {
        if (Messages.Remove(id, out ModelMessage? message)) Mailboxes[message.Mailbox].Order.Remove(id);
    }

    public void Change(Guid id, Func<ModelMessage, ModelMessage> change)
    {
        if (Messages.TryGetValue(id, out ModelMessage? message)) Messages[id] = change(message);
    }

    /// <summary>The state digest by its definition, from nothing but what the model holds.</summary>
    public UInt128 Digest()
    {
        UInt128 sum = 0;
        foreach (ModelMessage message in Messages.Values) sum += message.Entry().StateHash();
        foreach (ModelMailbox mailbox in Mailboxes.Values)
        {
            sum += StateDigest.OfName(mailbox.Number, ushort.MaxValue, mailbox.Name);
            for (int folder = 0; folder < mailbox.Folders.Count; folder++) sum += StateDigest.OfName(mailbox.Number, (ushort)folder, mailbox.Folders[folder]);
        }
        return sum;
    }
}

/// <summary>A mailbox in the model.</summary>
internal sealed record ModelMailbox(int Number, string Name)
{
    public List<string> Folders { get; } = [StoreLimits.Inbox];

    public List<Guid> Order { get; } = [];
}

/// <summary>A message in the model.</summary>
internal sealed record ModelMessage(Guid Id, int Mailbox, ushort Folder, EntryFlags Flags, long ReceivedTicks, string Subject, byte[] Body)
{
    private readonly byte[] digest = SHA256.HashData(Body);

    public IndexEntry Entry() => new()
    {
        Id = UInt128Bytes.From(Id), ContentDigest = UInt128Bytes.Read(digest), ReceivedTicks = ReceivedTicks, Length = Body.Length,
        Mailbox = Mailbox, Folder = Folder, Flags = Flags,
    };

    public ImageHeader Header() => new()
    {
        Id = Id, DigestLow = UInt128Bytes.Read(digest), DigestHigh = UInt128Bytes.Read(digest.AsSpan(16)), ReceivedTicks = ReceivedTicks,
        BodyLength = Body.Length, Mailbox = Mailbox, Folder = Folder, Flags = Flags,
    };
}
