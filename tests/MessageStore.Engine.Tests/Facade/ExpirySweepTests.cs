using MessageStore.Archiving;
using MessageStore.IO;
using MessageStore.Storage;
using MessageStore.Tests.Support;
using Xunit.Abstractions;

namespace MessageStore.Tests.Facade;

/// <summary>
/// Expiry (deleted in the log, tombstone, key, file written anew or deleted) with a loss of power before every operation on the disk, and with every operation
/// failing in its turn: what is not due, held or recalled is whole at each moment; the next run ends what was begun; and then no older backup brings anything back.
/// </summary>
[Trait(Sweeps.Trait, Sweeps.TraitValue)]
public sealed class ExpirySweepTests(ITestOutputHelper output)
{
    private const int Survivors = 3;
    private const string Elsewhere = "/data/again";

    /// <summary>Of the first mailbox's file some records go, of the second's all, of the third's one is held and one lives in the store again.</summary>
    private static readonly string[] Users = ["ada", "grace", "edsger"];

    [Fact]
    public void After_a_crash_at_any_moment_of_an_expiry_run_what_stays_is_whole_and_the_next_run_goes_on()
    {
        int points = Sweeps.ForEachSeed(4, Crash);
        Proof.Report(output, $"{points} crash points");
        if (Sweeps.IsFullSet) Assert.True(points >= 500, $"only {points} crash points");
    }

    [Theory]
    [InlineData("changes", 5)]
    [InlineData("reading", 5)]
    public void An_operation_that_fails_during_an_expiry_run_loses_nothing_that_stays_and_the_next_run_goes_on(string what, int error)
    {
        FaultSweep.Run(output, seeds: 1, least: 20, what, error, Fault);
    }

    private static int Crash(int seed)
    {
        Case test = Prepare(seed);
        using MemoryDatabase opened = MemoryDatabase.Open(test.Storage, test.Options);
        int crashes = 0;
        var sweep = new CrashSweep(test.Storage, seed, Survivors, survivor => Recover(survivor, test, goOn: ++crashes % 3 == 0, restore: crashes % 15 == 0));
        test.Model.RemoveAsync(test.Due, () => ExpireAsync(opened)).GetAwaiter().GetResult();
        int points = sweep.End();
        for (int chance = 0; chance < Survivors; chance++) Recover(test.Storage.Fork(new Random(chance)), test, goOn: false, restore: true);
        return points;
    }

    /// <returns>Whether the run came to its n-th operation.</returns>
    private static bool Fault(int seed, int n, StorageOperations kinds, Exception error)
    {
        Case test = Prepare(seed);
        using (MemoryDatabase opened = MemoryDatabase.Open(test.Storage, test.Options))
        {
            test.Storage.FailAt(n, error, kinds);
            try
            {
                test.Model.RemoveAsync(test.Due, () => ExpireAsync(opened)).GetAwaiter().GetResult();
            }
            catch (MessageStoreException)
            {
                // What was not said to be done may be either way until the next run.
            }
            test.Storage.FaultsWait = true;
            opened.CheckAsync(test.Model).GetAwaiter().GetResult();
            for (int chance = 0; chance < 2; chance++) Recover(test.Storage.Fork(new Random(n * 31 + chance)), test, goOn: true, restore: false);
        }
        Recover(test.Storage, test, goOn: true, restore: n % 10 == 0);
        return test.Storage.FaultHappened;
    }

    /// <exception cref="MessageStoreException">Something failed, and what was due may not be gone.</exception>
    private static async Task ExpireAsync(MemoryDatabase opened)
    {
        ExpiryRun run = await opened.Store.ExpireAsync(new ExpiryOptions());
        if (run.Failed > 0) throw new MessageStoreException(ErrorIds.ExpiryFailed, ErrorKind.Device, string.Join(' ', run.Receipts.Select(r => r.Reason)));
    }

    private static Case Prepare(int seed)
    {
        var storage = new MemoryStorage(seed);
        var random = new Random(seed);
        var clock = new SteadyClock();
        var model = new MailModel();
        GroupOptions options = MemoryDatabase.Small with { Clock = clock };
        MessageDatabase.CreateNow(storage, MemoryDatabase.Options("SG1", "SG2"), clock);
        using MemoryDatabase opened = MemoryDatabase.Open(storage, options);
        IMessageStore store = opened.Store;
        void Archive(string user, int count, TimeSpan? retain)
        {
            for (int i = 0; i < count; i++)
            {
                bool large = seed % 8 == 0 && i == 1;
                byte[] bytes = MemoryDatabase.Body(random, large ? (1 << 20) + random.Next(1 << 18) : random.Next(2000));
                opened.AppendAsync(model, user, "Inbox", (MessageFlags)random.Next(4), bytes, clock.GetUtcNow()).GetAwaiter().GetResult();
            }
            ArchiveRun run = store.ArchiveAsync(new ArchiveOptions { Before = clock.GetUtcNow(), RetainFor = retain, Mailboxes = [user], Seekers = 1, Archivers = 1 }).GetAwaiter().GetResult();
            if (run.Failed > 0) throw new InvariantException(run.Receipts[0].Reason);
        }
        TimeSpan atOnce = TimeSpan.FromTicks(1);
        if (seed % 2 == 0)
        {
            // An earlier run, and with it tombstones and a file of the second generation.
            Archive("ada", 2, atOnce);
            Archive("ada", 2, null);
            List<ModelMail> first = [.. model.Of("ada").Where(m => IsDue(opened, m))];
            model.RemoveAsync(first, () => ExpireAsync(opened)).GetAwaiter().GetResult();
        }
        Archive("ada", 3, atOnce);
        Archive("ada", 3, null);
        Archive("grace", 4, atOnce);
        Archive("edsger", 4, atOnce);
        List<ModelMail> edsger = model.Of("edsger");
        store.AddHoldAsync(new HoldRequest { Ids = [edsger[0].Id], Reason = "A case.", By = "root" }).GetAwaiter().GetResult();
        store.RecallAsync(new MessageQuery { Ids = [edsger[1].Id] }).ToListAsync().AsTask().GetAwaiter().GetResult();
        string backup = store.BackupAsync(new BackupOptions()).GetAwaiter().GetResult().Path;
        HashSet<Guid> stays = [edsger[0].Id, edsger[1].Id];
        List<ModelMail> due = [.. Users.SelectMany(model.Of).Where(m => !stays.Contains(m.Id) && IsDue(opened, m))];
        return new Case(storage, options, model, due, backup);
    }

    private static bool IsDue(MemoryDatabase opened, ModelMail mail) => opened.Database.Keys.Find(mail.Id)[0].DeletionDate is not null;

    /// <param name="goOn">Also run expiry again to its end.</param>
    /// <param name="restore">Also restore the backup from before, once expiry has come to its end.</param>
    private static void Recover(MemoryStorage survivor, Case test, bool goOn, bool restore)
    {
        var gone = test.Due.Select(m => m.Id).ToHashSet();
        using (MemoryDatabase first = MemoryDatabase.Open(survivor, test.Options))
        {
            first.CheckAsync(test.Model).GetAwaiter().GetResult();
            if (goOn)
            {
                ExpireAsync(first).GetAwaiter().GetResult();
                if (first.CheckAsync(test.Model).GetAwaiter().GetResult().Exists(m => gone.Contains(m.Id))) throw new InvariantException("The next run left what is due.");
                first.CheckArchivedOnce();
                var files = (FileArchiveTarget)first.Database.Archive.Current;
                if (files.ListVolumes().SelectMany(v => files.Walk(v)).FirstOrDefault(r => gone.Contains(r.Id)) is { } left)
                    throw new InvariantException($"The next run left the record of {left.Id} in the archive.");
            }
        }
        survivor.BeforeChange = null;
        using (MemoryDatabase again = MemoryDatabase.Open(survivor, test.Options)) again.CheckAsync(test.Model).GetAwaiter().GetResult();
        if (!restore) return;
        MessageDatabase.RestoreNow(survivor, new RestoreOptions { BackupPath = test.Backup, Destination = Elsewhere }, test.Options.Clock, null, CancellationToken.None);
        using MemoryDatabase restored = MemoryDatabase.Open(survivor, test.Options, Elsewhere);
        List<StoredMessage> found = restored.CheckAsync(test.Model).GetAwaiter().GetResult();
        if (found.Exists(m => gone.Contains(m.Id))) throw new InvariantException("A restore brought back what had expired.");
    }

    /// <param name="Due">What the run is to remove.</param>
    /// <param name="Backup">A backup from before the run, with all of it.</param>
    private sealed record Case(MemoryStorage Storage, GroupOptions Options, MailModel Model, IReadOnlyList<ModelMail> Due, string Backup);
}
