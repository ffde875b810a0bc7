namespace MessageStore.Tests.Support;

/// <summary>Goes on by a second with every look, so that every transaction has a time of its own.</summary>
internal sealed class SteadyClock : TimeProvider
{
    private long seconds;

    public override DateTimeOffset GetUtcNow() => new DateTimeOffset(2026, 3, 1, 0, 0, 0, TimeSpan.Zero).AddSeconds(Interlocked.Increment(ref seconds));
}
