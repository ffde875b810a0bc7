namespace MessageStore.Tests.Support;

/// <summary>Goes on by a second with every look, so that every transaction has a time of its own.</summary>
/// <param name="days">How many days later than others it begins.</param>
internal sealed class SteadyClock(int days = 0) : TimeProvider
{
    private long seconds;

    public override DateTimeOffset GetUtcNow() => new DateTimeOffset(2026, 3, 1, 0, 0, 0, TimeSpan.Zero).AddDays(days).AddSeconds(Interlocked.Increment(ref seconds));
}
