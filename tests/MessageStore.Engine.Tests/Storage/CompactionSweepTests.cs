using MessageStore.Storage;
using MessageStore.Tests.Support;
using Xunit.Abstractions;

namespace MessageStore.Tests.Storage;

/// <summary>
/// Compaction among users' transactions, with a loss of power before every operation on the disk, and with every operation failing in its turn.
/// </summary>
[Trait(Sweeps.Trait, Sweeps.TraitValue)]
public sealed class CompactionSweepTests(ITestOutputHelper output)
{
    private const int Survivors = 3;

    private static readonly CompactionOptions Eager = new() { MinimumDeadShare = 0.05, SealCurrent = true, ReaderPatience = TimeSpan.Zero, ImagesInMemory = 8 };

    [Fact]
    public void After_a_crash_at_any_moment_of_a_compaction_every_message_is_there_byte_for_byte()
    {
        int rewritten = 0;
        int points = Sweeps.ForEachSeed(6, seed =>
        {
            (int tried, int segments) = Crash(seed);
            Interlocked.Add(ref rewritten, segments);
            return tried;
        });
        Proof.Report(output, $"{points} crash points, {rewritten} segments rewritten");
        if (!Sweeps.IsFullSet) return;
        Assert.True(points >= 4000, $"only {points} crash points");
        Assert.True(rewritten >= 25, $"only {rewritten} segments were rewritten");
    }

    [Theory]
    [InlineData("write", 28)]
    [InlineData("write", 5)]
    [InlineData("flush", 5)]
    [InlineData("names", 5)]
    [InlineData("reading", 5)]
    public void An_operation_that_fails_during_a_compaction_loses_nothing(string what, int error)
    {
        StorageOperations kinds = what switch
        {
            "write" => StorageOperations.Write | StorageOperations.SetLength,
            "flush" => StorageOperations.Flush,
            "names" => StorageOperations.Rename | StorageOperations.Delete | StorageOperations.FlushFolder,
            _ => StorageOperations.Open | StorageOperations.Read | StorageOperations.Look,
        };
        int points = Sweeps.ForEachSeed(2, seed => Sweeps.ForEachOperation(n => Fault(seed, n, kinds, new IOException($"error {error}", error))));
        Proof.Report(output, $"{points} failing operations");
        if (Sweeps.IsFullSet) Assert.True(points > 4, $"only {points} operations failed");
    }

    private static (int Points, int Segments) Crash(int seed)
    {
        var storage = new MemoryStorage(seed);
        GroupOptions options = TestGroup.Small with { CircularLogging = seed % 2 == 0, Clock = new JumpingClock(seed) };
        TestGroup.Create(storage, options: options);
        var workload = new Workload(seed, withLargeMessages: seed % 4 == 0);
        var sweep = new CrashSweep(storage, seed, Survivors, survivor => TestGroup.Recover(survivor, options, workload));
        var random = new Random(seed);
        int segments = 0;
        StorageGroup group = TestGroup.Open(storage, options: options);
        try
        {
            for (int round = 0; round < 24 && sweep.Failure is null; round++)
            {
                Submit(workload, group, random.Next(1, 4));
                int choice = random.Next(6);
                if (choice <= 1) segments += Compact(group);
                if (choice <= 2) Checkpoint(workload, group);
                if (choice == 3) CompactDuringBackup(workload, group);
                if (choice == 4)
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
        return (sweep.End(), segments);
    }

    /// <returns>Whether the run came to its n-th operation.</returns>
    private static bool Fault(int seed, int n, StorageOperations kinds, Exception error)
    {
        var storage = new MemoryStorage(seed);
        TestGroup.Create(storage);
        var workload = new Workload(seed, withLargeMessages: seed % 2 == 0);
        StorageGroup group = TestGroup.Open(storage);
        try
        {
            for (int round = 0; round < 12; round++) workload.Round(group);
            group.Checkpoint(CancellationToken.None);
            for (int round = 0; round < 4; round++) workload.Round(group);
            storage.FailAt(n, error, kinds);
            Try(() => Compact(group));
            for (int again = 0; again < 2; again++)
            {
                if (group.ClosedForWriting is null) workload.Round(group);
                Try(() => group.Checkpoint(CancellationToken.None));
            }
            storage.FaultsWait = true;
            if (group.ClosedForWriting is null) workload.Check(group);
            else TestGroup.Verify(group, workload.Model);
            for (int chance = 0; chance < 3; chance++)
            {
                using StorageGroup crashed = TestGroup.Open(storage.Fork(new Random(n * 31 + chance)));
                workload.Check(crashed);
            }
            group.Dispose();
            group = TestGroup.Open(storage);
            workload.Settle(group);
        }
        finally
        {
            group.Dispose();
        }
        return storage.FaultHappened;
    }

    private static int Compact(StorageGroup group)
    {
        GroupCompaction done = group.CompactAsync(Eager, null, CancellationToken.None).GetAwaiter().GetResult();
        if (done.Damaged.Count > 0) throw new InvariantException($"A healthy image is called damaged: {done.Damaged[0].Problem}");
        return done.Segments;
    }

    /// <summary>What ReleaseSpace does, with a transaction in front that the model knows of.</summary>
    private static void Checkpoint(Workload workload, StorageGroup group)
    {
        if (workload.Submit(group, [Step.Tag(TestGroup.Salt, false, [])]) is { } error) throw new InvariantException("A healthy disk failed.", error);
        group.Checkpoint(CancellationToken.None);
    }

    private static void CompactDuringBackup(Workload workload, StorageGroup group)
    {
        using GroupImage image = group.BeginBackup(CancellationToken.None);
        Submit(workload, group, 1);
        Compact(group);
        Submit(workload, group, 1);
        Checkpoint(workload, group);
    }

    private static void Submit(Workload workload, StorageGroup group, int rounds)
    {
        for (int round = 0; round < rounds; round++)
            if (workload.Round(group) is { } error) throw new InvariantException("A healthy disk failed.", error);
    }

    private static void Try(Action action)
    {
        try
        {
            action();
        }
        catch (MessageStoreException)
        {
            // The disk's error in our words: what counts is what is there afterwards.
        }
    }
}
