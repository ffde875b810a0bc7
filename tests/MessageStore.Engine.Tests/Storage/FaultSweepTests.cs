using System.Runtime.CompilerServices;
using MessageStore.IO;
using MessageStore.Storage;
using MessageStore.Tests.Support;
using Xunit.Abstractions;

namespace MessageStore.Tests.Storage;

/// <summary>
/// One operation on the disk fails, each in its turn: EIO, or no space for once. The group says so in our own words, goes on or closes as
/// documented, reading goes on, and after reopening and after a crash everything acknowledged is there and nothing that was refused.
/// </summary>
[Trait(Sweeps.Trait, Sweeps.TraitValue)]
public sealed class FaultSweepTests(ITestOutputHelper output)
{
    private const int Rounds = 14;

    [Fact]
    public void A_failing_write_or_change_of_names_loses_nothing_and_brings_nothing_back() =>
        Sweep(StorageOperations.Write | StorageOperations.SetLength | StorageOperations.Rename | StorageOperations.Delete | StorageOperations.FlushFolder | StorageOperations.CreateFolder,
            () => new IOException("Input/output error", 5), 3);

    [Fact]
    public void A_failing_flush_loses_nothing_even_if_what_it_dropped_can_still_be_read() =>
        Sweep(StorageOperations.Flush, () => new IOException("Input/output error", 5), 10);

    [Fact]
    public void A_failing_open_read_or_look_loses_nothing() =>
        Sweep(StorageOperations.Open | StorageOperations.Read | StorageOperations.Look, () => new IOException("Input/output error", 5), 3);

    [Fact]
    public void A_full_disk_closes_nothing_and_what_was_refused_never_comes_back() =>
        Sweep(StorageOperations.Write, () => new IOException("No space left on device", 28), 6, staysOpen: true);

    [Fact]
    public void A_denied_operation_is_an_error_of_ours() =>
        Sweep(StorageOperations.Changes | StorageOperations.Open, () => new UnauthorizedAccessException("Permission denied"), 2);

    private void Sweep(StorageOperations kinds, Func<Exception> error, int seeds, bool staysOpen = false, [CallerMemberName] string test = "")
    {
        int points = Sweeps.ForEachSeed(seeds, seed => Sweeps.ForEachOperation(n => Run(seed, n, kinds, error(), staysOpen)), test: test);
        Proof.Report(output, $"{points} failing operations", test: test);
    }

    /// <returns>Whether the run came to its <paramref name="n"/>-th operation.</returns>
    private static bool Run(int seed, int n, StorageOperations kinds, Exception error, bool staysOpen)
    {
        var storage = new MemoryStorage(seed);
        GroupOptions options = TestGroup.Small with { CircularLogging = seed % 2 == 0, CloseReplayBytes = seed % 3 == 0 ? 0 : long.MaxValue };
        TestGroup.Create(storage, options: options);
        var workload = new Workload(seed);
        var random = new Random(seed);
        StorageGroup? group = TestGroup.Open(storage, options: options);
        storage.FailAt(n, error, kinds);
        try
        {
            for (int round = 0; round < Rounds; round++)
            {
                workload.Round(group);
                int choice = random.Next(5);
                if (choice == 0) Checkpoint(group);
                if (choice == 2) WriteDuringBackup(group, workload, random.Next(2));
                if (choice == 1) group = Reopen(storage, group, options, workload);
                if (group.ClosedForWriting is not null)
                {
                    if (staysOpen) throw new InvariantException("A full disk closed the group.", group.ClosedForWriting);
                    storage.FaultsWait = true;
                    TestGroup.Verify(group, workload.Model); // reading goes on
                    storage.FaultsWait = false;
                    group = Reopen(storage, group, options, workload);
                    if (group.ClosedForWriting is { } still) throw new InvariantException("Reopening did not recover.", still);
                }
                else if (storage.FaultHappened)
                {
                    workload.Check(group);
                }
                for (int chance = 0; chance < 2 && storage.FaultHappened; chance++)
                {
                    using StorageGroup crashed = TestGroup.Open(storage.Fork(new Random(n * 31 + round * 7 + chance)), options: options);
                    if (crashed.ClosedForWriting is { } closed) throw closed;
                    workload.Check(crashed);
                }
            }
        }
        finally
        {
            group?.Dispose();
        }
        return storage.FaultHappened;
    }

    private static void WriteDuringBackup(StorageGroup group, Workload workload, int rounds)
    {
        try
        {
            using GroupImage image = group.BeginBackup(CancellationToken.None);
            for (int round = 0; round < rounds && group.ClosedForWriting is null; round++) workload.Round(group);
        }
        catch (MessageStoreException)
        {
        }
        group.QuiesceAsync().GetAwaiter().GetResult();
    }

    private static void Checkpoint(StorageGroup group)
    {
        try
        {
            group.Checkpoint(CancellationToken.None);
        }
        catch (MessageStoreException)
        {
        }
    }

    private static StorageGroup Reopen(MemoryStorage storage, StorageGroup group, GroupOptions options, Workload workload)
    {
        group.Dispose();
        StorageGroup opened;
        try
        {
            opened = TestGroup.Open(storage, options: options);
        }
        catch (MessageStoreException)
        {
            opened = TestGroup.Open(storage, options: options);
        }
        storage.FaultsWait = true;
        workload.Settle(opened);
        storage.FaultsWait = false;
        return opened;
    }
}
