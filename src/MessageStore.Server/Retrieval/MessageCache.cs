namespace MessageStore.Server.Retrieval;

/// <summary>What is given out of a message: its own bytes, or its archive record.</summary>
internal enum Representation
{
    /// <summary>The raw message.</summary>
    Message,
    /// <summary>The archive record as it lies, one gzip member that unpacks to an mbox entry.</summary>
    Record,
}

/// <summary>A message in memory, or its record.</summary>
/// <param name="Sha256">SHA-256 of the message in lower-case hex, which the content was compared with.</param>
/// <param name="Tag">The entity tag that it is given out with.</param>
/// <param name="Content">What is given out.</param>
internal sealed record KeptMessage(string Sha256, string Tag, byte[] Content);

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
    public KeptMessage? Find(Guid id, Representation representation, string sha256)
    {
        if (limit == 0) return null;
        lock (gate)
        {
            if (!entries.TryGetValue((id, representation), out LinkedListNode<Entry>? found) || found.Value.Message.Sha256 != sha256) return null;
            if (found != order.Last)
            {
                order.Remove(found);
                order.AddLast(found);
            }
            return found.Value.Message;
        }
    }

    public void Add(Guid id, Representation representation, KeptMessage message)
    {
        if (message.Content.Length > LargestMessage || message.Content.Length > limit) return;
        lock (gate)
        {
            if (entries.Remove((id, representation), out LinkedListNode<Entry>? old)) Drop(old);
            entries.Add((id, representation), order.AddLast(new Entry((id, representation), message)));
            Bytes += message.Content.Length;
            while (Bytes > limit)
            {
                LinkedListNode<Entry> oldest = order.First!;
                entries.Remove(oldest.Value.Key);
                Drop(oldest);
            }
        }
    }

    private void Drop(LinkedListNode<Entry> entry)
    {
        order.Remove(entry);
        Bytes -= entry.Value.Message.Content.Length;
    }

    private sealed record Entry((Guid Id, Representation As) Key, KeptMessage Message);
}
