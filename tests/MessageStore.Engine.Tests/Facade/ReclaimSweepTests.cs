using MessageStore.Archiving;
using MessageStore.IO;
using MessageStore.Storage;
using MessageStore.Tests.Support;
using Xunit.Abstractions;

namespace MessageStore.Tests.Facade;

/// <summary>
/// Users delete archived messages, a mailbox is removed, and their records are given up, with a loss of power before every operation on the disk, and with every operation failing in its turn:
/// no other message is touched, and the next run leaves no record of what was deleted.
/// </summary>
[Trait(Sweeps.Trait, Sweeps.TraitValue)]
public sealed class ReclaimSweepTests(ITestOutputHelper output)
{
    private const int Survivors = 3;

    private static readonly DateTimeOffset Old = new(2020, 5, 1, 0, 0, 0, TimeSpan.Zero);

    private static readonly string[] Users = ["ada", "grace", "joan"];

    [Fact]
    public void After_a_crash_at_any_moment_of_deletion_and_reclaiming_nothing_else_is_lost_and_the_next_run_leaves_no_orphan()
    {
        int points = Sweeps.ForEachSeed(6, Crash);
        Proof.Report(output, $"{points} crash points");
        if (Sweeps.IsFullSet) Assert.True(points >= 1000, $"only {points} crash points");
    }

    [Theory]
    [InlineData("changes", 5)]
    [InlineData("changes", 28)]
    [InlineData("reading", 5)]
    public void An_operation_that_fails_loses_nothing_else_and_the_next_run_goes_on(string what, int error)
    {
        FaultSweep.Run(output, seeds: 2, least: 40, what, error, Fault);
    }

    private static int Crash(int seed)
    {
        MemoryStorage storage = Prepare(seed, out MailModel model, out GroupOptions options);
        int crashes = 0;
        var sweep = new CrashSweep(storage, seed, Survivors, survivor => Recover(survivor, model, options, goOn: ++crashes % 3 == 0));
        using MemoryDatabase opened = MemoryDatabase.Open(storage, options);
        DeleteAsync(opened, model, seed).GetAwaiter().GetResult();
        ExpiryRun run = Reclaim(opened);
        if (sweep.Failure is null && (run.Failed > 0 || run.Reclaimed == 0 || run.FilesDeleted == 0)) throw new InvariantException($"A healthy run gave up {run.Reclaimed} records, deleted {run.FilesDeleted} files and failed with {run.Failed}.");
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
                DeleteAsync(opened, model, seed).GetAwaiter().GetResult();
                Reclaim(opened);
            }
            catch (MessageStoreException)
            {
                // What counts is what is there afterwards.
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
        options = MemoryDatabase.Small with { Clock = new FixedClock(Old.AddYears(6)) };
        MessageDatabase.CreateNow(storage, MemoryDatabase.Options("SG1"), options.Clock);
        using MemoryDatabase opened = MemoryDatabase.Open(storage, options);
        foreach (string user in Users)
            for (int i = 0; i < 6; i++)
                opened.AppendAsync(model, user, "Inbox", MessageFlags.None, MemoryDatabase.Body(random, random.Next(3000)), Old.AddDays(i)).GetAwaiter().GetResult();
        opened.Store.ArchiveAsync(new ArchiveOptions { Before = Old.AddYears(1), Seekers = 1, Archivers = 1 }).GetAwaiter().GetResult();
        return storage;
    }

    /// <summary>One user deletes half, another's mailbox is removed, the third deletes nothing.</summary>
    private static async Task DeleteAsync(MemoryDatabase opened, MailModel model, int seed)
    {
        foreach (ModelMail mail in model.Of(Users[0]).Where((_, i) => i % 2 == seed % 2))
        {
            await model.ChangeAsync(mail, null, async () =>
            {
                await opened.Store.DeleteAsync(mail.Id);
                return mail.Id;
            });
        }
        await model.RemoveAsync(model.Of(Users[1]), () => opened.Store.RemoveMailboxAsync(Users[1]));
    }

    private static ExpiryRun Reclaim(MemoryDatabase opened) =>
        opened.Store.ExpireAsync(new ExpiryOptions { KeepDeletedFor = TimeSpan.Zero, MinimumDeadShare = 0 }).GetAwaiter().GetResult();

    private static void Recover(MemoryStorage survivor, MailModel model, GroupOptions options, bool goOn)
    {
        using (MemoryDatabase first = MemoryDatabase.Open(survivor, options))
        {
            first.CheckAsync(model).GetAwaiter().GetResult();
            if (goOn)
            {
                ExpiryRun run = Reclaim(first);
                if (run.Failed > 0) throw new InvariantException($"The next run fails: {run.Receipts[0].Reason}");
                CheckNoOrphan(first, first.CheckAsync(model).GetAwaiter().GetResult());
            }
        }
        survivor.BeforeChange = null;
        using MemoryDatabase again = MemoryDatabase.Open(survivor, options);
        again.CheckAsync(model).GetAwaiter().GetResult();
    }

    private static void CheckNoOrphan(MemoryDatabase opened, List<StoredMessage> found)
    {
        opened.CheckArchivedOnce();
        HashSet<Guid> ids = [.. found.Select(m => m.Id)];
        var archive = (FileArchiveTarget)opened.Database.Archive.Current;
        foreach (ArchivedRecordInfo record in archive.ListVolumes().SelectMany(v => archive.Walk(v)))
            if (!ids.Contains(record.Id)) throw new InvariantException($"The record of message {record.Id}, which was deleted, is still there.");
        foreach (ArchiveKey key in opened.Database.Keys.List())
            if (!ids.Contains(key.Id)) throw new InvariantException($"The key of message {key.Id}, which was deleted, is still there.");
    }
}
