using MessageStore.Tests.Support;
using Xunit.Abstractions;

namespace MessageStore.Tests.Facade;

/// <summary>
/// Users change, move, delete and read their mail while the archive agent, or a recall, goes through it: after each of them everything is as the model says. A flag that is changed or a
/// message that is deleted while it waits in the hidden folder counts. 200 interleavings; <c>MESSAGESTORE_SEEDS=50</c> makes a thousand.
/// </summary>
[Trait(Sweeps.Trait, Sweeps.TraitValue)]
public sealed class ArchiveInterleavingTests(ITestOutputHelper output)
{
    private const int SeedsUsually = 10;
    private const int InterleavingsASeed = 20;

    [Fact]
    public void Users_and_the_archive_agent_agree_in_whatever_order_they_come()
    {
        var effects = new Effects();
        int changes = Sweeps.ForEachSeed(SeedsUsually, seed => RunAsync(seed, effects).GetAwaiter().GetResult());
        Proof.Report(output, $"{changes} acknowledged changes while the agent ran: {effects}");
        if (Sweeps.IsFullSet) effects.Demand(DatabaseOperation.OfArchive.Concat(DatabaseOperation.OfWriters).Select(o => o.Name));
    }

    private static async Task<int> RunAsync(int seed, Effects effects)
    {
        using var run = new DatabaseRun(seed, effects) { Only = DatabaseOperation.OfArchive };
        for (int phase = 0; phase < InterleavingsASeed; phase++)
        {
            await run.PhaseAsync(phase);
            await run.Open.CheckAsync(run.Model);
        }
        run.Open.CheckArchivedOnce();
        await run.EndAsync();
        return run.Model.Acknowledged;
    }
}
