using MessageStore.Storage;
using MessageStore.Tests.Support;
using Xunit.Abstractions;

namespace MessageStore.Tests.Storage;

/// <summary>A disk that stays full until somebody frees space.</summary>
public sealed class FullDiskTests(ITestOutputHelper output)
{
    [Fact]
    public void A_full_disk_refuses_and_closes_nothing_and_after_space_is_freed_the_group_goes_on()
    {
        int refusals = Sweeps.ForEachSeed(30, Run);
        Proof.Report(output, $"{refusals} refused rounds");
        if (Sweeps.IsFullSet) Assert.True(refusals > 100);
    }

    /// <summary>What an administrator does who wants space back on a disk that has none.</summary>
    [Fact]
    public async Task A_segment_that_a_compaction_could_not_begin_is_named_by_no_checkpoint()
    {
        for (int seed = 1; seed <= 20; seed++)
        {
            var storage = new MemoryStorage(seed);
            TestGroup.Create(storage);
            var workload = new Workload(seed);
            using (StorageGroup group = TestGroup.Open(storage))
            {
                for (int round = 0; round < 8; round++) Accept(workload.Round(group));
                storage.FailAt(1, new IOException("No space left on device", 28), StorageOperations.Write);
                var full = await Assert.ThrowsAsync<MessageStoreException>(() => group.CompactAsync(new CompactionOptions { MinimumDeadShare = 0, SealCurrent = true }, null, default));
                Assert.Equal(ErrorIds.DiskFull, full.ErrorId);
                Accept(workload.Round(group));
                group.Checkpoint(CancellationToken.None);
            }
            using StorageGroup reopened = TestGroup.Open(storage);
            Assert.Equal(0, reopened.ReplayedTransactions);
            workload.Check(reopened);
        }
    }

    private static int Run(int seed)
    {
        var storage = new MemoryStorage(seed);
        TestGroup.Create(storage);
        var workload = new Workload(seed, withLargeMessages: seed % 5 == 0);
        var random = new Random(seed);
        int refusals = 0;
        using (StorageGroup group = TestGroup.Open(storage))
        {
            for (int phase = 0; phase < 4; phase++)
            {
                for (int round = 0; round < 5; round++) Accept(workload.Round(group));
                storage.Capacity = long.MaxValue - storage.FreeBytes("/") + random.Next(40_000);
                for (int round = 0; round < 15; round++)
                {
                    int before = workload.Acknowledged.Count;
                    if (workload.Round(group) is { } error)
                    {
                        refusals++;
                        if (error.ErrorId != ErrorIds.DiskFull) throw error;
                        if (workload.Acknowledged.Count != before) throw new InvariantException("A refused round counts.");
                    }
                    if (random.Next(6) == 0)
                    {
                        try
                        {
                            group.Checkpoint(CancellationToken.None);
                        }
                        catch (MessageStoreException full) when (full.ErrorId == ErrorIds.DiskFull)
                        {
                        }
                    }
                    if (group.ClosedForWriting is { } closed) throw closed;
                    workload.Check(group);
                    using StorageGroup crashed = TestGroup.Open(Freed(storage.Fork(new Random(seed + round))));
                    workload.Check(crashed);
                }
                storage.Capacity = long.MaxValue;
                Accept(workload.Round(group));
            }
            group.Checkpoint(CancellationToken.None);
            if (group.GetStatus().Reason.Length > 0 && !group.GetStatus().Reason.Contains("full", StringComparison.Ordinal)) throw new InvariantException(group.GetStatus().Reason);
        }
        using StorageGroup reopened = TestGroup.Open(storage.Crash(random));
        workload.Check(reopened);
        return refusals;
    }

    private static MemoryStorage Freed(MemoryStorage storage)
    {
        storage.Capacity = long.MaxValue;
        return storage;
    }

    private static void Accept(MessageStoreException? error)
    {
        if (error is not null) throw new InvariantException("A disk with space refused.", error);
    }
}
