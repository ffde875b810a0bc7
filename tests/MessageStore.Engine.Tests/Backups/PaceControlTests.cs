using System.Diagnostics;
using MessageStore.Backups;
using MessageStore.Storage;

namespace MessageStore.Tests.Backups;

/// <summary>A backup goes as fast as it can where nobody waits for it, and makes way where somebody does.</summary>
public class PaceControlTests
{
    private static readonly TimeSpan Usual = TimeSpan.FromMilliseconds(2);

    [Fact]
    public void With_nobody_there_nothing_is_limited()
    {
        var control = new PaceControl();
        for (int i = 0; i < 50; i++)
        {
            Assert.Equal(PaceControl.NoLimit, control.Rate);
            control.EndWindow(Waits(0, Usual));
        }
        Assert.Equal(0, control.Yields);
    }

    [Fact]
    public void Users_who_appear_are_looked_at_alone_first_and_then_it_begins_slowly()
    {
        var control = new PaceControl();
        control.EndWindow(Waits(100, Usual * 3));
        Assert.Equal(0, control.Rate);
        control.EndWindow(Waits(100, Usual));
        Assert.Equal(PaceControl.SlowestRate, control.Rate);
        control.EndWindow(Waits(100, Usual));
        Assert.InRange(control.Rate, PaceControl.SlowestRate * 1.3, PaceControl.SlowestRate * 1.4);
        Assert.Equal(0, control.Yields); // what they waited before, nobody had asked them
    }

    [Fact]
    public void What_was_measured_while_all_was_starting_is_forgotten_soon()
    {
        var control = new PaceControl();
        control.EndWindow(Waits(100, Usual * 20));
        control.EndWindow(Waits(100, Usual * 20)); // alone, but for what still starts
        Run(control, 5, _ => Usual);
        Run(control, 40, rate => rate == 0 ? Usual : Usual * 2);
        Assert.True(control.Yields > 20, $"{control.Yields} yields");
    }

    [Fact]
    public void What_is_allowed_and_not_used_need_not_be_taken_back()
    {
        const double went = 60 << 20;
        var control = new PaceControl();
        for (int i = 0; i < 30; i++) control.EndWindow(Waits(100, Usual), went);
        Assert.InRange(control.Rate == 0 ? went : control.Rate, went, went * 2);
        while (control.Rate == 0) control.EndWindow(Waits(100, Usual), 0);
        control.EndWindow(Waits(100, Usual * 3), went);
        Assert.InRange(control.Rate, PaceControl.SlowestRate, went);
    }

    [Fact]
    public void It_never_goes_slower_than_it_is_told()
    {
        var control = new PaceControl(PaceControl.SlowestRate / 4);
        Run(control, 203, rate => rate == 0 ? Usual : Usual * 2);
        Assert.Equal(PaceControl.SlowestRate / 4, control.Rate);
    }

    [Fact]
    public void Users_who_come_back_find_it_slow_again()
    {
        var control = new PaceControl();
        Run(control, 35, _ => Usual);
        Assert.True(control.Rate > PaceControl.SlowestRate * 100);
        control.EndWindow(Waits(0, Usual));
        Assert.Equal(PaceControl.NoLimit, control.Rate);
        control.EndWindow(Waits(100, Usual * 3));
        Assert.Equal(PaceControl.SlowestRate, control.Rate);
    }

    [Fact]
    public void Users_who_wait_longer_slow_the_backup_down_but_never_to_a_standstill()
    {
        var control = new PaceControl();
        Run(control, 203, rate => rate == 0 ? Usual : Usual * 2);
        Assert.Equal(PaceControl.SlowestRate, control.Rate);
        Assert.True(control.Yields > 20);
    }

    [Fact]
    public void The_rate_settles_where_users_hardly_notice()
    {
        var control = new PaceControl();
        double bearable = 300 << 20, sum = 0;
        int windows = 0;
        Run(control, 400, rate =>
        {
            sum += rate;
            windows++;
            return rate > bearable ? Usual * 1.5 : Usual;
        });
        double mean = sum / windows;
        Assert.InRange(mean, bearable * 0.4, bearable * 1.1);
    }

    [Fact]
    public void When_users_have_gone_the_limit_goes_too()
    {
        var control = new PaceControl();
        Run(control, 100, rate => rate == 0 ? Usual : Usual * 2);
        control.EndWindow(Waits(1, Usual));
        Assert.Equal(PaceControl.NoLimit, control.Rate);
    }

    [Fact]
    public void Users_alone_are_measured_again_and_again()
    {
        var control = new PaceControl();
        int calm = 0;
        Run(control, 100, rate =>
        {
            if (rate == 0) calm++;
            return Usual;
        });
        Assert.InRange(calm, 8, 12);
    }

    [Fact]
    public void A_meter_counts_what_users_wait()
    {
        using TestMeter group = new();
        CommitWaits waits = group.Meter.Take();
        Assert.Equal(10, waits.Count);
        Assert.True(waits.Quantile(0.95) > TimeSpan.Zero);
        Assert.Equal(10, waits.Longer(TimeSpan.Zero));
        Assert.Equal(0, group.Meter.Take().Count);
    }

    [Fact]
    public void Waits_tell_a_quantile_and_how_many_were_longer_than_a_limit()
    {
        var waits = new CommitWaits();
        for (int i = 1; i <= 100; i++) waits.Add(Waits(1, TimeSpan.FromSeconds(i)));
        Assert.Equal(100, waits.Count);
        Assert.InRange(waits.Quantile(0.95).TotalSeconds, 95, 95 * 1.04);
        Assert.InRange(waits.Longer(TimeSpan.FromSeconds(90)), 9, 12);
        waits.Fade(0.5);
        waits.Add(Waits(50, TimeSpan.FromHours(1)));
        Assert.Equal(100, waits.Count);
        Assert.True(waits.Quantile(0.6) > TimeSpan.FromHours(0.9));
        Assert.Equal(TimeSpan.Zero, new CommitWaits().Quantile(0.5));
    }

    [Theory]
    [InlineData(20)]
    [InlineData(150)]
    [InlineData(2000)]
    public void The_rate_settles_where_one_commit_in_a_hundred_is_longer_than_it_would_be_alone(int commits)
    {
        var control = new PaceControl();
        var random = new Random(7);
        double late = 0, all = 0;
        for (int i = 0; i < 8000; i++)
        {
            // Alone one in two hundred takes three times as long; the faster the backup the more do: one in a hundred at some 200 MiB a second.
            double share = 0.005 + control.Rate / (400 << 20) * 0.01;
            int slow = 0;
            for (int c = 0; c < commits; c++)
                if (random.NextDouble() < share) slow++;
            if (control.Rate > 0 && i > 500)
            {
                late += slow;
                all += commits;
            }
            CommitWaits waits = Waits(commits - slow, Usual);
            waits.Add(Waits(slow, Usual * 3));
            control.EndWindow(waits);
        }
        Assert.InRange(late / all, 0.007, 0.025);
    }

    private static CommitWaits Waits(int count, TimeSpan each)
    {
        var waits = new CommitWaits();
        waits.Add(CommitWaits.StepOf((long)(each.TotalSeconds * Stopwatch.Frequency)), count);
        return waits;
    }

    private static void Run(PaceControl control, int windows, Func<double, TimeSpan> wait)
    {
        for (int i = 0; i < windows; i++) control.EndWindow(Waits(100, wait(control.Rate)));
    }

    private sealed class TestMeter : IDisposable
    {
        private readonly BackupBed bed = new();

        public TestMeter()
        {
            bed.Append(1);
            bed.Group.Meter(Meter);
            bed.Append(10);
            bed.Group.Unmeter(Meter);
            bed.Append(5);
        }

        public CommitMeter Meter { get; } = new();

        public void Dispose() => bed.Dispose();
    }
}
