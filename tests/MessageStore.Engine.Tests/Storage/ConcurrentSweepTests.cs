using MessageStore.Storage;
using MessageStore.Tests.Support;
using Xunit.Abstractions;

namespace MessageStore.Tests.Storage;

/// <summary>
/// Appends and changes of many users at once: with each flush of the log more of them come in, so that commits of every size follow each other without a pause. A loss
/// of power before every operation on the disk, and every operation failing in its turn.
/// </summary>
[Trait(Sweeps.Trait, Sweeps.TraitValue)]
public sealed class ConcurrentSweepTests(ITestOutputHelper output)
{
    private const int Survivors = 2;
    private const int TransactionsAtOnce = 40;

    [Fact]
    public void After_a_crash_at_any_moment_of_concurrent_appends_every_acknowledged_one_is_there_and_nothing_half()
    {
        int points = Sweeps.ForEachSeed(4, Crash);
        Proof.Report(output, $"{points} crash points");
        if (Sweeps.IsFullSet) Assert.True(points >= 500, $"only {points} crash points");
    }

    [Theory]
    [InlineData("write", 5)]
    [InlineData("write", 28)]
    [InlineData("flush", 5)]
    [InlineData("names", 5)]
    [InlineData("reading", 5)]
    public void An_operation_that_fails_under_concurrent_appends_refuses_or_closes_and_loses_nothing_acknowledged(string what, int error)
    {
        StorageOperations kinds = what switch
        {
            "write" => StorageOperations.Write | StorageOperations.SetLength,
            "flush" => StorageOperations.Flush,
            "names" => StorageOperations.Rename | StorageOperations.Delete | StorageOperations.FlushFolder | StorageOperations.CreateFolder,
            _ => StorageOperations.Open | StorageOperations.Read | StorageOperations.Look,
        };
        int points = Sweeps.ForEachSeed(2, seed => Sweeps.ForEachOperation(n => Fault(seed, n, kinds, new IOException($"error {error}", error))));
        Proof.Report(output, $"{points} failing operations");
        if (Sweeps.IsFullSet) Assert.True(points > 4, $"only {points} operations failed");
    }

    private static int Crash(int seed)
    {
        var storage = new MemoryStorage(seed) { ShortReads = seed % 3 == 0 };
        GroupOptions options = TestGroup.Small with { CircularLogging = seed % 2 == 0, Clock = new JumpingClock(seed) };
        TestGroup.Create(storage, options: options);
        var workload = new Workload(seed, withLargeMessages: seed % 8 == 0);
        var sweep = new CrashSweep(storage, seed, Survivors, survivor => TestGroup.Recover(survivor, options, workload));
        using (StorageGroup group = TestGroup.Open(storage, options: options))
        {
            for (int burst = 0; burst < 3 && sweep.Failure is null; burst++)
            {
                workload.RunConcurrently(storage, group, TransactionsAtOnce);
                if (workload.Doubtful.Count > 0) throw new InvariantException("A healthy disk failed.");
                if (burst == 1) group.Checkpoint(CancellationToken.None);
            }
        }
        return sweep.End();
    }

    /// <returns>Whether the run came to its n-th operation.</returns>
    private static bool Fault(int seed, int n, StorageOperations kinds, Exception error)
    {
        var storage = new MemoryStorage(seed);
        TestGroup.Create(storage);
        var workload = new Workload(seed) { WithNames = false };
        StorageGroup group = TestGroup.Open(storage);
        try
        {
            workload.Submit(group, [Step.CreateMailbox(TestGroup.Salt, 1, "ada"), Step.CreateMailbox(TestGroup.Salt, 2, "grace"), Step.CreateFolder(TestGroup.Salt, 1, 1, "Work")]);
            storage.FailAt(n, error, kinds);
            for (int burst = 0; burst < 2; burst++)
            {
                workload.RunConcurrently(storage, group, TransactionsAtOnce);
                storage.FaultsWait = true;
                TestGroup.Verify(group, workload.Model); // reading goes on
                for (int chance = 0; chance < 3; chance++)
                {
                    using StorageGroup crashed = TestGroup.Open(storage.Fork(new Random(n * 31 + chance)));
                    if (crashed.ClosedForWriting is { } closed) throw closed;
                    workload.Check(crashed);
                }
                if (group.ClosedForWriting is not null || burst == 1)
                {
                    group.Dispose();
                    group = TestGroup.Open(storage);
                    workload.Settle(group);
                }
                storage.FaultsWait = false;
            }
        }
        finally
        {
            group.Dispose();
        }
        return storage.FaultHappened;
    }
}
