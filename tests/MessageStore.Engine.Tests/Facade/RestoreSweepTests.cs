using MessageStore.Backups;
using MessageStore.IO;
using MessageStore.Storage;
using MessageStore.Tests.Support;
using Xunit.Abstractions;

namespace MessageStore.Tests.Facade;

/// <summary>
/// Restores of every kind (unpacking, surviving logs, replay, keys, exchange) with a loss of power before every operation on the disk, and with every operation
/// failing in its turn: what stood there before is as it was or the restored database is there whole, and the restore can be begun again.
/// </summary>
[Trait(Sweeps.Trait, Sweeps.TraitValue)]
public sealed class RestoreSweepTests(ITestOutputHelper output)
{
    private const int Survivors = 3;
    private const string Elsewhere = "/data/again";
    private const string Note = "note.txt";

    private static readonly string[] Users = ["ada", "grace"];

    [Theory]
    [InlineData("new place", 1)]
    [InlineData("new place with logs", 1)]
    [InlineData("point in time", 1)]
    [InlineData("in place", 1)]
    [InlineData("in place of a lost store", 1)]
    [InlineData("in place of something else", 1)]
    [InlineData("new place on other devices", 1)]
    [InlineData("a group beside others", 1)]
    public void After_a_crash_at_any_moment_of_a_restore_the_old_database_or_the_restored_one_is_whole(string kind, int seeds)
    {
        int points = Sweeps.ForEachSeed(seeds, seed => Crash(kind, seed));
        Proof.Report(output, $"{kind}: {points} crash points");
        if (Sweeps.IsFullSet) Assert.True(points >= 150, $"only {points} crash points");
    }

    [Theory]
    [InlineData("new place with logs", "changes")]
    [InlineData("new place with logs", "reading")]
    [InlineData("in place", "changes")]
    [InlineData("in place", "reading")]
    [InlineData("a group beside others", "changes")]
    [InlineData("a group beside others", "reading")]
    public void An_operation_that_fails_during_a_restore_leaves_the_old_database_or_the_restored_one_whole(string kind, string what)
    {
        StorageOperations kinds = FaultSweep.Kinds(what);
        int points = Sweeps.ForEachSeed(1, seed => Sweeps.ForEachOperation(n => Fault(kind, seed, n, kinds, new IOException("error 5", 5))));
        Proof.Report(output, $"{kind}, {what}: {points} failing operations");
        if (Sweeps.IsFullSet) Assert.True(points >= 20, $"only {points} operations failed");
    }

    private static int Crash(string kind, int seed)
    {
        Case test = Prepare(kind, seed);
        int crashes = 0;
        var sweep = new CrashSweep(test.Storage, seed, Survivors, survivor => Recover(test, survivor, again: ++crashes % 2 == 0));
        Restore(test, test.Storage);
        int points = sweep.End();
        Recover(test, test.Storage, again: false, restored: true);
        return points;
    }

    /// <returns>Whether the run came to its n-th operation.</returns>
    private static bool Fault(string kind, int seed, int n, StorageOperations kinds, Exception error)
    {
        Case test = Prepare(kind, seed);
        bool restored = true;
        try
        {
            Restore(test, test.Storage, () => test.Storage.FailAt(n, error, kinds));
        }
        catch (MessageStoreException)
        {
            restored = false;
        }
        test.Storage.FaultsWait = true;
        for (int chance = 0; chance < 2; chance++) Recover(test, test.Storage.Fork(new Random(n * 31 + chance)), again: chance == 0, restored);
        Recover(test, test.Storage, again: true, restored);
        return test.Storage.FaultHappened;
    }

    /// <param name="begin">Called when the restore is about to begin.</param>
    private static void Restore(Case test, MemoryStorage storage, Action? begin = null)
    {
        if (!test.IsBeside)
        {
            begin?.Invoke();
            MessageDatabase.RestoreNow(storage, test.How, test.Options.Clock, null, CancellationToken.None);
            return;
        }
        using MemoryDatabase opened = MemoryDatabase.Open(storage, test.Options);
        begin?.Invoke();
        opened.Store.RestoreGroupsAsync(test.How).GetAwaiter().GetResult();
        storage.FaultsWait = true;
        // Closed again, what a failure left is looked at; while it is open, the other group must serve and the restored one, too.
        opened.CheckAsync(test.New).GetAwaiter().GetResult();
    }

    /// <summary>A database with hot and archived mail, a backup of it, and changes after the backup; closed.</summary>
    private static Case Prepare(string kind, int seed)
    {
        var storage = new MemoryStorage(seed);
        var random = new Random(seed);
        var clock = new SteadyClock();
        var model = new MailModel();
        GroupOptions options = MemoryDatabase.Small with { Clock = clock };
        MessageDatabase.CreateNow(storage, MemoryDatabase.Options(seed % 2 == 0 && kind != "a group beside others" ? ["SG1"] : ["SG1", "SG2"]), clock);
        string backup, logs;
        MailModel atBackup, atPoint;
        DateTimeOffset point;
        using (MemoryDatabase opened = MemoryDatabase.Open(storage, options))
        {
            void Fill(int count)
            {
                for (int i = 0; i < count; i++)
                    opened.AppendAsync(model, Users[i % 2], "Inbox", MessageFlags.None, MemoryDatabase.Body(random, random.Next(3000)), clock.GetUtcNow()).GetAwaiter().GetResult();
            }
            Fill(6);
            opened.Store.ArchiveAsync(new ArchiveOptions { Before = clock.GetUtcNow() }).GetAwaiter().GetResult();
            Fill(6);
            backup = opened.Store.BackupAsync(new BackupOptions()).GetAwaiter().GetResult().Path;
            atBackup = model.Copy();
            Fill(4);
            (atPoint, point) = (model.Copy(), clock.GetUtcNow());
            Fill(4);
            opened.Store.ArchiveAsync(new ArchiveOptions { Mailboxes = ["ada"], Before = clock.GetUtcNow() }).GetAwaiter().GetResult();
            logs = opened.Database.Mail.LogPath;
        }
        string store = Path.Combine(MemoryDatabase.Root, "store");
        switch (kind)
        {
            case "new place":
                return new Case(storage, options, new RestoreOptions { BackupPath = backup, Destination = Elsewhere }, model, atBackup, false);
            case "new place with logs":
                return new Case(storage, options, new RestoreOptions { BackupPath = backup, Destination = Elsewhere, LogPath = logs }, model, model, false);
            case "point in time":
                return new Case(storage, options, new RestoreOptions { BackupPath = backup, Destination = Elsewhere, LogPath = logs, PointInTime = point }, model, atPoint, false);
            case "in place of something else":
                storage.Put(Path.Combine(Elsewhere, Note), "not a database"u8);
                return new Case(storage, options, new RestoreOptions { BackupPath = backup, Destination = Elsewhere, Force = true }, model, atBackup, false) { HasNote = true };
            case "new place on other devices":
                var devices = new RestoreOptions { BackupPath = backup, Destination = Elsewhere, LogPath = logs, NewStorePath = "/ssd2/store", NewLogPath = "/disk2/logs", NewBackupPath = "/disk2/backups" };
                return new Case(storage, options, devices, model, model, false);
            case "a group beside others":
                var beside = new RestoreOptions { BackupPath = backup, Destination = MemoryDatabase.Root, StorageGroups = ["SG2"], PointInTime = point, Force = true };
                return new Case(storage, options, beside, model, model.CopyWith(Users[1], atPoint), false) { IsBeside = true };
            case "in place":
                return new Case(storage, options, new RestoreOptions { BackupPath = backup, Destination = MemoryDatabase.Root, Force = true }, model, model, false);
            default:
                foreach (string folder in storage.ListFolders(store)) storage.DeleteFolder(folder);
                storage.FlushFolder(store);
                return new Case(storage, options, new RestoreOptions { BackupPath = backup, Destination = MemoryDatabase.Root, Force = true }, model, model, true);
        }
    }

    /// <param name="again">Also begin the restore again, where the restored database is not there.</param>
    /// <param name="restored">The restore said that it succeeded.</param>
    private static void Recover(Case test, MemoryStorage survivor, bool again, bool restored = false)
    {
        bool inPlace = test.How.Destination == MemoryDatabase.Root;
        bool isThere = false;
        if (test.IsBeside) isThere = IsRestored(survivor);
        else if (!test.IsOldLost || restored) Check(survivor, MemoryDatabase.Root, test.Old);
        survivor.BeforeChange = null;
        if (!test.IsBeside) isThere = inPlace ? !test.IsOldLost || Opens(test, survivor) : IsDatabase(survivor);
        if (test.HasNote) CheckNote(survivor, isThere);
        if (restored && !isThere) throw new InvariantException("The restore succeeded, and the restored database is not there.");
        if (!isThere && again)
        {
            Restore(test, survivor);
            isThere = true;
            if (!inPlace) CheckNothingIsLeft(survivor);
        }
        if (isThere) Check(survivor, test.How.Destination, test.New);

        bool IsRestored(MemoryStorage storage)
        {
            try
            {
                Check(storage, MemoryDatabase.Root, test.New);
                return true;
            }
            catch (InvariantException) when (!restored)
            {
                Check(storage, MemoryDatabase.Root, test.Old); // one or the other, whole
                return false;
            }
        }

        bool IsDatabase(MemoryStorage storage)
        {
            FolderSwap.Complete(storage, MailDatabase.SwapBeside(Elsewhere));
            return storage.FileExists(Path.Combine(Elsewhere, DatabaseSettings.FileName));
        }

        void Check(MemoryStorage storage, string path, MailModel expected)
        {
            using MemoryDatabase opened = MemoryDatabase.Open(storage, test.Options, path);
            opened.CheckAsync(expected).GetAwaiter().GetResult();
        }
    }

    /// <summary>What stood at the destination stands there still, or lies aside; never is neither of the two there.</summary>
    private static void CheckNote(MemoryStorage storage, bool restored)
    {
        string? place = storage.ListFolders("/data").FirstOrDefault(f => storage.FileExists(Path.Combine(f, Note)));
        if (place is null || (place == Elsewhere) == restored) throw new InvariantException($"What stood at the destination is in {place ?? "no place"}.");
    }

    /// <summary>What a killed restore had laid out, the next one clears away.</summary>
    private static void CheckNothingIsLeft(MemoryStorage storage)
    {
        foreach (string parent in (string[])["/data", "/ssd2/store", "/disk2/logs"])
            if (storage.ListFolders(parent).Concat(storage.ListFiles(parent)).FirstOrDefault(p => p.Contains(".restoring-", StringComparison.Ordinal)) is { } left)
                throw new InvariantException($"{left} was left behind.");
    }

    private static bool Opens(Case test, MemoryStorage storage)
    {
        try
        {
            MemoryDatabase.Open(storage, test.Options).Dispose();
            return true;
        }
        catch (MessageStoreException error) when (error.ErrorId == ErrorIds.StoreMissing)
        {
            return false;
        }
    }

    /// <param name="Old">What the database holds that was there before.</param>
    /// <param name="New">What the restored one must hold.</param>
    /// <param name="IsOldLost">Whether the old one cannot be opened as it is.</param>
    private sealed record Case(MemoryStorage Storage, GroupOptions Options, RestoreOptions How, MailModel Old, MailModel New, bool IsOldLost)
    {
        /// <summary>Whether a group is restored while the database is open.</summary>
        public bool IsBeside { get; init; }

        /// <summary>Whether something else stands at the destination.</summary>
        public bool HasNote { get; init; }
    }
}
