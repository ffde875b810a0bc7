namespace MessageStore.Tests.Support;

/// <summary>A clock that stands, goes and jumps, also back.</summary>
internal sealed class JumpingClock(int seed) : TimeProvider
{
    private readonly Random random = new(seed);
    private DateTimeOffset now = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public override DateTimeOffset GetUtcNow()
    {
        lock (random)
        {
            now += random.Next(10) switch { 0 => TimeSpan.FromHours(-1), 1 => TimeSpan.FromDays(1), < 5 => TimeSpan.Zero, _ => TimeSpan.FromMilliseconds(1) };
            return now;
        }
    }

    /// <summary>Time goes by.</summary>
    public void Advance(TimeSpan time)
    {
        lock (random) now += time;
    }
}
