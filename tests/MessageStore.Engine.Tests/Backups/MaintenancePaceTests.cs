using System.Diagnostics;
using MessageStore.Backups;
using MessageStore.Storage;

namespace MessageStore.Tests.Backups;

/// <summary>
/// A session makes way for users by what their commits took, by a clock of the test's own: what is asserted are counts of chunks, windows and simulated time, never how fast this machine is.
/// </summary>
public class MaintenancePaceTests
{
    private const int Chunk = 1 << 20;
    private const int Chunks = 4000;

    /// <summary>What a chunk takes the disk: so a backup that does not yield makes 1 GiB a simulated second.</summary>
    private static readonly TimeSpan ChunkTime = TimeSpan.FromMilliseconds(1);

    /// <summary>Seconds, not milliseconds: what the meter itself adds by being called late does not matter then.</summary>
    private static readonly TimeSpan Usual = TimeSpan.FromSeconds(2);

    [Fact]
    public void A_session_that_makes_users_wait_is_slowed_down_to_what_they_bear_and_comes_to_its_end()
    {
        (MaintenancePace pace, TimeSpan took) = Copy(BackupPriority.Users, wait: (rate) => rate > 200 ? Usual * 2 : Usual);
        Assert.True(pace.Yields > 3, $"{pace.Yields} yields");
        // 4,000 MiB at no more than some 200 MiB/s, and never below the slowest rate.
        Assert.InRange(took.TotalSeconds, Chunks / 300.0, Chunks / (PaceControl.SlowestRate / Chunk) + 10);
        Assert.True(pace.YieldDuration > took / 2, $"{pace.YieldDuration} of {took} stood still");
    }

    [Fact]
    public void Users_who_do_not_wait_longer_cost_it_only_the_windows_in_which_they_are_measured_alone()
    {
        (MaintenancePace pace, TimeSpan took) = Copy(BackupPriority.Users, wait: _ => Usual);
        Assert.Equal(0, pace.Yields);
        Assert.InRange(took.TotalSeconds, Chunks / 1000.0, Chunks / 1000.0 * 1.5);
    }

    [Fact]
    public void With_priority_for_the_backup_it_never_stands_still()
    {
        (MaintenancePace pace, TimeSpan took) = Copy(BackupPriority.Backup, wait: _ => Usual * 10);
        Assert.Equal((0, TimeSpan.Zero), (pace.Yields, pace.YieldDuration));
        Assert.Equal(ChunkTime * Chunks, took);
    }

    /// <param name="wait">What a user's commit takes while the backup makes so many MiB a second.</param>
    private static (MaintenancePace Pace, TimeSpan Took) Copy(BackupPriority priority, Func<double, TimeSpan> wait)
    {
        using var bed = new BackupBed();
        var clock = new SteppedClock();
        var pace = new MaintenancePace([bed.Group], priority == BackupPriority.Users, clock);
        int copied = 0, seen = 0;
        clock.EveryTenMilliseconds = () =>
        {
            double rate = (copied - seen) * 100;
            seen = copied;
            foreach (CommitMeter meter in bed.Group.Meters) meter.Record(Stopwatch.GetTimestamp() - (long)(wait(rate).TotalSeconds * Stopwatch.Frequency));
        };
        for (; copied < Chunks; copied++)
        {
            pace.Wait(Chunk, CancellationToken.None);
            clock.Advance(ChunkTime);
        }
        pace.Dispose();
        return (pace, clock.Elapsed);
    }

    /// <summary>Goes on when it is told to, and at once to where somebody wants to wait for.</summary>
    [Fact]
    public async Task A_backup_that_stays_in_one_segment_for_long_says_how_far_it_is()
    {
        using var bed = new BackupBed();
        bed.Append(20);
        var said = new Reports();
        await new BackupSession(bed.Mail, bed.Storage, null, new HastyClock(), said).RunAsync(new BackupOptions { Priority = BackupPriority.Backup }, CancellationToken.None);
        Assert.Contains(said.All.GroupBy(r => r.Status), segment => segment.First().Done < segment.Last().Done);
        Assert.All(said.All.Zip(said.All.Skip(1)), pair => Assert.True(pair.First.Done <= pair.Second.Done));
    }

    private sealed class Reports : IProgress<RunProgress>
    {
        public List<RunProgress> All { get; } = [];

        public void Report(RunProgress value) => All.Add(value);
    }

    /// <summary>A second passes whenever somebody looks.</summary>
    private sealed class HastyClock : TimeProvider
    {
        private long now;

        public override long TimestampFrequency => 1;

        public override long GetTimestamp() => Interlocked.Increment(ref now);
    }

    private sealed class SteppedClock : TimeProvider
    {
        private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(10);

        private TimeSpan next = Step;

        public TimeSpan Elapsed { get; private set; }

        public Action EveryTenMilliseconds { get; set; } = () => { };

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Elapsed.Ticks;

        public void Advance(TimeSpan time)
        {
            Elapsed += time;
            for (; next <= Elapsed; next += Step) EveryTenMilliseconds();
        }

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            Advance(dueTime);
            ThreadPool.QueueUserWorkItem(_ => callback(state));
            return new Fired();
        }

        private sealed class Fired : ITimer
        {
            public bool Change(TimeSpan dueTime, TimeSpan period) => false;
            public void Dispose()
            {
            }

            public ValueTask DisposeAsync() => ValueTask.CompletedTask;
        }
    }
}
