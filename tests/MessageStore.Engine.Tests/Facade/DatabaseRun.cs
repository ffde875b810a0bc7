using MessageStore.Backups;
using MessageStore.Keys;
using MessageStore.Storage;
using MessageStore.Tests.Support;

namespace MessageStore.Tests.Facade;

/// <summary>
/// One run of <see cref="DatabaseModelTests"/>: a database of several groups on a disk in memory. In each phase several writers and one piece of upkeep work at the
/// same time, each by random numbers of their own; at a random operation the power may fail, the process be killed, or the operation itself fail.
/// </summary>
internal sealed class DatabaseRun : IDisposable
{
    private const int Writers = 3;

    /// <summary>So long that the clock's jumps do not come to it by themselves.</summary>
    public static TimeSpan Retention { get; } = TimeSpan.FromDays(20_000);

    /// <summary>Against hanging only: a phase takes milliseconds.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);

    private readonly int seed;
    private readonly Effects effects;
    private readonly Random random;
    private readonly GroupOptions options;
    private readonly List<QuietBackup> quietBackups = [];
    private string path = MemoryDatabase.Root;
    private readonly List<string> story = [];
    private readonly HashSet<string> promised = [];
    private MemoryStorage? survivor;
    private int places;

    /// <param name="effects">Takes note of what came of each operation, and of what befell the run.</param>
    public DatabaseRun(int seed, Effects effects)
    {
        this.seed = seed;
        this.effects = effects;
        random = new Random(seed);
        Clock = new JumpingClock(seed);
        options = MemoryDatabase.Small with { Clock = Clock };
        Storage = new MemoryStorage(seed) { ShortReads = seed % 3 == 0 };
        MessageDatabase.CreateNow(Storage, MemoryDatabase.Options("SG1", "SG2", "SG3") with { CircularLogging = IsCircular }, Clock);
        Storage = Storage.Crash(random); // a database whose creation returned is durable
        Open = MemoryDatabase.Open(Storage, options);
    }

    public MemoryStorage Storage { get; private set; }

    public MemoryDatabase Open { get; private set; }

    public JumpingClock Clock { get; }

    public MailModel Model { get; } = new();

    /// <summary>Complete backups, oldest first.</summary>
    public List<string> Backups { get; } = [];

    /// <summary>The only upkeep there is to be, and no trouble; <see langword="null"/> for all of it.</summary>
    public IReadOnlyList<DatabaseOperation>? Only { get; init; }

    public bool WithLargeMessages => seed % 8 == 0;

    /// <summary>Whether something has befallen the run, so that errors are no surprise.</summary>
    public bool IsTroubled => survivor is not null || Storage.FaultHappened;

    private bool IsCircular => seed % 5 == 0;

    public StorageGroup AnyGroup(Random chance) => Open.Database.Mail.Groups[chance.Next(Open.Database.Mail.Groups.Count)];

    public async Task PhaseAsync(int number)
    {
        bool quiet = Only is null && random.Next(4) == 0;
        DatabaseOperation upkeep = DatabaseOperation.Choose(Only ?? (quiet ? DatabaseOperation.OfQuietTimes : DatabaseOperation.OfUpkeep), random);
        if (Only is null) Arm();
        var tasks = new List<Task> { Task.Run(() => TryAsync(upkeep, new Turn(this, new Random(seed * 31 + number), []))) };
        for (int writer = 0; !quiet && writer < Writers; writer++)
        {
            var turn = new Turn(this, new Random(seed * 131 + number * Writers + writer), [$"user{writer}", $"user{writer}-too"]);
            tasks.Add(Task.Run(() => WriteAsync(turn, upkeep.WritersTurns)));
        }
        try
        {
            await Task.WhenAll(tasks).WaitAsync(Patience);
            story.Add(upkeep.Name + (survivor is not null ? " (cut off)" : Storage.FaultHappened ? " (failed)" : ""));
            await ComeBackAsync();
        }
        catch (Exception error)
        {
            throw new InvariantException($"Phase {number}, {upkeep.Name}: {error.Message} Phases before: {string.Join("; ", story)}.", error);
        }
    }

    /// <summary>Everything is as the model says, now and after a last clean reopening.</summary>
    public async Task EndAsync()
    {
        await Open.CheckAsync(Model);
        await ReopenAsync();
        await Open.CheckAsync(Model);
    }

    public async Task<long> BackUpAsync(bool isQuiet, BackupKind kind = BackupKind.Full)
    {
        if (kind == BackupKind.Incremental && (Backups.Count == 0 || IsCircular)) return 0;
        BackupRun done = await Open.Store.BackupAsync(new BackupOptions { Kind = kind, Destinations = [MemoryDatabase.BackupPath] });
        Backups.Add(done.Path);
        promised.Add(done.Path);
        if (isQuiet) quietBackups.Add(new QuietBackup(done.Path, Model.Copy(), []));
        effects.Note(Effects.Patched, done.PatchTransactions);
        return 1;
    }

    public void ForgetQuietBackups() => quietBackups.Clear();

    public Task<long> ReopenAsync()
    {
        Open.Dispose();
        Open = MemoryDatabase.Open(Storage, options, path);
        return Task.FromResult(1L);
    }

    /// <summary>The newest backup and the logs that are there bring back everything, to the last change.</summary>
    /// <returns>How many transactions the logs brought.</returns>
    public Task<long> RestoreAsync(bool inPlace)
    {
        // With circular logging logs do not reach back to the backup.
        if (Backups.Count == 0 || IsCircular) return Task.FromResult(0L);
        string place = inPlace ? path : NewPlace(), logs = Open.Database.Mail.LogPath;
        Open.Dispose();
        RestoreRun done = Restore(new RestoreOptions { BackupPath = Backups[^1], Destination = place, LogPath = inPlace ? null : logs, Force = inPlace });
        if (!inPlace) Discard(path);
        path = place;
        Open = MemoryDatabase.Open(Storage, options, path);
        return Task.FromResult(done.ReplayedTransactions);
    }

    /// <summary>A backup made while nobody wrote holds exactly what was there.</summary>
    /// <returns>How many messages were compared.</returns>
    public async Task<long> CompareBackupAsync()
    {
        if (quietBackups.Count == 0) return 0;
        (string backup, MailModel then, HashSet<Guid> unreadable) = quietBackups[random.Next(quietBackups.Count)];
        string place = NewPlace();
        RestoreRun done = Restore(new RestoreOptions { BackupPath = backup, Destination = place });
        using (MemoryDatabase restored = MemoryDatabase.Open(Storage, options, place)) await restored.CheckAsync(then, unreadable: unreadable);
        Discard(place);
        return done.Messages;
    }

    /// <summary>Whether a deletion date has passed.</summary>
    public bool HasDue => Open.Database.Keys.List(new KeyQuery { DueAt = Clock.GetUtcNow() }).Any();

    /// <summary>What is due goes, and comes back with no backup.</summary>
    /// <returns>How many messages went.</returns>
    public async Task<long> ExpireAsync()
    {
        Clock.Advance(Retention * 2);
        HashSet<Guid> due = [], recalled = [];
        // Also what users have deleted: backups hold it. What was recalled loses its record and stays.
        foreach (ArchiveKey key in Open.Database.Keys.List(new KeyQuery { DueAt = Clock.GetUtcNow() }))
        {
            if (!Open.Database.Mail.TryFind(key.Id, out _, out IndexEntry entry) || entry.IsArchived) due.Add(key.Id);
            else recalled.Add(key.Id);
        }
        // Their records go once the newest backup has them: in older ones they may be archived, and due.
        foreach (QuietBackup older in quietBackups.Where(b => b.Path != Backups[^1])) older.Unreadable.UnionWith(recalled);
        List<ModelMail> gone = Model.Find(due);
        Func<Task> expire = async () =>
        {
            // What users deleted is given up by an operation of its own, which forgets the backups that cannot bring it back any more.
            await Open.Store.ExpireAsync(new ExpiryOptions { KeepDeletedFor = TimeSpan.MaxValue });
            await foreach (StoredMessage message in Open.Store.ListAsync(new MessageQuery()))
            {
                if (!due.Contains(message.Id)) continue;
                if (IsTroubled) throw new MessageStoreException(ErrorIds.ExpiryFailed, ErrorKind.Device, "Something failed on the way, and what is due is still there.");
                throw new InvariantException($"Message {message.Id} is due, and is still there.");
            }
        };
        foreach ((_, MailModel then, _) in quietBackups)
        {
            Func<Task> inner = expire;
            List<ModelMail> buried = then.Find(due); // also what a user has deleted since
            expire = () => then.RemoveAsync(buried, inner);
        }
        await Model.RemoveAsync(gone, expire);
        return gone.Count;
    }

    public void Dispose() => Open.Dispose();

    /// <summary>Our own tidying, not the product's: where the machine is gone there is nothing to tidy.</summary>
    private void Discard(string folder)
    {
        try
        {
            Storage.DeleteFolder(folder);
        }
        catch (IOException) when (IsTroubled)
        {
        }
    }

    private RestoreRun Restore(RestoreOptions how) => MessageDatabase.RestoreNow(Storage, how, Clock, null, CancellationToken.None);

    private string NewPlace() => Path.Combine("/data", $"place-{++places}");

    private async Task WriteAsync(Turn turn, int turns)
    {
        for (int i = 0; i < turns && !IsTroubled; i++)
            await TryAsync(DatabaseOperation.Choose(DatabaseOperation.OfWriters, turn.Random), turn);
    }

    private async Task TryAsync(DatabaseOperation operation, Turn turn)
    {
        try
        {
            effects.Note(operation.Name, await operation.RunAsync(turn));
        }
        catch (MessageStoreException) when (IsTroubled)
        {
            // Whoever did not get an answer does not know: the model keeps both possibilities until the database was opened again.
        }
        catch (Exception error) when (error is not InvariantException)
        {
            throw new InvariantException($"{operation.Name} ended with {error.GetType().Name} {(IsTroubled ? "in" : "without any")} trouble: {error.Message}", error);
        }
    }

    /// <summary>Decides what will go wrong in this phase, and when.</summary>
    private void Arm()
    {
        MemoryStorage disk = Storage;
        int after = random.Next(1, 150);
        switch (random.Next(20))
        {
            case < 6:
                disk.BeforeChange = _ => survivor = --after == 0 ? Befall(Effects.PowerFailed, disk.Crash(random)) : survivor;
                break;
            case < 9:
                disk.BeforeChange = _ => survivor = --after == 0 ? Befall(Effects.Killed, disk.Kill()) : survivor;
                break;
            case < 12:
                StorageOperations kinds = random.Next(3) == 0 ? StorageOperations.All : StorageOperations.Changes;
                disk.FailAt(after, new IOException("injected", random.Next(2) == 0 ? 28 : 5), kinds);
                break;
            default:
                break;
        }
    }

    private MemoryStorage Befall(string what, MemoryStorage left)
    {
        effects.Note(what, 1);
        return left;
    }

    /// <summary>After trouble the database is opened again, and what nobody knew is decided. Without any, all is as acknowledged.</summary>
    private async Task ComeBackAsync()
    {
        MemoryStorage old = Storage;
        old.BeforeChange = null;
        old.FaultsWait = true;
        if (old.FaultHappened) effects.Note(Effects.Failed, 1);
        if (IsTroubled)
        {
            MemoryStorage? next = survivor ?? (random.Next(2) == 0 ? old.Crash(random) : null);
            Open.Dispose();
            if (next is not null) Storage = next;
            survivor = null;
            Open = MemoryDatabase.Open(Storage, options, path);
            await Open.CheckAsync(Model, settle: true);
            FindBackups();
        }
        else if (random.Next(3) == 0)
        {
            await Open.CheckAsync(Model);
        }
        old.FailAt(long.MaxValue, new IOException("never"));
        old.FaultsWait = false;
    }

    /// <summary>A session may have completed its file without coming to say so; whether such a file outlives a loss of power nobody promised.</summary>
    private void FindBackups()
    {
        Backups.RemoveAll(b => !promised.Contains(b) && !Storage.FileExists(b));
        Backups.AddRange(Storage.ListFiles(MemoryDatabase.BackupPath).Where(f => f.EndsWith(BackupSession.Extension, StringComparison.Ordinal) && !Backups.Contains(f)));
    }

    /// <param name="Model">What it holds.</param>
    /// <param name="Unreadable">Messages that it may hold as archived and whose records have gone from the archive since.</param>
    private sealed record QuietBackup(string Path, MailModel Model, HashSet<Guid> Unreadable);
}
