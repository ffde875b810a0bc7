namespace MessageStore.Server.Retrieval;

/// <summary>What is given out of a message: its own bytes, or its archive record.</summary>
internal enum Representation
{
    /// <summary>The raw message.</summary>
    Message,
    /// <summary>The archive record as it lies, one gzip member that unpacks to an mbox entry.</summary>
    Record,
}

/// <summary>Messages that were read and verified lately, in bounded memory; the one that was used longest ago goes first. Thread-safe.</summary>
/// <param name="limit">Bytes of messages that are kept; 0 for none.</param>
internal sealed class MessageCache(long limit)
{
    /// <summary>Larger messages are not kept: they would push out many small ones.</summary>
    public const int LargestMessage = 1 << 20;

    private readonly Lock gate = new();
    private readonly Dictionary<(Guid Id, Representation As), LinkedListNode<Entry>> entries = [];
    private readonly LinkedList<Entry> order = []; // used longest ago first

    /// <summary>Bytes of messages that are kept.</summary>
    public long Bytes { get; private set; }

    /// <param name="sha256">The digest that the message must have: an Id never gets other bytes, and this makes sure.</param>
    public byte[]? Find(Guid id, Representation representation, string sha256)
    {
        lock (gate)
        {
            if (!entries.TryGetValue((id, representation), out LinkedListNode<Entry>? found) || found.Value.Sha256 != sha256) return null;
            order.Remove(found);
            order.AddLast(found);
            return found.Value.Content;
        }
    }

    public void Add(Guid id, Representation representation, string sha256, byte[] content)
    {
        if (content.Length > LargestMessage || content.Length > limit) return;
        lock (gate)
        {
            if (entries.Remove((id, representation), out LinkedListNode<Entry>? old)) Drop(old);
            entries.Add((id, representation), order.AddLast(new Entry(id, representation, sha256, content)));
            Bytes += content.Length;
            while (Bytes > limit)
            {
                LinkedListNode<Entry> oldest = order.First!;
                entries.Remove((oldest.Value.Id, oldest.Value.As));
                Drop(oldest);
            }
        }
    }

    private void Drop(LinkedListNode<Entry> entry)
    {
        order.Remove(entry);
        Bytes -= entry.Value.Content.Length;
    }

    private sealed record Entry(Guid Id, Representation As, string Sha256, byte[] Content);
}
