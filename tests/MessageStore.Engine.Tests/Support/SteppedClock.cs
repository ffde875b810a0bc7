namespace MessageStore.Tests.Support;

/// <summary>
/// A clock with timers that goes only when a test says so: no test waits, and none depends on the machine's speed. Timers run out in the order of their times, on the thread that lets the clock go on.
/// </summary>
internal sealed class SteppedClock(DateTimeOffset start, TimeZoneInfo? zone = null) : TimeProvider
{
    private readonly Lock gate = new();
    private readonly List<Timer> timers = [];
    private readonly List<TaskCompletionSource> watchers = [];
    private DateTimeOffset now = start;

    public override TimeZoneInfo LocalTimeZone => zone ?? TimeZoneInfo.Utc;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override DateTimeOffset GetUtcNow()
    {
        lock (gate) return now;
    }

    public override long GetTimestamp() => GetUtcNow().UtcTicks;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new Timer(this, () => callback(state));
        timer.Change(dueTime, period);
        return timer;
    }

    /// <summary>Sets the clock, also back, and lets no timer run out: somebody has set the machine's clock.</summary>
    public void Set(DateTimeOffset time)
    {
        lock (gate) now = time;
    }

    /// <summary>Lets time pass, and all timers run out that are due in it.</summary>
    public void Advance(TimeSpan time)
    {
        DateTimeOffset end = GetUtcNow() + time;
        while (Step(end))
        {
        }
        lock (gate) now = end;
    }

    /// <summary>Goes on to the next timer and lets it run out.</summary>
    /// <returns>False where none is due by then; the clock stands still then.</returns>
    public bool Step(DateTimeOffset until)
    {
        Timer? next;
        lock (gate)
        {
            next = timers.MinBy(static t => t.Due);
            if (next is null || next.Due > until) return false;
            timers.Remove(next);
            if (next.Due > now) now = next.Due;
        }
        next.Run();
        return true;
    }

    /// <summary>Waits until a timer is set that is due within a span.</summary>
    public Task TimerAsync(TimeSpan within)
    {
        var set = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (gate)
        {
            if (timers.Exists(t => t.Due <= now + within)) return Task.CompletedTask;
            watchers.Add(set);
        }
        return WaitAsync(set, within);
    }

    /// <summary>Lets time pass, a step whenever somebody waits for the clock, until something has come.</summary>
    public async Task<T> UntilAsync<T>(Task<T> awaited, TimeSpan step)
    {
        while (!awaited.IsCompleted)
        {
            await Task.WhenAny(awaited, TimerAsync(step));
            if (!awaited.IsCompleted) Advance(step);
        }
        return await awaited;
    }

    private async Task WaitAsync(TaskCompletionSource set, TimeSpan within)
    {
        await set.Task.WaitAsync(TimeSpan.FromSeconds(120)); // a guard against hanging
        await TimerAsync(within);
    }

    private sealed class Timer(SteppedClock clock, Action run) : ITimer
    {
        public DateTimeOffset Due { get; private set; }

        public Action Run => run;

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            TaskCompletionSource[] told;
            lock (clock.gate)
            {
                clock.timers.Remove(this);
                if (dueTime == Timeout.InfiniteTimeSpan) return true;
                Due = clock.now + dueTime;
                clock.timers.Add(this);
                told = [.. clock.watchers];
                clock.watchers.Clear();
            }
            foreach (TaskCompletionSource watcher in told) watcher.TrySetResult();
            return true;
        }

        public void Dispose()
        {
            lock (clock.gate) clock.timers.Remove(this);
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
