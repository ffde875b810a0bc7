namespace MessageStore.Replication.Dns;

/// <summary>
/// Answers for as long as their TTL says, by question. What a server says besides the answer is never kept, so it can poison nothing. Bounded: the answer that was used
/// longest ago goes first. Thread-safe.
/// </summary>
internal sealed class DnsCache(int limit, TimeProvider time)
{
    private readonly Dictionary<(DnsName, DnsType), LinkedListNode<Entry>> entries = [];
    private readonly LinkedList<Entry> order = [];
    private readonly Lock gate = new();

    public int Count
    {
        get { lock (gate) return entries.Count; }
    }

    /// <summary>An answer that still holds.</summary>
    public IReadOnlyList<DnsRecord>? Find(DnsName name, DnsType type)
    {
        lock (gate)
        {
            if (!entries.TryGetValue((name, type), out LinkedListNode<Entry>? node) || time.GetUtcNow() >= node.Value.AskAgain) return null;
            order.Remove(node);
            order.AddLast(node);
            return node.Value.Records;
        }
    }

    /// <summary>
    /// An answer that no longer holds, for want of a better one. It then serves for another while without anybody being asked, so that servers that do not answer
    /// delay one question and not all.
    /// </summary>
    /// <param name="name">The name asked for.</param>
    /// <param name="type">The type asked for.</param>
    /// <param name="staleFor">How long past its time an answer may be.</param>
    /// <param name="pause">The while.</param>
    public IReadOnlyList<DnsRecord>? FindStale(DnsName name, DnsType type, TimeSpan staleFor, TimeSpan pause)
    {
        lock (gate)
        {
            DateTimeOffset now = time.GetUtcNow();
            if (!entries.TryGetValue((name, type), out LinkedListNode<Entry>? node) || now >= node.Value.Until + staleFor) return null;
            node.Value = node.Value with { AskAgain = now + pause };
            return node.Value.Records;
        }
    }

    public void Put(DnsName name, DnsType type, IReadOnlyList<DnsRecord> records, TimeSpan ttl)
    {
        lock (gate)
        {
            if (entries.Remove((name, type), out LinkedListNode<Entry>? old)) order.Remove(old);
            if (ttl <= TimeSpan.Zero) return;
            DateTimeOffset until = time.GetUtcNow() + ttl;
            entries.Add((name, type), order.AddLast(new Entry(name, type, records, until, until)));
            if (entries.Count <= limit) return;
            Entry oldest = order.First!.Value;
            order.RemoveFirst();
            entries.Remove((oldest.Name, oldest.Type));
        }
    }

    /// <summary>Forgets everything within a zone.</summary>
    public void Forget(DnsName zone)
    {
        lock (gate)
        {
            for (LinkedListNode<Entry>? node = order.First, next; node is not null; node = next)
            {
                next = node.Next;
                if (!node.Value.Name.IsWithin(zone)) continue;
                entries.Remove((node.Value.Name, node.Value.Type));
                order.Remove(node);
            }
        }
    }

    private sealed record Entry(DnsName Name, DnsType Type, IReadOnlyList<DnsRecord> Records, DateTimeOffset Until, DateTimeOffset AskAgain);
}
