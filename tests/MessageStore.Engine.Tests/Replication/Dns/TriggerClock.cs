namespace MessageStore.Tests.Replication.Dns;

/// <summary>A clock whose timers run out when a test says so, and never by themselves: no test waits, and none depends on the machine's speed.</summary>
internal sealed class TriggerClock : TimeProvider
{
    private readonly List<Timer> timers = [];

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new Timer(this, () => callback(state));
        lock (timers) timers.Add(timer);
        return timer;
    }

    /// <summary>Lets all timers run out that are set.</summary>
    public void Fire()
    {
        Timer[] due;
        lock (timers)
        {
            due = [.. timers];
            timers.Clear();
        }
        foreach (Timer timer in due) timer.Run();
    }

    private sealed class Timer(TriggerClock clock, Action run) : ITimer
    {
        public Action Run => run;

        public bool Change(TimeSpan dueTime, TimeSpan period) => true;

        public void Dispose()
        {
            lock (clock.timers) clock.timers.Remove(this);
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
