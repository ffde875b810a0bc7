using System.Security.Cryptography;
using MessageStore.Storage;
using MessageStore.Tests.Support;
using Xunit.Abstractions;

namespace MessageStore.Tests.Facade;

/// <summary>
/// What a disk does to us that no flush prevents: each write in its turn lands somewhere else, or a bit rots anywhere in any file. Afterwards the database is refused with an
/// error of ours, or it opens and everything is as it was but for messages that say so themselves when they are read: nothing is missing, old or wrong without a word. Whatever
/// a reader meets, <c>Test-MessageDatabase</c> finds.
/// </summary>
[Trait(Sweeps.Trait, Sweeps.TraitValue)]
public sealed class DamageSweepTests(ITestOutputHelper output)
{
    private const int FlipsASeed = 300;

    /// <summary>What an opening may say.</summary>
    private static readonly HashSet<string> Refusals =
    [
        ErrorIds.LogDamaged, ErrorIds.LogMissing, ErrorIds.StoreDamaged, ErrorIds.StoreMissing, ErrorIds.KeysDamaged, ErrorIds.DatabaseDamaged, ErrorIds.DatabaseFormatTooNew,
        ErrorIds.NotADatabase, ErrorIds.ArchiveUnavailable, ErrorIds.ArchiveDamaged,
    ];

    /// <summary>What reading a message may say.</summary>
    private static readonly HashSet<string> Damages = [ErrorIds.MessageDamaged, ErrorIds.ArchiveDamaged, ErrorIds.ArchiveFileMissing, ErrorIds.ArchiveKeyMissing, ErrorIds.ArchiveUnavailable, ErrorIds.KeysDamaged];

    private int refused, damaged, unharmed;

    [Fact]
    public void A_write_that_lands_somewhere_else_is_never_taken_for_what_should_be_there()
    {
        int points = Sweeps.ForEachSeed(3, seed => Sweeps.ForEachOperation(n => Misdirect(seed, n)));
        Report($"{points} misdirected writes");
    }

    [Fact]
    public void A_flipped_bit_anywhere_is_refused_or_named_and_changes_nothing_else()
    {
        int points = Sweeps.ForEachSeed(2, seed =>
        {
            using Case test = Case.Make(seed);
            test.Live();
            MemoryStorage whole = test.Close();
            string[] files = [.. Files(whole, "/")];
            int flips = 0;
            for (int flip = 1; flip <= FlipsASeed; flip++)
            {
                if (Sweeps.OnePoint is { } one && one != flip) continue;
                var random = new Random(seed * 1_000_003 + flip);
                MemoryStorage flipped = whole.Fork(random);
                string file = files[random.Next(files.Length)];
                long length = flipped.FileLength(file);
                if (length == 0) continue;
                long offset = random.NextInt64(length);
                flipped.Corrupt(file, offset, (byte)(1 << random.Next(8)));
                flips++;
                try
                {
                    Judge(test, flipped);
                }
                catch (Exception error)
                {
                    throw new InvariantException($"A bit of {file} flips at {offset}: {error.Message}", error) { Point = flip };
                }
            }
            return flips;
        });
        Report($"{points} flipped bits");
    }

    /// <returns>Whether the run came to its n-th write.</returns>
    private bool Misdirect(int seed, int n)
    {
        using Case test = Case.Make(seed);
        test.Storage.MisdirectAt(n);
        test.Live();
        bool happened = test.Storage.FaultHappened;
        Judge(test, test.Close());
        return happened;
    }

    private void Report(string what)
    {
        Proof.Report(output, $"{what}: {refused} refused, {damaged} found when a message was read, {unharmed} without harm");
        if (Sweeps.IsFullSet) Assert.True(refused > 20 && damaged > 20, $"only {refused} were refused and {damaged} found");
    }

    private void Judge(Case test, MemoryStorage disk)
    {
        MemoryDatabase opened;
        try
        {
            opened = MemoryDatabase.Open(disk, test.Options);
        }
        catch (MessageStoreException error) when (Refusals.Contains(error.ErrorId))
        {
            Interlocked.Increment(ref refused);
            return;
        }
        using (opened)
        {
            int broken = ReadAllAsync(opened.Store, test.Model).GetAwaiter().GetResult();
            DatabaseTest found = opened.Store.TestAsync(new DatabaseTestOptions()).GetAwaiter().GetResult();
            if (broken > 0 && found.Result != DatabaseTestResult.Damaged) throw new InvariantException($"{broken} messages cannot be read, and Test-MessageDatabase says {found.Result}.");
            Interlocked.Increment(ref broken > 0 ? ref damaged : ref unharmed);
        }
    }

    /// <summary>Everything is listed as it should be, and every message that can be read has its bytes.</summary>
    /// <returns>How many cannot be read.</returns>
    private static async Task<int> ReadAllAsync(IMessageStore store, MailModel model)
    {
        var listed = new List<StoredMessage>();
        await foreach (StoredMessage message in store.ListAsync(new MessageQuery())) listed.Add(message);
        model.CompareEntries(listed);
        int broken = 0;
        foreach (StoredMessage message in listed)
        {
            try
            {
                await using Stream body = await store.OpenReadAsync(message.Id);
                if (Convert.ToHexStringLower(await SHA256.HashDataAsync(body)) != model.Sha256Of(message.Id)) throw new InvariantException($"Message {message.Id} was read with other bytes than were stored.");
            }
            catch (MessageStoreException error) when (Damages.Contains(error.ErrorId))
            {
                broken++;
            }
        }
        return broken;
    }

    private static IEnumerable<string> Files(MemoryStorage storage, string folder) => storage.ListFiles(folder).Concat(storage.ListFolders(folder).SelectMany(f => Files(storage, f)));

    /// <summary>A short life of a whole database with every kind of file that it has, ended in good order.</summary>
    private sealed class Case : IDisposable
    {
        private static readonly string[] Users = ["ada", "grace"];

        private readonly Random random;
        private MemoryDatabase? opened;

        private Case(int seed)
        {
            random = new Random(seed);
            Storage = new MemoryStorage(seed);
            // As in the product, closing takes a checkpoint: what is damaged afterwards is judged against it.
            Options = MemoryDatabase.Small with { CloseReplayBytes = 0, Clock = new SteadyClock() };
            MessageDatabase.CreateNow(Storage, MemoryDatabase.Options("SG1", "SG2"), Options.Clock);
            opened = MemoryDatabase.Open(Storage, Options);
        }

        public MemoryStorage Storage { get; }

        public GroupOptions Options { get; }

        public MailModel Model { get; } = new();

        public static Case Make(int seed) => new(seed);

        public void Live()
        {
            IMessageStore store = opened!.Store;
            Fill(6, 3000);
            store.ArchiveAsync(new ArchiveOptions { Before = Options.Clock.GetUtcNow(), Mailboxes = ["ada"], Seekers = 1, Archivers = 1 }).GetAwaiter().GetResult();
            foreach (ModelMail mail in Model.Of("ada").Take(2))
                Change(mail, mail with { Flags = mail.Flags ^ MessageFlags.Flagged }, after => store.SetFlagsAsync(mail.Id, after!.Flags, mail.Flags & ~after.Flags));
            opened.Database.Mail.Groups[0].Checkpoint(CancellationToken.None);
            Fill(4, 1200);
            foreach (ModelMail mail in Model.Of("grace").Take(2)) Change(mail, null, _ => store.DeleteAsync(mail.Id));
            store.RecallAsync(new MessageQuery { Ids = [Model.Of("ada")[0].Id] }).ToListAsync().AsTask().GetAwaiter().GetResult();
            store.ArchiveAsync(new ArchiveOptions { Before = Options.Clock.GetUtcNow(), Mailboxes = ["grace"], MinimumSize = 1000, Seekers = 1, Archivers = 1 }).GetAwaiter().GetResult();
            Fill(3, 600);
        }

        /// <summary>Closes the database and lets the machine start anew: what is read from here on comes from the disk.</summary>
        public MemoryStorage Close()
        {
            Dispose();
            return Storage.Crash(new Random(1));
        }

        public void Dispose()
        {
            opened?.Dispose();
            opened = null;
        }

        private void Fill(int count, int size)
        {
            for (int i = 0; i < count; i++)
                opened!.AppendAsync(Model, Users[i % 2], "Inbox", MessageFlags.None, MemoryDatabase.Body(random, random.Next(size)), Options.Clock.GetUtcNow()).GetAwaiter().GetResult();
        }

        private void Change(ModelMail before, ModelMail? after, Func<ModelMail?, Task> change) => Model.ChangeAsync(before, after, async () =>
        {
            await change(after);
            return before.Id;
        }).GetAwaiter().GetResult();
    }
}
