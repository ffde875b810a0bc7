using MessageStore.Archiving;
using MessageStore.IO;
using MessageStore.Storage;
using MessageStore.Tests.Support;
using Xunit.Abstractions;

namespace MessageStore.Tests.Facade;

/// <summary>
/// Expiry (deleted in the log, tombstone, key, file written anew or deleted) with a loss of power before every operation on the disk, and with every operation
/// failing in its turn: what is not due, held or recalled is whole at each moment, also where the archive agent comes in between; the next run ends what was begun, and removes what has come due
/// since; and then no older backup brings anything back.
/// </summary>
[Trait(Sweeps.Trait, Sweeps.TraitValue)]
public sealed class ExpirySweepTests(ITestOutputHelper output)
{
    private const int Survivors = 3;
    private const string Elsewhere = "/data/again";
    private const string Later = "Later";

    /// <summary>
    /// Of the first mailbox's file some records go, others ten days later, and of those that stay one lives in the store again, one is of a message that its user deleted, and one of such a message
    /// has no key any more; of the second's all go, of the third's one is held and one lives in the store again.
    /// </summary>
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
        var sweep = new CrashSweep(test.Storage, seed, Survivors, survivor => Recover(survivor, test, agent: ++crashes % 4 >= 2, goOn: crashes % 2 == 0, later: crashes % 8 >= 4, restore: crashes % 16 is 0 or 12));
        test.Model.RemoveAsync(test.Due, () => ExpireAsync(opened)).GetAwaiter().GetResult();
        int points = sweep.End();
        for (int chance = 0; chance < Survivors; chance++) Recover(test.Storage.Fork(new Random(chance)), test, agent: false, goOn: false, later: false, restore: true);
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
            for (int chance = 0; chance < 2; chance++) Recover(test.Storage.Fork(new Random(n * 31 + chance)), test, agent: chance == 0, goOn: true, later: n % 2 == chance, restore: false);
        }
        Recover(test.Storage, test, agent: n % 2 == 0, goOn: true, later: n % 4 >= 2, restore: n % 10 == 0);
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
            List<ModelMail> first = [.. model.Of("ada").Where(m => IsDue(opened, m, clock))];
            model.RemoveAsync(first, () => ExpireAsync(opened)).GetAwaiter().GetResult();
        }
        Archive("ada", 3, atOnce);
        Archive("ada", 2, TimeSpan.FromDays(10));
        Archive("ada", 5, null);
        List<ModelMail> ada = [.. model.Of("ada").Where(m => DeletionDate(opened, m) is null)];
        foreach (ModelMail gone in ada[..2])
        {
            model.ChangeAsync(gone, null, async () =>
            {
                await store.DeleteAsync(gone.Id);
                return gone.Id;
            }).GetAwaiter().GetResult();
        }
        opened.Database.Keys.Remove([ada[1].Id]);
        Archive("grace", 4, atOnce);
        Archive("edsger", 4, atOnce);
        List<ModelMail> edsger = model.Of("edsger");
        store.AddHoldAsync(new HoldRequest { Ids = [edsger[0].Id], Reason = "A case.", By = "root" }).GetAwaiter().GetResult();
        store.RecallAsync(new MessageQuery { Ids = [ada[2].Id, edsger[1].Id] }).ToListAsync().AsTask().GetAwaiter().GetResult();
        string backup = store.BackupAsync(new BackupOptions()).GetAwaiter().GetResult().Path;
        HashSet<Guid> stays = [edsger[0].Id, edsger[1].Id];
        List<ModelMail> due = [.. Users.SelectMany(model.Of).Where(m => !stays.Contains(m.Id) && IsDue(opened, m, clock))];
        List<ModelMail> soon = [.. model.Of("ada").Where(m => DeletionDate(opened, m) is not null && !due.Contains(m))];
        return new Case(storage, options, model, due, soon, backup, Deleted: ada[0].Id, Orphan: ada[1].Id, Recalled: [ada[2].Id, edsger[1].Id]);
    }

    private static bool IsDue(MemoryDatabase opened, ModelMail mail, TimeProvider clock) => DeletionDate(opened, mail) is { } date && date < clock.GetUtcNow();

    private static DateTimeOffset? DeletionDate(MemoryDatabase opened, ModelMail mail) => opened.Database.Keys.Find(mail.Id) is [{ } key] ? key.DeletionDate : null;

    /// <param name="agent">Also archive something new in each mailbox, before expiry goes on: what the agent takes over then is what an interrupted run of its own left, and nothing else.</param>
    /// <param name="goOn">Also run expiry again to its end.</param>
    /// <param name="later">Do that weeks later, when more is due.</param>
    /// <param name="restore">Also restore the backup from before, once expiry has come to its end.</param>
    private static void Recover(MemoryStorage survivor, Case test, bool agent, bool goOn, bool later, bool restore)
    {
        later &= goOn;
        List<ModelMail> due = [.. test.Due, .. later ? test.Soon : []];
        var gone = due.Select(m => m.Id).ToHashSet();
        GroupOptions options = later ? test.Options with { Clock = new SteadyClock(days: 20) } : test.Options;
        MailModel model = test.Model;
        using (MemoryDatabase first = MemoryDatabase.Open(survivor, options))
        {
            Check(first);
            if (agent)
            {
                survivor.BeforeChange = null;
                model = model.Copy();
                ArchiveNew(first, model, options.Clock);
                Check(first);
            }
            if (goOn)
            {
                if (later) survivor.BeforeChange = null; // what is due now is not so in the model of a crash within
                model = model.Copy();
                Remove(model, () => ExpireAsync(first));
                if (Check(first).Exists(m => gone.Contains(m.Id))) throw new InvariantException("The next run left what is due.");
                first.CheckArchivedOnce();
                var files = (FileArchiveTarget)first.Database.Archive.Current;
                if (files.ListVolumes().SelectMany(v => files.Walk(v)).FirstOrDefault(r => gone.Contains(r.Id)) is { } left)
                    throw new InvariantException($"The next run left the record of {left.Id} in the archive.");
                if (Users.Select(u => Path.Combine(MemoryDatabase.ArchivePath, u)).Where(survivor.FolderExists).SelectMany(survivor.ListFiles).FirstOrDefault(f => f.EndsWith(".copying", StringComparison.Ordinal)) is { } copy)
                    throw new InvariantException($"The next run left {copy}.");
            }
        }
        survivor.BeforeChange = null;
        using (MemoryDatabase again = MemoryDatabase.Open(survivor, options)) Check(again);
        if (!restore) return;
        MessageDatabase.RestoreNow(survivor, new RestoreOptions { BackupPath = test.Backup, Destination = Elsewhere }, options.Clock, null, CancellationToken.None);
        using MemoryDatabase restored = MemoryDatabase.Open(survivor, options, Elsewhere);
        MailModel then = test.Model.Copy();
        if (goOn) Remove(then, () => Task.CompletedTask);
        List<StoredMessage> found = restored.CheckAsync(then).GetAwaiter().GetResult();
        if (found.Exists(m => gone.Contains(m.Id))) throw new InvariantException("A restore brought back what had expired.");

        void Remove(MailModel from, Func<Task> remove) => from.RemoveAsync(due, remove).GetAwaiter().GetResult();

        List<StoredMessage> Check(MemoryDatabase opened)
        {
            List<StoredMessage> all = opened.CheckAsync(model).GetAwaiter().GetResult();
            test.CheckNotTakenOver(opened, all);
            return all;
        }
    }

    /// <summary>One message in each mailbox, in a folder of its own, so that no criterion takes anything else.</summary>
    private static void ArchiveNew(MemoryDatabase opened, MailModel model, TimeProvider clock)
    {
        foreach (string user in Users) opened.AppendAsync(model, user, Later, MessageFlags.None, MemoryDatabase.Body(new Random(user.Length), 100), clock.GetUtcNow()).GetAwaiter().GetResult();
        ArchiveRun run = opened.Store.ArchiveAsync(new ArchiveOptions { Before = clock.GetUtcNow(), Folders = [Later], Seekers = 1, Archivers = 1 }).GetAwaiter().GetResult();
        if (run.Failed > 0 || run.Moved < Users.Length) throw new InvariantException($"The archive agent moved {run.Moved} messages: {string.Join(' ', run.Receipts.Select(r => r.Reason))}");
    }

    /// <param name="Due">What the run is to remove.</param>
    /// <param name="Soon">What is due ten days later.</param>
    /// <param name="Backup">A backup from before the run, with all of it.</param>
    /// <param name="Deleted">A message that its user deleted: its key says so.</param>
    /// <param name="Orphan">Another one, whose key was lost: nothing says that its record may go.</param>
    /// <param name="Recalled">Messages that live in the store, and have a record as well.</param>
    private sealed record Case(
        MemoryStorage Storage, GroupOptions Options, MailModel Model, IReadOnlyList<ModelMail> Due, IReadOnlyList<ModelMail> Soon, string Backup, Guid Deleted, Guid Orphan, IReadOnlyList<Guid> Recalled)
    {
        /// <summary>Nobody took the records of a rewritten file for those that an interrupted archive run left.</summary>
        public void CheckNotTakenOver(MemoryDatabase opened, List<StoredMessage> found)
        {
            if (found.Find(m => m.IsArchived && Recalled.Contains(m.Id)) is { } wrong) throw new InvariantException($"Message {wrong.Id} was brought back to the store and is called archived.");
            if (opened.Database.Keys.Find(Deleted) is not [{ DeletedDate: not null }]) throw new InvariantException($"No key says any more that message {Deleted} was deleted.");
            if (opened.Database.Keys.Find(Orphan).Count > 0) throw new InvariantException($"The record of message {Orphan}, which was deleted, has a key again.");
            var files = (FileArchiveTarget)opened.Database.Archive.Current;
            if (!files.ListVolumes().SelectMany(v => files.Walk(v)).Any(r => r.Id == Orphan)) throw new InvariantException($"The record of message {Orphan} is gone, and nothing said that it may.");
        }
    }
}
