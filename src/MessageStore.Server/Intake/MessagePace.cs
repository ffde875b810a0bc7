namespace MessageStore.Server.Intake;

/// <summary>
/// How fast a message comes in, from its first byte to its last, however many chunks it comes in: the limit on its time as a whole, and the lowest rate. Whoever is slower holds a place that others wait for.
/// </summary>
internal sealed class MessagePace : IDisposable
{
    private readonly TimeProvider clock;
    private readonly IntakeLimits limits;
    private readonly CancellationTokenSource patience;
    private readonly CancellationTokenSource end;
    private readonly long begun;
    private long bytes;

    /// <param name="limits">What is asked of it.</param>
    /// <param name="clock">What it goes by.</param>
    /// <param name="closed">Cancelled when the connection is.</param>
    public MessagePace(IntakeLimits limits, TimeProvider clock, CancellationToken closed)
    {
        this.clock = clock;
        this.limits = limits;
        begun = clock.GetTimestamp();
        patience = new CancellationTokenSource(limits.MessageTime, clock);
        end = CancellationTokenSource.CreateLinkedTokenSource(closed, patience.Token);
    }

    /// <summary>Cancelled when the message has taken too long as a whole, or the connection has closed.</summary>
    public CancellationToken Token => end.Token;

    /// <summary>Counts what came.</summary>
    /// <returns>Whether it comes fast enough. The beginning is not looked at: a line may be slow to start.</returns>
    public bool Take(long count)
    {
        bytes += count;
        TimeSpan passed = clock.GetElapsedTime(begun);
        return passed <= limits.DataIdleTime || bytes >= limits.BytesPerSecond * passed.TotalSeconds;
    }

    public void Dispose()
    {
        end.Dispose();
        patience.Dispose();
    }
}
