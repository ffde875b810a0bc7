using MessageStore.Archiving;
using MessageStore.IO;
using MessageStore.Storage;
using MessageStore.Tests.Support;
using Xunit.Abstractions;

namespace MessageStore.Tests.Facade;

/// <summary>
/// Damaged archive records are made anew, and what is damaged is taken out of their files, with a loss of power before every operation on the disk, and with every operation failing in its
/// turn: no message that was whole is touched, nothing that was damaged is destroyed, and the next run leaves files that are whole to their end.
/// </summary>
[Trait(Sweeps.Trait, Sweeps.TraitValue)]
public sealed class MendSweepTests(ITestOutputHelper output)
{
    private const int Survivors = 2;

    private static readonly DateTimeOffset Old = new(2020, 5, 1, 0, 0, 0, TimeSpan.Zero);

    private static readonly string[] Users = ["ada", "grace"];

    [Fact]
    public void After_a_crash_at_any_moment_of_a_repair_nothing_is_lost_and_the_next_run_leaves_whole_files()
    {
        int points = Sweeps.ForEachSeed(4, Crash);
        Proof.Report(output, $"{points} crash points");
        if (Sweeps.IsFullSet) Assert.True(points >= 300, $"only {points} crash points");
    }

    [Theory]
    [InlineData("changes", 5)]
    [InlineData("changes", 28)]
    [InlineData("reading", 5)]
    public void An_operation_that_fails_is_a_finding_and_loses_nothing_and_the_next_run_goes_on(string what, int error)
    {
        FaultSweep.Run(output, seeds: 1, least: 20, what, error, Fault);
    }

    private static int Crash(int seed)
    {
        Case test = Case.Make(seed);
        int crashes = 0;
        using MemoryDatabase opened = MemoryDatabase.Open(test.Storage, test.Options);
        var sweep = new CrashSweep(test.Storage, seed, Survivors, survivor => test.Recover(survivor, goOn: ++crashes % 2 == 0));
        DatabaseTest run = Repair(opened);
        if (sweep.Failure is null && run.Result != DatabaseTestResult.Repaired) throw new InvariantException($"A healthy run ends with {run.Result}: {run.Findings[^1].Problem}");
        return sweep.End();
    }

    /// <returns>Whether the run came to its n-th operation.</returns>
    private static bool Fault(int seed, int n, StorageOperations kinds, Exception error)
    {
        Case test = Case.Make(seed);
        using (MemoryDatabase opened = MemoryDatabase.Open(test.Storage, test.Options))
        {
            test.Storage.FailAt(n, error, kinds);
            Repair(opened); // whatever fails is a finding
            test.Storage.FaultsWait = true;
            for (int chance = 0; chance < 2; chance++) test.Recover(test.Storage.Fork(new Random(n * 31 + chance)), goOn: true);
        }
        test.Recover(test.Storage, goOn: true);
        return test.Storage.FaultHappened;
    }

    private static DatabaseTest Repair(MemoryDatabase opened) => opened.Store.TestAsync(new DatabaseTestOptions { Repair = true }).GetAwaiter().GetResult();

    /// <summary>
    /// Of one user's file records are damaged whose messages are in the log; of the other's those that nobody needs: of a message that was deleted, of one that is in the store again.
    /// </summary>
    private sealed record Case(MemoryStorage Storage, GroupOptions Options, MailModel Model, HashSet<Guid> Damaged, List<(string Path, byte[] Bytes)> Before)
    {
        public static Case Make(int seed)
        {
            var storage = new MemoryStorage(seed);
            var random = new Random(seed);
            var model = new MailModel();
            GroupOptions options = MemoryDatabase.Small with { Clock = new FixedClock(Old.AddYears(6)) };
            MessageDatabase.CreateNow(storage, MemoryDatabase.Options("SG1"), options.Clock);
            using MemoryDatabase opened = MemoryDatabase.Open(storage, options);
            foreach (string user in Users)
                for (int i = 0; i < 5; i++)
                    opened.AppendAsync(model, user, "Inbox", MessageFlags.None, MemoryDatabase.Body(random, random.Next(2000)), Old.AddDays(i)).GetAwaiter().GetResult();
            opened.Store.ArchiveAsync(new ArchiveOptions { Before = Old.AddYears(1), Seekers = 1, Archivers = 1 }).GetAwaiter().GetResult();
            List<ModelMail> ada = model.Of("ada"), grace = model.Of("grace");
            ModelMail[] broken = [ada[seed % 5], ada[(seed + 2) % 5], grace[seed % 5], grace[(seed + 1) % 5]];
            ArchiveKey[] places = [.. broken.Select(m => opened.Database.Keys.Find(m.Id)[0])];
            model.ChangeAsync(broken[2], null, async () =>
            {
                await opened.Store.DeleteAsync(broken[2].Id);
                return broken[2].Id;
            }).GetAwaiter().GetResult();
            opened.Store.RecallAsync(new MessageQuery { Ids = [broken[3].Id] }).ToListAsync().AsTask().GetAwaiter().GetResult();
            foreach (ArchiveKey key in places) storage.Corrupt(ArchivePaths.Resolve(MemoryDatabase.ArchivePath, key.Volume), key.Offset + random.Next((int)key.Length), 2);
            List<(string, byte[])> before = [.. places.Select(k => ArchivePaths.Resolve(MemoryDatabase.ArchivePath, k.Volume)).Distinct().Select(p => (p, storage.Content(p)))];
            return new Case(storage, options, model, [broken[0].Id, broken[1].Id], before);
        }

        public void Recover(MemoryStorage survivor, bool goOn)
        {
            using (MemoryDatabase first = MemoryDatabase.Open(survivor, Options))
            {
                CheckUndamagedAsync(first).GetAwaiter().GetResult();
                CheckNothingDestroyed(survivor);
                if (goOn)
                {
                    DatabaseTest run = Repair(first);
                    if (run.Result == DatabaseTestResult.Damaged) throw new InvariantException($"The next run does not repair it: {run.Findings.First(f => !f.IsRepaired).Problem}");
                    CheckWhole(first);
                    CheckNothingDestroyed(survivor);
                }
            }
            survivor.BeforeChange = null;
            using MemoryDatabase again = MemoryDatabase.Open(survivor, Options);
            CheckUndamagedAsync(again).GetAwaiter().GetResult();
            if (goOn) CheckWhole(again);
        }

        private async Task CheckUndamagedAsync(MemoryDatabase opened)
        {
            List<StoredMessage> found = await opened.Store.ListAsync(new MessageQuery()).ToListAsync();
            Model.CompareEntries(found);
            foreach (StoredMessage message in found)
            {
                try
                {
                    await using Stream body = await opened.Store.OpenReadAsync(message.Id);
                    if (Convert.ToHexStringLower(await System.Security.Cryptography.SHA256.HashDataAsync(body)) != Model.Sha256Of(message.Id)) throw new InvariantException($"Message {message.Id} has other bytes than were stored.");
                }
                catch (MessageStoreException error) when (Damaged.Contains(message.Id) && error.ErrorId == ErrorIds.ArchiveDamaged)
                {
                    // Not repaired yet.
                }
            }
        }

        /// <summary>Everything can be read, and every archive file is whole records to its end, each message once.</summary>
        private void CheckWhole(MemoryDatabase opened)
        {
            CheckUndamagedAsync(opened).GetAwaiter().GetResult();
            var archive = (FileArchiveTarget)opened.Database.Archive.Current;
            foreach (string volume in archive.ListVolumes())
                foreach (ArchivedRecordInfo record in archive.Walk(volume, d => throw new InvariantException($"{d.Length} bytes at {d.Offset} of {d.Path} are no record.")))
                    archive.VerifyAsync(record.ToKey(archive.Name, archive.Unit, volume)).AsTask().GetAwaiter().GetResult();
            opened.CheckArchivedOnce();
            ArchiveTest test = opened.Store.TestArchiveAsync(new ArchiveTestOptions()).GetAwaiter().GetResult();
            if (test.Result != DatabaseTestResult.Whole) throw new InvariantException($"The archive is {test.Result}: {test.Findings[0].Problem}");
        }

        private void CheckNothingDestroyed(MemoryStorage storage)
        {
            foreach ((string path, byte[] bytes) in Before)
                if (!storage.ListFiles(Path.GetDirectoryName(path)!).Any(p => p.StartsWith(path, StringComparison.Ordinal) && storage.Content(p).AsSpan().StartsWith(bytes)))
                    throw new InvariantException($"What was damaged in {path} is gone.");
        }
    }
}
