using MessageStore.Storage;
using MessageStore.Tests.Support;
using Xunit.Abstractions;

namespace MessageStore.Tests.Facade;

/// <summary>
/// Creating a database with a loss of power before every operation on the disk, and with every operation failing in its turn: afterwards the database is there and
/// whole, or the same creation, or one with other names, succeeds.
/// </summary>
[Trait(Sweeps.Trait, Sweeps.TraitValue)]
public sealed class CreationSweepTests(ITestOutputHelper output)
{
    private const int Survivors = 3;

    [Fact]
    public void After_a_crash_at_any_moment_of_its_creation_a_database_is_there_or_can_be_created()
    {
        int points = Sweeps.ForEachSeed(6, seed =>
        {
            var storage = new MemoryStorage(seed);
            int crashes = 0;
            var sweep = new CrashSweep(storage, seed, Survivors, survivor => CreateAgain(survivor, otherNames: ++crashes % 2 == 0));
            Create(storage);
            int tried = sweep.End();
            Check(storage, new MailModel());
            return tried;
        });
        Proof.Report(output, $"{points} crash points");
        if (Sweeps.IsFullSet) Assert.True(points >= 500, $"only {points} crash points");
    }

    [Theory]
    [InlineData("changes")]
    [InlineData("reading")]
    public void An_operation_that_fails_during_a_creation_leaves_a_database_or_a_place_for_one(string what)
    {
        StorageOperations kinds = FaultSweep.Kinds(what);
        int points = Sweeps.ForEachSeed(2, seed => Sweeps.ForEachOperation(n =>
        {
            var storage = new MemoryStorage(seed);
            storage.FailAt(n, new IOException("error 5", 5), kinds);
            try
            {
                Create(storage);
            }
            catch (MessageStoreException)
            {
                // What counts is that it can be begun again.
            }
            storage.FaultsWait = true;
            CreateAgain(storage.Fork(new Random(n)), otherNames: false);
            CreateAgain(storage, otherNames: true);
            return storage.FaultHappened;
        }));
        Proof.Report(output, $"{points} failing operations");
    }

    [Fact]
    public void What_an_interrupted_creation_left_is_not_mistaken_for_another_databases_files()
    {
        var storage = new MemoryStorage();
        MessageDatabaseOptions first = MemoryDatabase.Options("SG1") with { StorePath = "/ssd/store", LogPath = "/disk/logs" };
        // Among the first renames is the one that gives the intent its name; the one after it fails.
        for (int n = 1; !storage.FileExists(Path.Combine(MemoryDatabase.Root, DatabaseCreation.IntentFileName)); n++)
        {
            storage = new MemoryStorage();
            storage.FailAt(n, new IOException("error 5", 5), StorageOperations.Rename);
            Assert.Throws<MessageStoreException>(() => MessageDatabase.CreateNow(storage, first, TimeProvider.System));
        }
        storage.DeleteFolder("/ssd");
        storage.DeleteFolder("/disk");
        MessageDatabase.CreateNow(storage, first with { Path = "/data/other", ArchivePath = "/nas/other" }, TimeProvider.System);

        var refused = Assert.Throws<MessageStoreException>(() => MessageDatabase.CreateNow(storage, first, TimeProvider.System));

        Assert.Equal(ErrorIds.DestinationNotEmpty, refused.ErrorId);
        MemoryDatabase.Open(storage, MemoryDatabase.Small, "/data/other").Dispose();
    }

    private static void Create(MemoryStorage storage) => MessageDatabase.CreateNow(storage, MemoryDatabase.Options("SG1", "SG2"), TimeProvider.System);

    private static void CreateAgain(MemoryStorage storage, bool otherNames)
    {
        if (!storage.FileExists(Path.Combine(MemoryDatabase.Root, DatabaseSettings.FileName)))
        {
            if (otherNames) MessageDatabase.CreateNow(storage, MemoryDatabase.Options("Other") with { ArchivePath = "/nas/another" }, TimeProvider.System);
            else Create(storage);
        }
        storage.BeforeChange = null;
        Check(storage, new MailModel());
    }

    /// <summary>It opens, takes a message, and has it after a crash.</summary>
    private static void Check(MemoryStorage storage, MailModel model)
    {
        using (MemoryDatabase opened = MemoryDatabase.Open(storage, MemoryDatabase.Small))
            opened.AppendAsync(model, "ada", "Inbox", MessageFlags.None, MemoryDatabase.Body(new Random(1), 100)).GetAwaiter().GetResult();
        using MemoryDatabase again = MemoryDatabase.Open(storage.Crash(new Random(1)), MemoryDatabase.Small);
        again.CheckAsync(model).GetAwaiter().GetResult();
    }
}
