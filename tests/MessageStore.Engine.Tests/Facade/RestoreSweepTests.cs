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

    private static readonly string[] Users = ["ada", "grace"];

    [Theory]
    [InlineData("new place")]
    [InlineData("new place with logs")]
    [InlineData("point in time")]
    [InlineData("in place")]
    [InlineData("in place of a lost store")]
    public void After_a_crash_at_any_moment_of_a_restore_the_old_database_or_the_restored_one_is_whole(string kind)
    {
        int points = Sweeps.ForEachSeed(3, seed => Crash(kind, seed));
        Proof.Report(output, $"{kind}: {points} crash points");
        if (Sweeps.IsFullSet) Assert.True(points >= 150, $"only {points} crash points");
    }

    [Theory]
    [InlineData("new place with logs", "changes")]
    [InlineData("new place with logs", "reading")]
    [InlineData("in place", "changes")]
    [InlineData("in place", "reading")]
    public void An_operation_that_fails_during_a_restore_leaves_the_old_database_or_the_restored_one_whole(string kind, string what)
    {
        StorageOperations kinds = what == "changes" ? StorageOperations.Changes : StorageOperations.Open | StorageOperations.Read | StorageOperations.Look;
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
        test.Storage.FailAt(n, error, kinds);
        bool restored = true;
        try
        {
            Restore(test, test.Storage);
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

    private static void Restore(Case test, MemoryStorage storage) =>
        MessageDatabase.RestoreNow(storage, test.How, test.Options.Clock, null, CancellationToken.None);

    /// <summary>A database with hot and archived mail, a backup of it, and changes after the backup; closed.</summary>
    private static Case Prepare(string kind, int seed)
    {
        var storage = new MemoryStorage(seed);
        var random = new Random(seed);
        var clock = new SteadyClock();
        var model = new MailModel();
        GroupOptions options = MemoryDatabase.Small with { Clock = clock };
        MessageDatabase.CreateNow(storage, MemoryDatabase.Options(seed % 2 == 0 ? ["SG1"] : ["SG1", "SG2"]), clock);
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
        if (!test.IsOldLost || restored) Check(survivor, MemoryDatabase.Root, test.Old);
        survivor.BeforeChange = null;
        bool isThere = inPlace ? !test.IsOldLost || Opens(test, survivor) : survivor.FileExists(Path.Combine(Elsewhere, DatabaseSettings.FileName));
        if (restored && !isThere) throw new InvariantException("The restore succeeded, and the restored database is not there.");
        if (!isThere && again)
        {
            Restore(test, survivor);
            isThere = true;
        }
        if (isThere) Check(survivor, test.How.Destination, test.New);

        void Check(MemoryStorage storage, string path, MailModel expected)
        {
            using MemoryDatabase opened = MemoryDatabase.Open(storage, test.Options, path);
            opened.CheckAsync(expected).GetAwaiter().GetResult();
        }
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
    private sealed record Case(MemoryStorage Storage, GroupOptions Options, RestoreOptions How, MailModel Old, MailModel New, bool IsOldLost);
}
