using MessageStore.Storage;
using MessageStore.Tests.Support;
using Xunit.Abstractions;

namespace MessageStore.Tests.Storage;

/// <summary>
/// Loss of power before every single operation on the disk. One run visits all its moments: before each change the disk is forked as a
/// crash would leave it, several times by several chances, and each fork is opened and compared with the model.
/// </summary>
[Trait(Sweeps.Trait, Sweeps.TraitValue)]
public sealed class CrashSweepTests(ITestOutputHelper output)
{
    private const int Survivors = 3;

    [Fact]
    public void After_a_crash_at_any_moment_every_acknowledged_transaction_is_there_and_nothing_half()
    {
        int points = Sweeps.ForEachSeed(16, seed => Run(seed, rounds: 24, large: seed % 4 == 0));
        Proof.Report(output, $"{points} crash points");
        if (Sweeps.IsFullSet) Assert.True(points >= 5000, $"only {points} crash points");
    }

    private static int Run(int seed, int rounds, bool large)
    {
        var storage = new MemoryStorage(seed) { ShortReads = seed % 3 == 0 };
        GroupOptions options = TestGroup.Small with { CircularLogging = seed % 2 == 0, Clock = new JumpingClock(seed) };
        TestGroup.Create(storage, options: options);
        var workload = new Workload(seed, large);
        var sweep = new CrashSweep(storage, seed, Survivors, survivor => TestGroup.Recover(survivor, options, workload));
        var random = new Random(seed);
        StorageGroup group = TestGroup.Open(storage, options: options);
        try
        {
            for (int round = 0; round < rounds && sweep.Failure is null; round++)
            {
                if (workload.Round(group) is { } error) throw new InvariantException("A healthy disk failed.", error);
                int choice = random.Next(8);
                if (choice == 0) group.Checkpoint(CancellationToken.None);
                if (choice == 1) CheckpointWithWritersInBetween(storage, group, workload, random.Next(6));
                if (choice == 3) WriteDuringBackup(group, workload, random.Next(3));
                if (choice == 4) group.WitnessAsync().GetAwaiter().GetResult();
                if (choice == 2)
                {
                    group.Dispose();
                    group = TestGroup.Open(storage, options: options);
                    workload.Settle(group);
                }
            }
        }
        finally
        {
            group.Dispose();
        }
        return sweep.End();
    }

    /// <summary>A backup session's steps on the log: patch file, rounds, log again; with no rounds the patch file stays empty.</summary>
    private static void WriteDuringBackup(StorageGroup group, Workload workload, int rounds)
    {
        using GroupImage image = group.BeginBackup(CancellationToken.None);
        for (int round = 0; round < rounds; round++)
            if (workload.Round(group) is { } error) throw new InvariantException("A healthy disk failed.", error);
        if (rounds < 2) group.EndPatch();
    }

    /// <summary>The snapshot must show one moment although transactions go on while it is written.</summary>
    private static void CheckpointWithWritersInBetween(MemoryStorage storage, StorageGroup group, Workload workload, int after)
    {
        int self = Environment.CurrentManagedThreadId;
        bool nested = false;
        storage.Interleave = _ =>
        {
            if (Environment.CurrentManagedThreadId != self || nested || after-- > 0) return;
            nested = true;
            workload.Round(group);
        };
        group.Checkpoint(CancellationToken.None);
        storage.Interleave = null;
    }
}
