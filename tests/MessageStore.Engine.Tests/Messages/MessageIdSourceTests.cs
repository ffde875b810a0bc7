using MessageStore.Messages;

namespace MessageStore.Tests.Messages;

public class MessageIdSourceTests
{
    [Fact]
    public void Ids_are_version_7_and_sort_in_the_order_they_were_made_though_the_clock_stands_still()
    {
        var source = new MessageIdSource(new StoppedClock(), new Random(1));
        List<Guid> ids = [.. Enumerable.Range(0, 10_000).Select(_ => source.Next())];
        Assert.Equal(ids.Count, ids.Distinct().Count());
        Assert.All(ids, id => Assert.Equal((7, 0x8), (id.Version, id.Variant & 0xC)));
        List<string> text = [.. ids.Select(i => i.ToString())];
        Assert.Equal(text.Order(StringComparer.Ordinal), text);
    }

    private sealed class StoppedClock : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    }
}
