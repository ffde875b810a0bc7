using MessageStore.IO;
using MessageStore.Storage;
using MessageStore.Tests.Support;
using Xunit.Abstractions;

namespace MessageStore.Tests.Facade;

/// <summary>
/// Bringing messages back from the archive, with a loss of power before every operation on the disk, and with every operation failing in its turn: every message is
/// readable exactly once, the next recall ends what was begun, and what is archived again has no second record.
/// </summary>
/// <remarks>Seeds that are even recall one message after the other, odd ones a mailbox at a time: then the order within a commit is the machine's.</remarks>
[Trait(Sweeps.Trait, Sweeps.TraitValue)]
public sealed class RecallSweepTests(ITestOutputHelper output)
{
    private const int Survivors = 3;

    private static readonly DateTimeOffset Old = new(2020, 5, 1, 0, 0, 0, TimeSpan.Zero);

    private static readonly string[] Users = ["ada", "grace"];

    [Fact]
    public void After_a_crash_at_any_moment_of_a_recall_every_message_is_readable_once_and_the_next_recall_goes_on()
    {
        int points = Sweeps.ForEachSeed(4, Crash);
        Proof.Report(output, $"{points} crash points");
        if (Sweeps.IsFullSet) Assert.True(points >= 500, $"only {points} crash points");
    }

    [Theory]
    [InlineData("changes", 5)]
    [InlineData("reading", 5)]
    public void An_operation_that_fails_during_a_recall_loses_nothing_and_the_next_recall_goes_on(string what, int error)
    {
        FaultSweep.Run(output, seeds: 2, least: 20, what, error, Fault);
    }

    private static int Crash(int seed)
    {
        MemoryStorage storage = Prepare(seed, out MailModel model, out GroupOptions options);
        int crashes = 0;
        var sweep = new CrashSweep(storage, seed, Survivors, survivor => Recover(survivor, model, options, goOn: ++crashes % 3 == 0));
        using MemoryDatabase opened = MemoryDatabase.Open(storage, options);
        List<MessageRecall> recalled = Recall(opened, model, oneByOne: seed % 2 == 0);
        if (sweep.Failure is null && recalled.Find(r => r.ErrorId.Length > 0) is { } failed) throw new InvariantException($"A healthy recall fails: {failed.Reason}");
        return sweep.End();
    }

    /// <returns>Whether the run came to its n-th operation.</returns>
    private static bool Fault(int seed, int n, StorageOperations kinds, Exception error)
    {
        MemoryStorage storage = Prepare(seed, out MailModel model, out GroupOptions options);
        using (MemoryDatabase opened = MemoryDatabase.Open(storage, options))
        {
            storage.FailAt(n, error, kinds);
            try
            {
                Recall(opened, model, oneByOne: seed % 2 == 0);
            }
            catch (MessageStoreException)
            {
                // The listing of what to bring back failed.
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
            for (int i = 0; i < 6; i++)
            {
                bool large = seed % 8 == 0 && i == 3;
                byte[] bytes = MemoryDatabase.Body(random, large ? (1 << 20) + random.Next(1 << 18) : random.Next(3000));
                opened.AppendAsync(model, user, i % 3 == 0 ? "Work" : "Inbox", (MessageFlags)random.Next(4), bytes, Old.AddDays(i)).GetAwaiter().GetResult();
            }
        }
        Archive(opened);
        return storage;
    }

    private static void Archive(MemoryDatabase opened)
    {
        ArchiveRun run = opened.Store.ArchiveAsync(new ArchiveOptions { Before = Old.AddYears(1), Seekers = 1, Archivers = 1 }).GetAwaiter().GetResult();
        if (run.Failed > 0) throw new InvariantException($"Archiving fails: {run.Receipts[0].Reason}");
    }

    private static List<MessageRecall> Recall(MemoryDatabase opened, MailModel model, bool oneByOne)
    {
        IEnumerable<MessageQuery> queries = oneByOne
            ? Users.SelectMany(model.Of).Select(m => new MessageQuery { Ids = [m.Id] })
            : Users.Select(u => new MessageQuery { Mailbox = u });
        return [.. queries.SelectMany(q => opened.Store.RecallAsync(q).ToListAsync().AsTask().GetAwaiter().GetResult())];
    }

    private static void Recover(MemoryStorage survivor, MailModel model, GroupOptions options, bool goOn)
    {
        using (MemoryDatabase first = MemoryDatabase.Open(survivor, options))
        {
            first.CheckAsync(model).GetAwaiter().GetResult();
            if (goOn)
            {
                if (Recall(first, model, oneByOne: false).Find(r => r.ErrorId.Length > 0) is { } failed) throw new InvariantException($"The next recall fails: {failed.Reason}");
                if (first.CheckAsync(model).GetAwaiter().GetResult().Exists(m => m.IsArchived)) throw new InvariantException("The next recall left messages in the archive.");
                Archive(first);
                first.CheckAsync(model).GetAwaiter().GetResult();
                first.CheckArchivedOnce();
            }
        }
        survivor.BeforeChange = null;
        using MemoryDatabase again = MemoryDatabase.Open(survivor, options);
        again.CheckAsync(model).GetAwaiter().GetResult();
    }
}
