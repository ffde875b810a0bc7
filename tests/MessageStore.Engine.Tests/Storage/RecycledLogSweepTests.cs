using MessageStore.IO;
using MessageStore.Storage;
using MessageStore.Tests.Support;
using Xunit.Abstractions;

namespace MessageStore.Tests.Storage;

/// <summary>
/// Small logs that go and come again under concurrent appends and changes, with checkpoints and backups among them: a loss of power before every operation on the disk, and every
/// operation failing in its turn.
/// </summary>
[Trait(Sweeps.Trait, Sweeps.TraitValue)]
public sealed class RecycledLogSweepTests(ITestOutputHelper output)
{
    private const int Survivors = 2;
    private const int TransactionsAtOnce = 30;

    private static readonly GroupOptions Tiny = TestGroup.Small with { LogFileLimit = 6 << 10, LogAheadBytes = 1 << 10, CircularLogging = true };

    [Fact]
    public void After_a_crash_at_any_moment_older_content_of_a_log_is_never_taken_for_new()
    {
        int used = 0;
        int points = Sweeps.ForEachSeed(4, seed => Crash(seed, ref used));
        Proof.Report(output, $"{points} crash points, {used} logs used again");
        if (Sweeps.IsFullSet) Assert.True(points >= 2000 && used >= 60, $"only {points} crash points, {used} logs used again");
    }

    [Theory]
    [InlineData("write", 5)]
    [InlineData("write", 28)]
    [InlineData("flush", 5)]
    [InlineData("names", 5)]
    [InlineData("reading", 5)]
    public void An_operation_that_fails_while_logs_are_used_again_loses_nothing_acknowledged(string what, int error)
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
        if (Sweeps.IsFullSet) Assert.True(points > 20, $"only {points} operations failed");
    }

    private static int Crash(int seed, ref int used)
    {
        var storage = new MemoryStorage(seed) { ShortReads = seed % 3 == 0 };
        // With and without circular logging: what lets go of a log is a checkpoint, or a checkpoint and a backup.
        GroupOptions options = Tiny with { CircularLogging = seed % 2 == 0, Clock = new JumpingClock(seed) };
        TestGroup.Create(storage, options: options);
        var workload = new Workload(seed, withLargeMessages: seed % 8 == 0);
        var sweep = new CrashSweep(storage, seed, Survivors, survivor => TestGroup.Recover(survivor, options, workload));
        var random = new Random(seed);
        using (StorageGroup group = TestGroup.Open(storage, options: options))
        {
            for (int burst = 0; burst < 12 && sweep.Failure is null; burst++)
            {
                Burst(storage, group, workload);
                if (burst % 4 == 3) BackUp(storage, group, workload);
                if (random.Next(4) > 0) group.Checkpoint(CancellationToken.None);
                if (random.Next(4) == 0) group.WitnessAsync().GetAwaiter().GetResult();
            }
            Interlocked.Add(ref used, (int)group.LogsUsedAgain);
        }
        return sweep.End();
    }

    /// <summary>A session's steps on the log, with users and a checkpoint while the logs are copied.</summary>
    private static void BackUp(MemoryStorage storage, StorageGroup group, Workload workload)
    {
        ulong lsn;
        using (GroupImage image = group.BeginBackup(CancellationToken.None))
        {
            Burst(storage, group, workload);
            lsn = group.EndPatch().Lsn;
            using HeldLogs held = group.LogsBetween(image.Tables.Lsn, lsn);
            ulong expected = held.Files.Count > 0 ? held.Files[0].FirstLsn : lsn + 1;
            foreach (LogExtent extent in held.Files)
            {
                using IStorageFile file = storage.Open(extent.Path, FileAccessKind.Read);
                Burst(storage, group, workload);
                group.Checkpoint(CancellationToken.None);
                GroupFileHeader.Read(file, out int length);
                using var reader = new FrameReader(file, TestGroup.Salt, length, expected);
                while (reader.TryRead(out _, out _))
                {
                }
                expected = reader.ExpectedLsn;
                if (FrameScanner.FindNext(file, TestGroup.Salt, reader.End.Offset) is { } behind)
                    throw new InvariantException($"Behind the last frame of {extent.Path} lies transaction {behind.Header.Lsn}.");
            }
            if (expected != lsn + 1) throw new InvariantException($"The copied logs end before {expected} instead of {lsn + 1}.");
        }
        if (workload.Submit(group, [Step.BackedUp(TestGroup.Salt, Guid.NewGuid(), lsn)]) is { } error) throw new InvariantException("A healthy disk failed.", error);
    }

    private static void Burst(MemoryStorage storage, StorageGroup group, Workload workload)
    {
        workload.RunConcurrently(storage, group, TransactionsAtOnce);
        if (workload.Doubtful.Count > 0) throw new InvariantException("A healthy disk failed.");
    }

    /// <returns>Whether the run came to its n-th operation.</returns>
    private static bool Fault(int seed, int n, StorageOperations kinds, Exception error)
    {
        var storage = new MemoryStorage(seed);
        TestGroup.Create(storage, options: Tiny);
        var workload = new Workload(seed) { WithNames = false };
        StorageGroup group = TestGroup.Open(storage, options: Tiny);
        try
        {
            workload.Submit(group, [Step.CreateMailbox(TestGroup.Salt, 1, "ada"), Step.CreateMailbox(TestGroup.Salt, 2, "grace"), Step.CreateFolder(TestGroup.Salt, 1, 1, "Work")]);
            // Healthy until there are spares, so that the fault meets their coming and going.
            while (group.GetStatus().SpareLogBytes == 0)
            {
                workload.RunConcurrently(storage, group, TransactionsAtOnce);
                group.Checkpoint(CancellationToken.None);
            }
            storage.FailAt(n, error, kinds);
            for (int burst = 0; burst < 3; burst++)
            {
                workload.RunConcurrently(storage, group, TransactionsAtOnce);
                TryCheckpoint(group);
                storage.FaultsWait = true;
                TestGroup.Verify(group, workload.Model); // reading goes on
                for (int chance = 0; chance < 2; chance++)
                {
                    using StorageGroup crashed = TestGroup.Open(storage.Fork(new Random(n * 31 + chance)), options: Tiny);
                    if (crashed.ClosedForWriting is { } closed) throw closed;
                    workload.Check(crashed);
                }
                if (group.ClosedForWriting is not null || burst == 2)
                {
                    group.Dispose();
                    group = TestGroup.Open(storage, options: Tiny);
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

    private static void TryCheckpoint(StorageGroup group)
    {
        try
        {
            group.Checkpoint(CancellationToken.None);
        }
        catch (MessageStoreException)
        {
            // The fault met the checkpoint: the log has everything.
        }
    }
}
