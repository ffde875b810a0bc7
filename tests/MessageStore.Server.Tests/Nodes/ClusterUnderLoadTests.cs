using System.Globalization;
using Xunit.Abstractions;

namespace MessageStore.Server.Tests.Nodes;

/// <summary>
/// Five real nodes in processes of their own under load, while nodes are killed, halted, filled up, stopped in order and lose their disks. Each trouble comes once; for minutes, in random order,
/// where MESSAGESTORE_NODE_SECONDS says how many seconds.
/// </summary>
public sealed class ClusterUnderLoadTests(ITestOutputHelper output)
{
    [UnixFact]
    public async Task No_acknowledged_message_is_lost_and_all_copies_are_whole_again_at_the_end()
    {
        await using var cluster = new ClusterUnderLoad(nodeCount: 5);
        await cluster.StartAsync();
        (string Name, Func<Task> Act)[] troubles =
        [
            ("killed", cluster.KillAsync), ("killed one, halted another", cluster.KillAndHaltAsync), ("filled up", cluster.FillAsync), ("stopped in order", cluster.StopAsync), ("lost a disk", cluster.LoseDiskAsync),
        ];
        var counts = new Dictionary<string, int>();
        foreach ((string name, Func<Task> act) in troubles) await MakeAsync(name, act);
        DateTime end = int.TryParse(Environment.GetEnvironmentVariable("MESSAGESTORE_NODE_SECONDS"), CultureInfo.InvariantCulture, out int seconds) ? cluster.Started.AddSeconds(seconds) : DateTime.MinValue;
        var random = new Random(7);
        while (DateTime.UtcNow < end)
        {
            (string name, Func<Task> act) = troubles[random.Next(troubles.Length)];
            await MakeAsync(name, act);
        }
        await cluster.StopWritersAsync();
        (int messages, long copies) = await cluster.RepairAndCheckAsync();
        output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{(DateTime.UtcNow - cluster.Started).TotalSeconds:N0} s: {messages} messages acknowledged, {cluster.Refused} refused, {copies} copies verified at the end, {cluster.Restored} brought back by repair{cluster.TmpfsNote}"));
        output.WriteLine(string.Join(", ", counts.Select(c => $"{c.Key}: {c.Value}")));
        Assert.True(messages > 100, $"Only {messages} messages were acknowledged.");

        async Task MakeAsync(string name, Func<Task> act)
        {
            await cluster.ComeOnAsync();
            await act();
            counts[name] = counts.GetValueOrDefault(name) + 1;
        }
    }
}
