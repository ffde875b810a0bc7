using System.Runtime.CompilerServices;
using MessageStore.IO;

namespace MessageStore.Maintenance;

/// <summary>A run that the schedule wants now.</summary>
/// <param name="Reason">Why.</param>
/// <param name="Failures">How often the task has failed since it last ended well.</param>
internal sealed record ScheduledRun(MaintenanceTask Task, MaintenanceSchedule Schedule, string Reason, int Failures);

/// <summary>
/// Runs archive and backup as <c>schedule.json</c> says for as long as a server owns the database, one after the other and never both. It keeps nothing in memory that it would miss: what was done and when is in the history, so
/// whatever fell into the time when no server ran is made up for once, and a schedule that is changed counts at the next look.
/// </summary>
internal sealed class ScheduledMaintenance(IStorage storage, string databasePath, TimeProvider clock)
{
    /// <summary>How long a changed schedule, a run of somebody else or a clock that was set may go unnoticed.</summary>
    public static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(15);

    /// <summary>How long the backup's age is reckoned from the last look at the files: they may lie on a device that sleeps.</summary>
    private static readonly TimeSpan AgeInterval = TimeSpan.FromMinutes(5);

    /// <summary>Decisions that wait for a disk that takes them.</summary>
    private const int MostUnwritten = 100;

    private readonly MaintenanceHistory history = new(storage, databasePath);
    private readonly List<MaintenanceRecord> unwritten = [];
    private readonly HashSet<(MaintenanceTask, string)> said = [];
    private List<MaintenanceRecord> known = [];
    private long knownLength = -1;
    private TimeSpan? age;
    private DateTimeOffset ageTaken = DateTimeOffset.MinValue;
    private string trouble = "";

    /// <summary>Makes a run and says how it went; throws only where it is cancelled.</summary>
    public required Func<ScheduledRun, CancellationToken, Task<MaintenanceRecord>> Run { get; init; }

    /// <summary>How old the newest backup is.</summary>
    public required Func<CancellationToken, Task<TimeSpan?>> Age { get; init; }

    /// <summary>Told once of what keeps the schedule from being kept.</summary>
    public required Action<MessageStoreException> Trouble { get; init; }

    /// <summary>Decides and runs; each decision leaves as it is made.</summary>
    /// <exception cref="OperationCanceledException">The only end there is; a run under way was ended between two batches.</exception>
    public async IAsyncEnumerable<MaintenanceRecord> RunAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var made = new List<MaintenanceRecord>();
            DateTimeOffset wake = await StepAsync(made, cancellationToken).ConfigureAwait(false);
            foreach (MaintenanceRecord record in made) yield return record;
            DateTimeOffset now = clock.GetUtcNow(), latest = now + LookInterval;
            if (wake > latest) wake = latest;
            if (wake > now) await Task.Delay(wake - now, clock, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <returns>When to look again.</returns>
    private async Task<DateTimeOffset> StepAsync(List<MaintenanceRecord> made, CancellationToken cancellationToken)
    {
        try
        {
            Flush();
            if (ScheduleFile.Load(storage, databasePath) is not { } file) return DateTimeOffset.MaxValue;
            ScheduleView view = View(file, await LookAsync(cancellationToken).ConfigureAwait(false), age + (clock.GetUtcNow() - ageTaken), clock);
            ScheduleDecision decision = SchedulePlanner.Decide(file.Schedule, view);
            if (unwritten.Count == 0) trouble = "";
            if (decision.Task is not { } task) return decision.Wake;
            if (task == MaintenanceTask.Backup && decision.Archive.IsDue) Skip(made, MaintenanceTask.Archive, decision.Archive.Reason, "");
            int failures = (task == MaintenanceTask.Archive ? view.Archive : view.Backup).Failures;
            MaintenanceRecord record = await TakeAsync(new ScheduledRun(task, file.Schedule, decision.Reason, failures), decision.Until, cancellationToken).ConfigureAwait(false);
            if (record.Decision == MaintenanceDecision.Skipped)
            {
                Skip(made, task, record.Reason, record.Reason);
                return DateTimeOffset.MaxValue;
            }
            said.Clear();
            ageTaken = DateTimeOffset.MinValue;
            Add(made, record);
            return clock.GetUtcNow();
        }
        catch (MessageStoreException error)
        {
            Say(error);
            return DateTimeOffset.MaxValue;
        }
    }

    private void Say(MessageStoreException error)
    {
        if (trouble != error.Message) Trouble(error);
        trouble = error.Message;
    }

    private async Task<MaintenanceRecord> TakeAsync(ScheduledRun run, DateTimeOffset? until, CancellationToken cancellationToken)
    {
        DateTimeOffset begun = clock.GetUtcNow();
        using var limit = new CancellationTokenSource(until is { } end ? Min(end - begun, TimeSpan.FromDays(1)) : Timeout.InfiniteTimeSpan, clock);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, limit.Token);
        try
        {
            return await Run(run, stop.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            string reason = cancellationToken.IsCancellationRequested
                ? "the server is stopping; it goes on when a server is started again"
                : "the newest backup would become too old: the backup goes first, and this goes on behind it";
            return new MaintenanceRecord { Time = begun, Task = run.Task, Decision = MaintenanceDecision.Interrupted, Reason = reason, Duration = clock.GetUtcNow() - begun };
        }
        catch (Exception error)
        {
            // A fault of ours costs the run and not the schedule; nobody would notice that it is not kept any more.
            return new MaintenanceRecord { Time = begun, Task = run.Task, Decision = MaintenanceDecision.Failed, Reason = error is MessageStoreException ? error.Message : $"{error.GetType().Name}: {error.Message}", Duration = clock.GetUtcNow() - begun };
        }
    }

    /// <summary>What a schedule is judged by at this moment.</summary>
    public static ScheduleView View(ScheduleFile file, IReadOnlyList<MaintenanceRecord> newestFirst, TimeSpan? backupAge, TimeProvider clock)
    {
        DateTimeOffset now = clock.GetUtcNow();
        return new ScheduleView(now, clock.LocalTimeZone, file.Registered, TaskPast.Of(MaintenanceTask.Archive, newestFirst, now), TaskPast.Of(MaintenanceTask.Backup, newestFirst, now), backupAge,
            newestFirst.FirstOrDefault(r => r.Decision != MaintenanceDecision.Skipped && r.Time <= now)?.Task);
    }

    /// <summary>Reads the history where it has grown, and the backup's age where it may have changed.</summary>
    private async Task<IReadOnlyList<MaintenanceRecord>> LookAsync(CancellationToken cancellationToken)
    {
        long length = history.Length;
        DateTimeOffset now = clock.GetUtcNow();
        if (length != knownLength || now - ageTaken > AgeInterval || now < ageTaken)
        {
            age = await Age(cancellationToken).ConfigureAwait(false);
            ageTaken = now;
        }
        if (length != knownLength) known = history.Recent();
        knownLength = length;
        return [.. unwritten.AsEnumerable().Reverse(), .. known];
    }

    /// <summary>Says once why a task that is due does not run; again only after something ran.</summary>
    private void Skip(List<MaintenanceRecord> made, MaintenanceTask task, string reason, string cause)
    {
        if (said.Add((task, cause))) Add(made, new MaintenanceRecord { Time = clock.GetUtcNow(), Task = task, Decision = MaintenanceDecision.Skipped, Reason = reason });
    }

    /// <summary>A run that was made is not made again because the history could not be written: it is kept until it can.</summary>
    private void Add(List<MaintenanceRecord> made, MaintenanceRecord record)
    {
        made.Add(record);
        unwritten.Add(record);
        if (unwritten.Count > MostUnwritten) unwritten.RemoveAt(0);
        Flush();
    }

    private void Flush()
    {
        try
        {
            while (unwritten.Count > 0)
            {
                history.Add(unwritten[0]);
                unwritten.RemoveAt(0);
            }
        }
        catch (MessageStoreException error)
        {
            Say(error); // a backup must be made all the same
        }
    }

    private static TimeSpan Min(TimeSpan one, TimeSpan other) => one < TimeSpan.Zero ? TimeSpan.Zero : one < other ? one : other;
}
