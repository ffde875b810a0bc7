using MessageStore.Storage;
using MessageStore.Tests.Support;
using Xunit.Abstractions;

namespace MessageStore.Tests.Facade;

/// <summary>
/// Opening a whole database whose process was killed, keys and archive included, with every operation on the disk failing in its turn: the opening says so in our words, and the
/// next one finds everything.
/// </summary>
[Trait(Sweeps.Trait, Sweeps.TraitValue)]
public sealed class OpeningSweepTests(ITestOutputHelper output)
{
    private static readonly string[] Users = ["ada", "grace"];

    [Theory]
    [InlineData("opens")]
    [InlineData("reading")]
    [InlineData("changes")]
    public void An_operation_that_fails_while_a_database_is_opened_is_told_and_the_next_opening_finds_everything(string what)
    {
        StorageOperations kinds = what switch
        {
            "opens" => StorageOperations.Open,
            "reading" => StorageOperations.Read | StorageOperations.Look,
            _ => StorageOperations.Changes,
        };
        int points = Sweeps.ForEachSeed(2, seed =>
        {
            MemoryStorage killed = Prepare(seed, out MailModel model, out GroupOptions options);
            return Sweeps.ForEachOperation(n => Fault(killed.Fork(new Random(seed)), n, kinds, model, options));
        });
        Proof.Report(output, $"{what}: {points} failing operations");
        if (Sweeps.IsFullSet) Assert.True(points > 10, $"only {points} operations failed");
    }

    /// <returns>Whether the opening came to its n-th operation.</returns>
    private static bool Fault(MemoryStorage storage, int n, StorageOperations kinds, MailModel model, GroupOptions options)
    {
        storage.FailAt(n, new IOException("Input/output error", 5), kinds);
        try
        {
            MemoryDatabase.Open(storage, options).Dispose();
        }
        catch (MessageStoreException)
        {
            // Whatever it was, nothing may have come of it.
        }
        bool happened = storage.FaultHappened;
        storage.FaultsWait = true;
        Check(storage.Fork(new Random(n)), model, options);
        Check(storage, model, options);
        return happened;
    }

    private static void Check(MemoryStorage storage, MailModel model, GroupOptions options)
    {
        using MemoryDatabase opened = MemoryDatabase.Open(storage, options);
        opened.CheckAsync(model).GetAwaiter().GetResult();
    }

    /// <summary>A database that nobody closed, with mail in the store, in the archive, and in the log alone.</summary>
    private static MemoryStorage Prepare(int seed, out MailModel model, out GroupOptions options)
    {
        var storage = new MemoryStorage(seed);
        var random = new Random(seed);
        options = MemoryDatabase.Small with { Clock = new SteadyClock() };
        model = new MailModel();
        MessageDatabase.CreateNow(storage, MemoryDatabase.Options("SG1", "SG2"), options.Clock);
        MemoryStorage killed;
        using (MemoryDatabase opened = MemoryDatabase.Open(storage, options))
        {
            for (int i = 0; i < 12; i++)
            {
                opened.AppendAsync(model, Users[i % 2], "Inbox", MessageFlags.None, MemoryDatabase.Body(random, random.Next(3000)), options.Clock.GetUtcNow()).GetAwaiter().GetResult();
                if (i == 5) opened.Store.ArchiveAsync(new ArchiveOptions { Before = options.Clock.GetUtcNow(), Seekers = 1, Archivers = 1 }).GetAwaiter().GetResult();
                if (i == 8 && seed % 2 == 0) opened.Database.Mail.Groups[0].Checkpoint(CancellationToken.None);
            }
            killed = storage.Kill();
        }
        return killed;
    }
}
