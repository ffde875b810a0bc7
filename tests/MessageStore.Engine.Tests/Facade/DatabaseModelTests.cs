using MessageStore.Tests.Support;
using Xunit.Abstractions;

namespace MessageStore.Tests.Facade;

/// <summary>
/// Random operations on a whole database against plain collections: several writers and upkeep at once, loss of power, kills, failing operations, restores and
/// reopenings in between. The operations are in <see cref="DatabaseOperation"/>.
/// </summary>
/// <remarks>
/// A seed decides what everybody does and what befalls them; how their threads take turns it does not decide. A failure that does not come back at once comes back
/// with the same seed within a few runs.
/// </remarks>
[Trait(Sweeps.Trait, Sweeps.TraitValue)]
public sealed class DatabaseModelTests(ITestOutputHelper output)
{
    private const int Phases = 24;

    [Fact]
    public void A_database_is_what_the_model_says_whatever_writers_upkeep_and_disks_do_at_once()
    {
        var effects = new Effects();
        int changes = Sweeps.ForEachSeed(40, seed => RunAsync(seed, effects).GetAwaiter().GetResult());
        Proof.Report(output, $"{changes} acknowledged changes: {effects}");
        if (!Sweeps.IsFullSet) return;
        IEnumerable<DatabaseOperation> all = [.. DatabaseOperation.OfWriters, .. DatabaseOperation.OfUpkeep, .. DatabaseOperation.OfQuietTimes];
        effects.Demand([.. all.Select(o => o.Name), Effects.Patched, Effects.PowerFailed, Effects.Killed, Effects.Failed]);
    }

    private static async Task<int> RunAsync(int seed, Effects effects)
    {
        using var run = new DatabaseRun(seed, effects);
        for (int phase = 0; phase < Phases; phase++) await run.PhaseAsync(phase);
        await run.EndAsync();
        return run.Model.Acknowledged;
    }
}
