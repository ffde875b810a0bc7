using MessageStore.Replication;
using MessageStore.Tests.Support;

namespace MessageStore.Tests.Replication;

public sealed class NodeSelectorTests
{
    private static readonly DateTimeOffset Now = new(2026, 7, 1, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Groups_come_in_ascending_order_and_each_node_once()
    {
        StorageServerRecord[] records = [Node("d", group: 2), Node("a", group: 1), Node("c", group: 2), Node("b", group: 1)];
        for (int seed = 0; seed < 50; seed++)
        {
            IReadOnlyList<NodeChoice> order = Selector(seed).Order(records);
            Assert.Equal(["a", "b"], order.Take(2).Select(c => c.Node.Name).Order());
            Assert.Equal(["c", "d"], order.Skip(2).Select(c => c.Node.Name).Order());
        }
    }

    [Fact]
    public void Nodes_of_a_group_are_drawn_in_proportion_to_their_weight()
    {
        StorageServerRecord[] records = [Node("light", weight: 1), Node("heavy", weight: 3), Node("last", weight: 0)];
        NodeSelector selector = Selector(7);
        var first = new Dictionary<string, int> { ["light"] = 0, ["heavy"] = 0, ["last"] = 0 };
        for (int draw = 0; draw < 4000; draw++) first[selector.Order(records)[0].Node.Name]++;
        Assert.InRange(first["heavy"], 2850, 3150);
        Assert.Equal(4000, first["heavy"] + first["light"]);
    }

    [Fact]
    public void What_has_run_out_takes_no_records_or_has_no_unit_left_is_not_chosen()
    {
        StorageServerRecord[] records =
        [
            Node("gone") with { Expires = Now },
            Node("full") with { Units = [new StorageUnitRecord { Name = "u1", Availability = UnitAvailability.ReadOnly }] },
            Node("half") with { Units = [new StorageUnitRecord { Name = "u1", Availability = UnitAvailability.Unavailable }, new StorageUnitRecord { Name = "u2" }] },
        ];
        Assert.Equal(["half/u2"], Selector(1).Order(records).SelectMany(c => c.Units));
    }

    [Fact]
    public void A_node_that_failed_lately_comes_last_in_its_group_and_before_the_next_group()
    {
        StorageServerRecord[] records = [Node("a"), Node("b"), Node("c", group: 5)];
        for (int seed = 0; seed < 20; seed++)
            Assert.Equal(["b", "a", "c"], Selector(seed).Order(records, n => n == "a").Select(c => c.Node.Name));
    }

    internal static StorageServerRecord Node(string name, int group = 0, int weight = 1) => new()
    {
        Name = name, Url = $"http://127.0.0.1:{7000 + name[0]}", Group = group, Weight = weight, Units = [new StorageUnitRecord { Name = "u1" }],
    };

    private static NodeSelector Selector(int seed) => new(new Random(seed), new FixedClock(Now));
}
