namespace MessageStore.Storage;

/// <summary>
/// Finds a message's slot by its Id: open addressing over slot numbers only, since the Id itself lies in the entry. Divided in shards that grow one
/// by one, so that no single insert pays for rehashing millions. Callers hold the index's lock.
/// </summary>
internal sealed class IdTable(EntryPages pages)
{
    private const int ShardCount = 256;
    private const int SmallestShard = 16;
    private const int Empty = 0;

    private readonly int[]?[] shards = new int[ShardCount][];
    private readonly int[] counts = new int[ShardCount];

    /// <summary>The slot of a message, or -1.</summary>
    public int Find(UInt128Bytes id)
    {
        ulong hash = Hash(id);
        int[]? shard = shards[ShardOf(hash)];
        if (shard is null) return -1;
        int mask = shard.Length - 1;
        for (int position = (int)hash & mask; shard[position] != Empty; position = (position + 1) & mask)
        {
            int slot = shard[position] - 1;
            if (pages[slot].Id == id) return slot;
        }
        return -1;
    }

    /// <summary>Adds a slot whose Id is not in the table yet.</summary>
    public void Add(UInt128Bytes id, int slot)
    {
        ulong hash = Hash(id);
        int number = ShardOf(hash);
        int[] shard = shards[number] ??= new int[SmallestShard];
        if (++counts[number] * 4 > shard.Length * 3) shard = Grow(number);
        Place(shard, hash, slot);
    }

    public void Remove(UInt128Bytes id)
    {
        ulong hash = Hash(id);
        int number = ShardOf(hash);
        if (shards[number] is not { } shard) return;
        int mask = shard.Length - 1;
        int hole = (int)hash & mask;
        while (shard[hole] != Empty && pages[shard[hole] - 1].Id != id) hole = (hole + 1) & mask;
        if (shard[hole] == Empty) return;
        counts[number]--;
        // Close the gap by moving back whatever would no longer be reached across it, so that no tombstones pile up.
        for (int next = (hole + 1) & mask; shard[next] != Empty; next = (next + 1) & mask)
        {
            int home = (int)Hash(pages[shard[next] - 1].Id) & mask;
            if (((next - home) & mask) < ((next - hole) & mask)) continue;
            shard[hole] = shard[next];
            hole = next;
        }
        shard[hole] = Empty;
    }

    private int[] Grow(int number)
    {
        int[] old = shards[number]!;
        int[] grown = new int[old.Length * 2];
        foreach (int value in old)
            if (value != Empty)
                Place(grown, Hash(pages[value - 1].Id), value - 1);
        return shards[number] = grown;
    }

    private static void Place(int[] shard, ulong hash, int slot)
    {
        int mask = shard.Length - 1;
        int position = (int)hash & mask;
        while (shard[position] != Empty) position = (position + 1) & mask;
        shard[position] = slot + 1;
    }

    private static int ShardOf(ulong hash) => (int)(hash >> 56);

    private static ulong Hash(UInt128Bytes id) => StateDigest.Scramble(id.High ^ id.Low);
}
