using MessageStore.IO;
using MessageStore.Maintenance;
using MessageStore.Tests.Support;

namespace MessageStore.Tests.Maintenance;

/// <summary>A database whose runs only take time, on a clock that only goes when it is told to; servers come and go.</summary>
internal sealed class ScheduleStory
{
    public const string Database = "/db";

    /// <summary>The oldest that a backup may become in these stories.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromHours(2);

    private const int Days = 4;

    private static readonly TimeSpan ArchiveHour = TimeSpan.FromHours(1);

    private readonly Random random;
    private readonly DateTimeOffset begin;
    private readonly List<(MaintenanceTask Task, DateTimeOffset Begun, DateTimeOffset Ended)> runs = [];
    private readonly List<(DateTimeOffset From, DateTimeOffset To)> served = [];
    private DateTimeOffset? newestBackup;
    private TimeSpan archiveLeft;
    private bool isRunning;

    public ScheduleStory(DateTimeOffset begin, int seed)
    {
        this.begin = begin;
        Seed = seed;
        random = new Random(seed);
        Clock = new SteppedClock(begin);
        Storage.CreateFolder(Database);
    }

    public int Seed { get; }

    public SteppedClock Clock { get; }

    public MemoryStorage Storage { get; } = new();

    public List<MessageStoreException> Troubles { get; } = [];

    public Dictionary<MaintenanceTask, int> Begun { get; } = new() { [MaintenanceTask.Archive] = 0, [MaintenanceTask.Backup] = 0 };

    public TimeSpan ArchiveTime { get; init; } = TimeSpan.FromMinutes(10);

    public TimeSpan BackupTime { get; init; } = TimeSpan.FromMinutes(3);

    /// <summary>Of a hundred runs, how many fail.</summary>
    public int Failing { get; init; }

    /// <summary>Until when somebody else holds the maintenance lock.</summary>
    public DateTimeOffset HeldUntil { get; set; }

    /// <summary>The oldest that the newest backup ever was while a server ran, after the first.</summary>
    public TimeSpan OldestBackup { get; private set; }

    public static ScheduleStory Random(DateTimeOffset begin, int seed)
    {
        var random = new Random(seed);
        return new ScheduleStory(begin, seed)
        {
            ArchiveTime = TimeSpan.FromMinutes(random.Next(1, 400)), BackupTime = TimeSpan.FromMinutes(random.Next(0, 20)), Failing = random.Next(3) == 0 ? random.Next(60) : 0,
        };
    }

    public List<MaintenanceRecord> History() => new MaintenanceHistory(Storage, Database).NewestFirst();

    public int Ran(MaintenanceTask task) => History().Count(r => r.Task == task && r.Decision == MaintenanceDecision.Ran);

    public void Register() => new ServerScheduler(Storage, Clock).Register(new MaintenanceSchedule
    {
        Database = Database, ArchiveAt = ArchiveHour, BackupEvery = TimeSpan.FromHours(1), MaximumBackupAge = Limit, PowerShellPath = "pwsh", ModulePath = "m",
    });

    /// <summary>Days with pauses, and runs of somebody else.</summary>
    public void Live()
    {
        Register();
        DateTimeOffset end = begin.AddDays(Days);
        while (Clock.GetUtcNow() < end)
        {
            if (random.Next(6) == 0) HeldUntil = Clock.GetUtcNow() + TimeSpan.FromMinutes(random.Next(1, 200));
            RunServer(TimeSpan.FromMinutes(random.Next(1, 2000)));
            if (random.Next(2) == 0) Clock.Advance(TimeSpan.FromMinutes(random.Next(1, random.Next(8) == 0 ? 3000 : 60)));
        }
    }

    /// <summary>A server for so long, then its graceful end.</summary>
    public void RunServer(TimeSpan time)
    {
        using var stop = new CancellationTokenSource();
        DateTimeOffset from = Clock.GetUtcNow();
        Task server = ServeAsync(stop.Token);
        DateTimeOffset end = from + time;
        do
        {
            Watch();
            // Whoever is cancelled goes on upon another thread: the clock waits until somebody waits for it again.
            if (!Clock.TimerAsync(TimeSpan.FromDays(1)).Wait(TimeSpan.FromSeconds(120))) throw new InvalidOperationException("The server waits for something that is no timer.");
        }
        while (Clock.Step(end));
        Clock.Advance(end - Clock.GetUtcNow());
        served.Add((from, end));
        stop.Cancel();
        if (!server.Wait(TimeSpan.FromSeconds(120))) throw new InvalidOperationException("The server waits for something that is no timer.");
    }

    /// <summary>What must hold of every story.</summary>
    public void Check()
    {
        for (int i = 1; i < runs.Count; i++)
            if (runs[i].Begun < runs[i - 1].Ended) throw new InvalidOperationException($"{runs[i]} begins before {runs[i - 1]} has ended.");
        foreach (MaintenanceRecord record in History())
            if (record.Reason.Length == 0) throw new InvalidOperationException($"{record} has no reason.");
        if (Failing > 0) return;
        // Nobody failed: every hour of archiving that passed with a server at hand for long enough was kept, and no backup grew too old but for a pause or somebody else.
        if (HeldUntil == default && OldestBackup > Limit) throw new InvalidOperationException($"The newest backup was {OldestBackup} old.");
        List<DateTimeOffset> archived = [.. History().Where(static r => r.Task == MaintenanceTask.Archive && r.Decision == MaintenanceDecision.Ran).Select(static r => r.Time + r.Duration)];
        for (DateTimeOffset hour = begin + ArchiveHour; hour < begin.AddDays(Days - 1); hour += TimeSpan.FromDays(1))
        {
            TimeSpan room = TimeSpan.FromTicks(served.Where(s => s.To > hour && s.From < hour.AddDays(1)).Sum(s => (Min(s.To, hour.AddDays(1)) - Max(s.From, hour)).Ticks));
            bool isBusy = HeldUntil != default || served.Count(s => s.To > hour && s.From < hour.AddDays(1)) > 1;
            if (!isBusy && room > TimeSpan.FromHours(23) && !archived.Exists(t => t >= hour && t <= hour.AddDays(1) + ArchiveTime)) throw new InvalidOperationException($"What was due at {hour:u} was never archived.");
        }
    }

    private async Task ServeAsync(CancellationToken cancellationToken)
    {
        var schedule = new ScheduledMaintenance(Storage, Database, Clock)
        {
            Run = RunAsync, Age = _ => Task.FromResult(Clock.GetUtcNow() - newestBackup), Trouble = Troubles.Add,
        };
        try
        {
            await foreach (MaintenanceRecord _ in schedule.RunAsync(cancellationToken).ConfigureAwait(false))
            {
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
        }
    }

    private async Task<MaintenanceRecord> RunAsync(ScheduledRun run, CancellationToken cancellationToken)
    {
        DateTimeOffset begun = Clock.GetUtcNow();
        if (begun < HeldUntil) return Decided(MaintenanceDecision.Skipped, "somebody else runs");
        if (isRunning) throw new InvalidOperationException("Two runs at once.");
        isRunning = true;
        Begun[run.Task]++;
        try
        {
            if (random.Next(100) < Failing)
            {
                await Task.Delay(TimeSpan.FromSeconds(random.Next(1, 100)), Clock, cancellationToken).ConfigureAwait(false);
                return Decided(MaintenanceDecision.Failed, "it failed");
            }
            if (run.Task == MaintenanceTask.Backup)
            {
                await Task.Delay(BackupTime, Clock, cancellationToken).ConfigureAwait(false);
                newestBackup = begun;
                return Decided(MaintenanceDecision.Ran, run.Reason);
            }
            // In batches of a minute, each of which is done once.
            if (archiveLeft == TimeSpan.Zero) archiveLeft = ArchiveTime;
            for (; archiveLeft > TimeSpan.Zero; archiveLeft -= TimeSpan.FromMinutes(1)) await Task.Delay(TimeSpan.FromMinutes(1), Clock, cancellationToken).ConfigureAwait(false);
            archiveLeft = TimeSpan.Zero;
            return Decided(MaintenanceDecision.Ran, run.Reason);
        }
        finally
        {
            runs.Add((run.Task, begun, Clock.GetUtcNow()));
            isRunning = false;
        }

        MaintenanceRecord Decided(MaintenanceDecision decision, string reason) =>
            new() { Time = begun, Task = run.Task, Decision = decision, Reason = reason, Duration = Clock.GetUtcNow() - begun };
    }

    private void Watch()
    {
        // The age that a pause of the server left behind is made good by the first backup of the next.
        bool isCaughtUp = newestBackup is not null && runs.Exists(r => r.Task == MaintenanceTask.Backup && r.Begun == newestBackup) && (served.Count == 0 || newestBackup > served[^1].To);
        if (isCaughtUp && Clock.GetUtcNow() - newestBackup is { } age && age > OldestBackup) OldestBackup = age;
    }

    private static DateTimeOffset Min(DateTimeOffset one, DateTimeOffset other) => one < other ? one : other;

    private static DateTimeOffset Max(DateTimeOffset one, DateTimeOffset other) => one > other ? one : other;
}
