namespace MessageStore.Tests.Support;

/// <summary>A clock that stands while somebody works, and leaps to the end of every wait: how long things would take is counted, and nobody waits.</summary>
internal sealed class LeapingClock(DateTimeOffset start) : TimeProvider
{
    private readonly Lock gate = new();
    private TimeSpan passed;

    public TimeSpan Passed
    {
        get
        {
            lock (gate) return passed;
        }
    }

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override DateTimeOffset GetUtcNow() => start + Passed;

    public override long GetTimestamp() => Passed.Ticks;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        if (dueTime != Timeout.InfiniteTimeSpan)
        {
            lock (gate) passed += dueTime;
            ThreadPool.QueueUserWorkItem(_ => callback(state));
        }
        return new Timer();
    }

    private sealed class Timer : ITimer
    {
        public bool Change(TimeSpan dueTime, TimeSpan period) => true;

        public void Dispose()
        {
        }

        public ValueTask DisposeAsync() => default;
    }
}
