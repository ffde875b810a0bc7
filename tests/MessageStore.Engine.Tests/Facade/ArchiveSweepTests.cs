using MessageStore.IO;
using MessageStore.Storage;
using MessageStore.Tests.Support;
using Xunit.Abstractions;

namespace MessageStore.Tests.Facade;

/// <summary>
/// The archive move (tag, append, flush, read back, keys, archived) with a loss of power before every operation on the disk, and with every operation failing in
/// its turn: every message is readable exactly once, and the next run ends what was begun without archiving anything twice.
/// </summary>
[Trait(Sweeps.Trait, Sweeps.TraitValue)]
public sealed class ArchiveSweepTests(ITestOutputHelper output)
{
    private const int Survivors = 3;

    private static readonly DateTimeOffset Old = new(2020, 5, 1, 0, 0, 0, TimeSpan.Zero);

    private static readonly string[] Users = ["ada", "grace"];

    [Fact]
    public void After_a_crash_at_any_moment_of_an_archive_run_every_message_is_readable_once_and_the_next_run_goes_on()
    {
        int points = Sweeps.ForEachSeed(4, seed => Crash(seed));
        Proof.Report(output, $"{points} crash points");
        if (Sweeps.IsFullSet) Assert.True(points >= 2000, $"only {points} crash points");
    }

    [Theory]
    [InlineData("changes", 5)]
    [InlineData("changes", 28)]
    [InlineData("reading", 5)]
    public void An_operation_that_fails_during_an_archive_run_loses_nothing_and_the_next_run_goes_on(string what, int error)
    {
        FaultSweep.Run(output, seeds: 2, least: 50, what, error, Fault);
    }

    private static int Crash(int seed)
    {
        MemoryStorage storage = Prepare(seed, out MailModel model, out GroupOptions options);
        int crashes = 0;
        var sweep = new CrashSweep(storage, seed, Survivors, survivor => Recover(survivor, model, options, goOn: ++crashes % 3 == 0));
        using MemoryDatabase opened = MemoryDatabase.Open(storage, options);
        foreach (string user in Users)
        {
            ArchiveRun run = Run(opened, user);
            if (sweep.Failure is null && (run.Failed > 0 || run.Moved == 0)) throw new InvariantException($"A healthy run moved {run.Moved} and failed with {run.Failed}: {run.Receipts[0].Reason}");
        }
        return sweep.End();
    }

    /// <returns>Whether the run came to its n-th operation.</returns>
    private static bool Fault(int seed, int n, StorageOperations kinds, Exception error)
    {
        MemoryStorage storage = Prepare(seed, out MailModel model, out GroupOptions options);
        using (MemoryDatabase opened = MemoryDatabase.Open(storage, options))
        {
            storage.FailAt(n, error, kinds);
            foreach (string user in Users)
            {
                try
                {
                    Run(opened, user);
                }
                catch (MessageStoreException)
                {
                    // Nothing could be done at all. What counts is what is there afterwards.
                }
            }
            storage.FaultsWait = true;
            opened.CheckAsync(model).GetAwaiter().GetResult();
            for (int chance = 0; chance < 2; chance++) Recover(storage.Fork(new Random(n * 31 + chance)), model, options, goOn: true);
        }
        Recover(storage, model, options, goOn: true);
        return storage.FaultHappened;
    }

    private static MemoryStorage Prepare(int seed, out MailModel model, out GroupOptions options)
    {
        var storage = new MemoryStorage(seed);
        var random = new Random(seed);
        model = new MailModel();
        options = MemoryDatabase.Small with { Clock = new JumpingClock(seed) };
        MessageDatabase.CreateNow(storage, MemoryDatabase.Options("SG1"), options.Clock);
        using MemoryDatabase opened = MemoryDatabase.Open(storage, options);
        foreach (string user in Users)
        {
            for (int i = 0; i < 8; i++)
            {
                bool large = seed % 4 == 0 && i == 3;
                byte[] bytes = MemoryDatabase.Body(random, large ? (1 << 20) + random.Next(1 << 18) : random.Next(3000));
                opened.AppendAsync(model, user, i % 3 == 0 ? "Work" : "Inbox", (MessageFlags)random.Next(4), bytes, i == 7 ? null : Old.AddDays(i)).GetAwaiter().GetResult();
                // Every other seed has an earlier run, and with it files to append to.
                if (i == 2 && seed % 2 == 0) Run(opened, user);
            }
        }
        return storage;
    }

    private static ArchiveRun Run(MemoryDatabase opened, string user) =>
        opened.Store.ArchiveAsync(new ArchiveOptions { Before = Old.AddYears(1), Mailboxes = [user], Seekers = 1, Archivers = 1 }).GetAwaiter().GetResult();

    private static void Recover(MemoryStorage survivor, MailModel model, GroupOptions options, bool goOn)
    {
        using (MemoryDatabase first = MemoryDatabase.Open(survivor, options))
        {
            first.CheckAsync(model).GetAwaiter().GetResult();
            if (goOn)
            {
                foreach (string user in Users)
                {
                    ArchiveRun run = Run(first, user);
                    if (run.Failed > 0) throw new InvariantException($"The next run fails: {run.Receipts[0].Reason}");
                }
                List<StoredMessage> found = first.CheckAsync(model).GetAwaiter().GetResult();
                if (found.Exists(m => !m.IsArchived && m.ReceivedDate < Old.AddYears(1))) throw new InvariantException("The next run left messages where they were.");
                first.CheckArchivedOnce();
            }
        }
        survivor.BeforeChange = null;
        using MemoryDatabase again = MemoryDatabase.Open(survivor, options);
        again.CheckAsync(model).GetAwaiter().GetResult();
        again.CheckArchivedOnce();
    }
}
