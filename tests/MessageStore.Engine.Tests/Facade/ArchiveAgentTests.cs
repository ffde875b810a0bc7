using System.Collections.Concurrent;
using MessageStore.Archiving;
using MessageStore.Storage;
using MessageStore.Tests.Support;

namespace MessageStore.Tests.Facade;

/// <summary>Figures 3 to 6: users partitioned among seekers, a bounded queue, archivers behind it, progress, and a run that is stopped in the middle.</summary>
public sealed class ArchiveAgentTests
{
    private const int Mailboxes = 12;
    private const int Each = 3;

    /// <summary>Against hanging only.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    private static readonly DateTimeOffset Old = new(2020, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly ArchiveOptions Everything = new() { Before = Old.AddYears(1) };

    [Theory]
    [InlineData(1, 1)]
    [InlineData(3, 2)]
    [InlineData(64, 64)]
    public async Task Every_mailbox_goes_to_one_seeker_and_one_archiver(int seekers, int archivers)
    {
        (MemoryDatabase opened, MailModel model) = await FillAsync();
        using MemoryDatabase database = opened;
        var target = new WatchedTarget(database.Database.Archive);
        var seen = new Seen();

        ArchiveRun run = await RunAsync(database, target, Everything with { Seekers = seekers, Archivers = archivers }, seen);

        Assert.Equal(Mailboxes * Each, run.Moved);
        Assert.Equal((seekers, archivers), (run.Seekers, run.Archivers));
        Assert.Equal(Mailboxes, target.Sessions.Count);
        Assert.All(target.Sessions, s => Assert.Equal(1, s.Value));
        // Progress tells of each mailbox once, and of how many there are.
        Assert.Equal(target.Sessions.Keys.Order(), seen.Mailboxes.Order());
        Assert.All(seen.Totals, t => Assert.Equal(Mailboxes, t));
        await database.CheckAsync(model);
    }

    [Fact]
    public async Task Seekers_wait_for_archivers_that_do_not_keep_up()
    {
        const int Seekers = 2, Archivers = 1;
        const int Tagged = Archivers + 2 * Archivers + Seekers; // in the archiver's hands, on the queue, in the seekers' hands
        (MemoryDatabase opened, MailModel model) = await FillAsync();
        using MemoryDatabase database = opened;
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var target = new WatchedTarget(database.Database.Archive) { Gate = gate.Task };

        Task<ArchiveRun> run = RunAsync(database, target, Everything with { Seekers = Seekers, Archivers = Archivers });
        int most = 0;
        using (var patience = new CancellationTokenSource(Patience))
        {
            for (int now = 0; now < Tagged; now = TaggedMailboxes(database))
            {
                patience.Token.ThrowIfCancellationRequested();
                await Task.Yield();
            }
            for (int look = 0; look < 1000; look++) most = Math.Max(most, TaggedMailboxes(database));
        }
        // What waits in the hidden folder is listed and read as ever, and a change of it counts.
        StoredMessage waiting = (await database.Store.ListAsync(new MessageQuery()).ToListAsync())[0];
        await (await database.Store.OpenReadAsync(waiting.Id)).DisposeAsync();
        ModelMail mail = model.Of(waiting.Mailbox).Single(m => m.Id == waiting.Id);
        await model.ChangeAsync(mail, mail with { Flags = MessageFlags.Flagged }, async () => (await database.Store.SetFlagsAsync(mail.Id, MessageFlags.Flagged, mail.Flags)).Id);
        gate.SetResult();

        Assert.Equal(Mailboxes * Each, (await run.WaitAsync(Patience)).Moved);
        Assert.Equal(Tagged, most);
        Assert.Equal(0, TaggedMailboxes(database));
        await database.CheckAsync(model);
    }

    [Fact]
    public async Task Numbers_that_are_not_given_come_from_processors_and_mailboxes()
    {
        (MemoryDatabase opened, _) = await FillAsync();
        using MemoryDatabase database = opened;
        ArchiveRun one = await database.Store.ArchiveAsync(Everything with { Mailboxes = ["user1"] });
        ArchiveRun none = await database.Store.ArchiveAsync(Everything with { Mailboxes = ["nobody"] });
        ArchiveRun all = await database.Store.ArchiveAsync(Everything);

        Assert.Equal((1, 1), (one.Seekers, one.Archivers));
        Assert.Equal((1, 1), (none.Seekers, none.Archivers));
        Assert.Equal((Math.Min(Environment.ProcessorCount, Mailboxes), Math.Min(Math.Max(16, Environment.ProcessorCount), Mailboxes)), (all.Seekers, all.Archivers));
    }

    [Fact]
    public async Task A_run_that_is_cancelled_ends_between_batches_and_the_next_finishes_it()
    {
        (MemoryDatabase opened, MailModel model) = await FillAsync();
        using MemoryDatabase database = opened;
        using var stop = new CancellationTokenSource();
        var seen = new Seen { AtFirst = stop.Cancel };

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => RunAsync(database, new WatchedTarget(database.Database.Archive), Everything with { Archivers = 1 }, seen, stop.Token));

        List<StoredMessage> found = await database.CheckAsync(model);
        int moved = found.Count(m => m.IsArchived);
        Assert.InRange(moved, Each, (Mailboxes - 1) * Each);
        ArchiveRun next = await database.Store.ArchiveAsync(new ArchiveOptions { Before = Old.AddDays(-1) }); // criteria that none of them meets: what is tagged is finished all the same
        Assert.Equal(0, next.Failed);
        ArchiveRun last = await database.Store.ArchiveAsync(Everything);
        Assert.Equal(Mailboxes * Each, moved + next.Moved + last.Moved);
        Assert.Equal(0, TaggedMailboxes(database));
        await database.CheckAsync(model);
        database.CheckArchivedOnce();
    }

    /// <summary>Whoever stopped it gives up the maintenance lock, and may close the database.</summary>
    [Fact]
    public async Task A_run_that_is_cancelled_has_not_ended_before_its_archivers_have()
    {
        (MemoryDatabase opened, MailModel model) = await FillAsync();
        using MemoryDatabase database = opened;
        var device = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var target = new WatchedTarget(database.Database.Archive) { Device = device.Task };
        using var stop = new CancellationTokenSource();
        Task<ArchiveRun> run = RunAsync(database, target, Everything with { Seekers = 1, Archivers = 1 }, null, stop.Token);
        using (var patience = new CancellationTokenSource(Patience))
            while (TaggedMailboxes(database) < 4) // one in the archiver's hands, two on the queue, one in those of the seeker that waits
            {
                patience.Token.ThrowIfCancellationRequested();
                await Task.Yield();
            }
        await stop.CancelAsync();
        Assert.NotSame(run, await Task.WhenAny(run, Task.Delay(TimeSpan.FromMilliseconds(300))));
        device.SetResult();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run.WaitAsync(Patience));
        await database.CheckAsync(model);
    }

    private static int TaggedMailboxes(MemoryDatabase database) => database.Database.Mail.Groups.Sum(g => g.MailboxNames().Count(m => g.TryFindMailbox(m, out int number) && g.List(number).Any(e => e.IsTagged)));

    private static async Task<(MemoryDatabase, MailModel)> FillAsync()
    {
        var storage = new MemoryStorage();
        GroupOptions options = MemoryDatabase.Small with { Clock = new FixedClock(Old.AddYears(6)) };
        MessageDatabase.CreateNow(storage, MemoryDatabase.Options("SG1", "SG2"), options.Clock);
        MemoryDatabase opened = MemoryDatabase.Open(storage, options);
        var model = new MailModel();
        var random = new Random(5);
        for (int m = 0; m < Mailboxes; m++)
            for (int i = 0; i < Each; i++) await opened.AppendAsync(model, $"user{m}", "Inbox", MessageFlags.None, MemoryDatabase.Body(random, 300), Old);
        return (opened, model);
    }

    private static Task<ArchiveRun> RunAsync(MemoryDatabase opened, IArchiveTarget target, ArchiveOptions options, IProgress<RunProgress>? progress = null, CancellationToken stop = default)
    {
        OpenDatabase database = opened.Database;
        return new ArchiveAgent(database.Mail.Groups, target, database.Keys, database.Clock, database.Storage, database.SpoolPath).RunAsync(database.Path, options, new Dictionary<string, ArchivePolicy>(), progress, stop);
    }

    /// <summary>Counts sessions by mailbox, and holds them up where it is told to.</summary>
    private sealed class WatchedTarget(IArchiveTarget inner) : IArchiveTarget
    {
        public ConcurrentDictionary<string, int> Sessions { get; } = [];

        public Task Gate { get; init; } = Task.CompletedTask;

        /// <summary>What a session waits for whoever stops the run.</summary>
        public Task Device { get; init; } = Task.CompletedTask;

        public string Name => inner.Name;

        public ValueTask CheckAsync(CancellationToken cancellationToken = default) => inner.CheckAsync(cancellationToken);

        public async ValueTask<IArchiveSession> OpenSessionAsync(string mailbox, DateTimeOffset storageDate, CancellationToken cancellationToken = default)
        {
            Sessions.AddOrUpdate(mailbox, 1, (_, count) => count + 1);
            await Gate.WaitAsync(cancellationToken);
            await Device;
            return await inner.OpenSessionAsync(mailbox, storageDate, cancellationToken);
        }

        public ValueTask<Stream> OpenAsync(ArchiveKey key, CancellationToken cancellationToken = default) => inner.OpenAsync(key, cancellationToken);

        public ValueTask<Stream> OpenRecordAsync(ArchiveKey key, CancellationToken cancellationToken = default) => inner.OpenRecordAsync(key, cancellationToken);

        public ValueTask<ArchivedRecordInfo> VerifyAsync(ArchiveKey key, CancellationToken cancellationToken = default) => inner.VerifyAsync(key, cancellationToken);
    }

    /// <summary>What was reported of archiving.</summary>
    private sealed class Seen : IProgress<RunProgress>
    {
        public ConcurrentBag<string> Mailboxes { get; } = [];

        public ConcurrentBag<long> Totals { get; } = [];

        public Action? AtFirst { get; init; }

        public void Report(RunProgress value)
        {
            if (value.Activity != "Archiving") return;
            if (Mailboxes.IsEmpty) AtFirst?.Invoke();
            Mailboxes.Add(value.Status);
            Totals.Add(value.Total);
        }
    }
}
