namespace MessageStore.Server.Tests.Support;

/// <summary>A clock that goes only when it is told to, with timers.</summary>
internal sealed class ManualClock(DateTimeOffset start) : TimeProvider
{
    private readonly Lock gate = new();
    private readonly List<ManualTimer> timers = [];
    private DateTimeOffset now = start;
    private int asked;

    /// <summary>How often somebody asked for the time.</summary>
    public int Asked => Volatile.Read(ref asked);

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override DateTimeOffset GetUtcNow()
    {
        Interlocked.Increment(ref asked);
        lock (gate) return now;
    }

    public override long GetTimestamp()
    {
        lock (gate) return (now - DateTimeOffset.UnixEpoch).Ticks;
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new ManualTimer(this, () => callback(state));
        timer.Change(dueTime, period);
        lock (gate) timers.Add(timer);
        return timer;
    }

    public void Advance(TimeSpan time)
    {
        List<ManualTimer> due;
        lock (gate)
        {
            now += time;
            due = [.. timers.Where(t => t.TakeDue(now))];
        }
        foreach (ManualTimer timer in due) timer.Fire();
    }

    private sealed class ManualTimer(ManualClock clock, Action fire) : ITimer
    {
        private DateTimeOffset? due;
        private TimeSpan every;

        public Action Fire => fire;

        public bool TakeDue(DateTimeOffset at)
        {
            if (due is not { } when || when > at) return false;
            due = every > TimeSpan.Zero ? at + every : null;
            return true;
        }

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            lock (clock.gate) (due, every) = (dueTime == Timeout.InfiniteTimeSpan ? null : clock.now + dueTime, period);
            return true;
        }

        public void Dispose()
        {
            lock (clock.gate) clock.timers.Remove(this);
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return default;
        }
    }
}
