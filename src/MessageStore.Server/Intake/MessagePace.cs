namespace MessageStore.Server.Intake;

/// <summary>
/// How fast a message comes in, from its first byte to its last, however many chunks it comes in: the limit on its time as a whole, and the lowest rate. Whoever is slower holds a place that others wait for.
/// </summary>
/// <param name="limits">What is asked of it.</param>
/// <param name="clock">What it goes by.</param>
internal sealed class MessagePace(IntakeLimits limits, TimeProvider clock)
{
    private readonly long begun = clock.GetTimestamp();
    private long bytes;

    /// <summary>How long more of it may be waited for: no longer than the message may take as a whole.</summary>
    /// <param name="wait">How long nothing may come. Not negative.</param>
    public TimeSpan Within(TimeSpan wait)
    {
        TimeSpan left = limits.MessageTime - clock.GetElapsedTime(begun);
        return left >= wait ? wait : left > TimeSpan.Zero ? left : TimeSpan.Zero;
    }

    /// <summary>Counts what came.</summary>
    /// <returns>Whether it comes fast enough. The beginning is not looked at: a line may be slow to start.</returns>
    public bool Take(long count)
    {
        bytes += count;
        TimeSpan passed = clock.GetElapsedTime(begun);
        return passed <= limits.DataIdleTime || bytes >= limits.BytesPerSecond * passed.TotalSeconds;
    }
}
