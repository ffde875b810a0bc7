using System.Globalization;
using System.Text;
using MessageStore.IO;
using MessageStore.Maintenance;
using MessageStore.Tests.Support;

namespace MessageStore.Tests.Maintenance;

/// <summary>The scheduler in simulated time: days pass in milliseconds, and the same seed is the same story.</summary>
public sealed class ScheduledMaintenanceTests
{
    private static readonly DateTimeOffset Midnight = new(2026, 11, 28, 0, 0, 0, TimeSpan.Zero);

    private const int Seeds = 20;

    [Fact]
    public Task Archive_and_backup_take_turns_and_what_a_stopped_server_missed_is_made_up_for_once() => StoryAsync(new ScheduleStory(Midnight, 0), story =>
    {
        story.Register();
        story.RunServer(TimeSpan.FromHours(24));
        Assert.Equal(1, story.Ran(MaintenanceTask.Archive));
        Assert.Equal(24, story.Ran(MaintenanceTask.Backup));
        Assert.All(story.History(), static r => Assert.NotEqual("", r.Reason));

        story.Clock.Advance(TimeSpan.FromDays(5)); // nobody there
        story.RunServer(TimeSpan.FromMinutes(30));
        Assert.Equal(2, story.Ran(MaintenanceTask.Archive));
        // No complete backup is young enough any more, so that goes first.
        MaintenanceRecord[] made = [.. story.History().TakeWhile(r => r.Time >= Midnight.AddDays(6)).Reverse()];
        Assert.Equal(
            [(MaintenanceTask.Archive, MaintenanceDecision.Skipped), (MaintenanceTask.Backup, MaintenanceDecision.Ran), (MaintenanceTask.Archive, MaintenanceDecision.Ran)],
            made.Select(static r => (r.Task, r.Decision)));
        Assert.StartsWith("due, but the backup goes first: the newest backup is ", made[0].Reason, StringComparison.Ordinal);
    });

    [Fact]
    public Task A_long_archive_run_is_interrupted_for_the_backup_and_goes_on_behind_it() => StoryAsync(new ScheduleStory(Midnight, 0) { ArchiveTime = TimeSpan.FromHours(5) }, story =>
    {
        story.Register();
        story.RunServer(TimeSpan.FromHours(12));
        MaintenanceRecord interrupted = story.History().Last(static r => r.Decision == MaintenanceDecision.Interrupted);
        Assert.Contains("the backup goes first", interrupted.Reason, StringComparison.Ordinal);
        Assert.Equal(1, story.Ran(MaintenanceTask.Archive)); // each part of it is kept, and so it comes to its end
        Assert.InRange(story.OldestBackup, TimeSpan.Zero, ScheduleStory.Limit);
    });

    [Fact]
    public Task Stopping_ends_a_run_between_batches_and_the_next_server_goes_on() => StoryAsync(new ScheduleStory(Midnight, 0) { ArchiveTime = TimeSpan.FromMinutes(20) }, story =>
    {
        story.Register();
        story.RunServer(TimeSpan.FromMinutes(70)); // ten minutes into the archive run
        MaintenanceRecord last = story.History()[0];
        Assert.Equal((MaintenanceTask.Archive, MaintenanceDecision.Interrupted), (last.Task, last.Decision));
        Assert.Contains("the server is stopping", last.Reason, StringComparison.Ordinal);
        story.RunServer(TimeSpan.FromMinutes(30));
        Assert.Equal(1, story.Ran(MaintenanceTask.Archive));
    });

    [Fact]
    public Task A_run_of_somebody_else_is_waited_for_and_the_reason_recorded_once() => StoryAsync(new ScheduleStory(Midnight, 0), story =>
    {
        story.Register();
        story.HeldUntil = Midnight.AddMinutes(30);
        story.RunServer(TimeSpan.FromMinutes(40));
        MaintenanceRecord[] history = [.. story.History().AsEnumerable().Reverse()];
        Assert.Equal([MaintenanceDecision.Skipped, MaintenanceDecision.Ran], history.Select(static r => r.Decision));
        Assert.Equal("somebody else runs", history[0].Reason);
        Assert.InRange(history[1].Time, story.HeldUntil, story.HeldUntil + ScheduledMaintenance.LookInterval);
    });

    [Fact]
    public Task A_schedule_that_is_changed_or_damaged_or_taken_away_counts_at_the_next_look() => StoryAsync(new ScheduleStory(Midnight, 0), story =>
    {
        story.RunServer(TimeSpan.FromMinutes(5));
        Assert.Empty(story.History());
        story.Register();
        story.RunServer(TimeSpan.FromMinutes(5));
        Assert.Equal(1, story.Ran(MaintenanceTask.Backup));
        AtomicFile.Write(story.Storage, ScheduleFile.PathIn(ScheduleStory.Database), "{}"u8);
        story.RunServer(TimeSpan.FromHours(3));
        Assert.Equal(1, story.Ran(MaintenanceTask.Backup));
        Assert.Single(story.Troubles, static t => t.ErrorId == ErrorIds.SchedulerFailed);
        Assert.True(new ServerScheduler(story.Storage, story.Clock).Unregister(ScheduleStory.Database, null));
        Assert.False(new ServerScheduler(story.Storage, story.Clock).Unregister(ScheduleStory.Database, null));
    });

    [Fact]
    public Task A_run_is_not_made_twice_because_the_history_cannot_be_written() => StoryAsync(new ScheduleStory(Midnight, 0), story =>
    {
        story.Register();
        story.RunServer(TimeSpan.FromMinutes(5));
        story.Storage.Capacity = 1;
        story.RunServer(TimeSpan.FromMinutes(66)); // one archive run and one backup are due in it
        Assert.Equal((1, 2), (story.Begun[MaintenanceTask.Archive], story.Begun[MaintenanceTask.Backup]));
        Assert.NotEmpty(story.Troubles);
    });

    [Fact]
    public void A_line_that_a_crash_cut_short_does_not_swallow_the_next()
    {
        var storage = new MemoryStorage();
        storage.CreateFolder(ScheduleStory.Database);
        var history = new MaintenanceHistory(storage, ScheduleStory.Database);
        history.Add(Record("one"));
        string path = Path.Combine(ScheduleStory.Database, "maintenance.jsonl");
        using (IStorageFile file = storage.Open(path, FileAccessKind.ReadWrite)) file.Write(Encoding.UTF8.GetBytes("{\"Time\":\"20"), file.Length);
        history.Add(Record("two"));
        Assert.Equal(["two", "one"], history.NewestFirst().Select(static r => r.Reason));
        Assert.Equal(["two", "one"], history.Recent().Select(static r => r.Reason));

        static MaintenanceRecord Record(string reason) => new() { Time = Midnight, Task = MaintenanceTask.Backup, Decision = MaintenanceDecision.Ran, Reason = reason };
    }

    [Fact]
    public async Task Whatever_happens_the_promises_are_kept()
    {
        int seeds = int.TryParse(Environment.GetEnvironmentVariable("MESSAGESTORE_SEEDS"), CultureInfo.InvariantCulture, out int wanted) ? wanted : Seeds;
        for (int seed = 0; seed < seeds; seed++)
        {
            await StoryAsync(ScheduleStory.Random(Midnight, seed), story =>
            {
                try
                {
                    story.Live();
                    story.Check();
                }
                catch (Exception error)
                {
                    throw new InvalidOperationException($"Seed {story.Seed}: {error.Message}\n{string.Join('\n', story.History().AsEnumerable().Reverse().Select(static r => $"{r.Time:u} {r.Task} {r.Decision} {r.Duration} {r.Reason}"))}", error);
                }
            });
        }
    }

    /// <summary>On a thread without a context, where everything that waits for the clock goes on at once when the clock says so.</summary>
    private static Task StoryAsync(ScheduleStory story, Action<ScheduleStory> tell) => Task.Run(() => tell(story));
}
