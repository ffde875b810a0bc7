using MessageStore.Keys;

namespace MessageStore.Tests.Keys;

public sealed class PlaceTableTests
{
    [Fact]
    public void Random_operations_agree_with_a_dictionary()
    {
        for (int seed = 0; seed < 10; seed++)
        {
            var random = new Random(seed);
            var table = new PlaceTable<uint>();
            var model = new Dictionary<ulong, HashSet<uint>>();
            ulong[] tags = [.. Enumerable.Range(0, 6000).Select(_ => (ulong)random.NextInt64())];
            for (uint step = 1; step <= 40_000; step++)
            {
                ulong tag = tags[random.Next(tags.Length)];
                HashSet<uint> positions = model.TryGetValue(tag, out HashSet<uint>? known) ? known : model[tag] = [];
                if (random.Next(3) > 0 || positions.Count == 0)
                {
                    table.Add(tag, step);
                    positions.Add(step);
                }
                else
                {
                    uint gone = positions.First();
                    Assert.True(table.Remove(tag, gone));
                    Assert.False(table.Remove(tag, gone));
                    positions.Remove(gone);
                }
            }
            Assert.Equal(model.Sum(m => m.Value.Count), table.Count);
            foreach ((ulong tag, HashSet<uint> positions) in model) Assert.Equal(positions.Order(), Positions(table, tag).Order());
            Assert.Empty(Positions(table, 12345));
        }
    }

    [Fact]
    public void More_keys_of_one_tag_than_a_page_holds_are_all_found_beside_others()
    {
        var table = new PlaceTable<uint>();
        for (uint position = 1; position <= 3 * PlaceTable<uint>.PageSlots; position++)
        {
            table.Add(42, position);
            table.Add(position * 0x1234_5678_9ABCul, position);
        }
        Assert.Equal(6 * PlaceTable<uint>.PageSlots, table.Count);
        Assert.Equal(Enumerable.Range(1, 3 * PlaceTable<uint>.PageSlots).Select(i => (uint)i), Positions(table, 42).Order());
        for (uint position = 1; position <= 3 * PlaceTable<uint>.PageSlots; position++) Assert.True(table.Contains(position * 0x1234_5678_9ABCul, position));
    }

    [Fact]
    public void Places_that_are_removed_together_are_gone_and_all_others_found()
    {
        var random = new Random(7);
        var table = new PlaceTable<long>();
        (ulong Tag, long Place)[] all = [.. Enumerable.Range(1, 50_000).Select(i => ((ulong)random.NextInt64(), ((long)random.Next(20) << 40) | (uint)i))];
        foreach ((ulong tag, long place) in all) table.Add(tag, place);
        Assert.Equal(all.Count(a => a.Place >> 40 == 3), table.RemoveWhere(place => place >> 40 == 3));
        Assert.Equal(all.Count(a => a.Place >> 40 != 3), table.Count);
        foreach ((ulong tag, long place) in all) Assert.Equal(place >> 40 != 3, table.Contains(tag, place));
        Assert.Equal(0, table.RemoveWhere(place => place >> 40 == 3));
    }

    /// <summary>What is allocated and not part of the table any more is the garbage collector's until it comes by: with a table doubled in one piece that is as much again as the table.</summary>
    [Theory]
    [InlineData(100_000)]
    [InlineData(1_000_000)]
    public void Growing_leaves_hardly_anything_behind(int keys)
    {
        var random = new Random(1);
        ulong[] tags = [.. Enumerable.Range(0, keys).Select(_ => (ulong)random.NextInt64())];
        long before = GC.GetAllocatedBytesForCurrentThread();
        var table = new PlaceTable<uint>();
        for (int i = 0; i < keys; i++) table.Add(tags[i], (uint)i + 1);
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.InRange(allocated, table.Bytes, table.Bytes * 1.05 + 100_000);
        Assert.InRange((double)table.Bytes / keys, 15, 32);
    }

    private static List<uint> Positions(PlaceTable<uint> table, ulong tag)
    {
        var found = new List<uint>();
        int cursor = -1;
        while (table.TryNext(tag, ref cursor, out uint position)) found.Add(position);
        return found;
    }
}
