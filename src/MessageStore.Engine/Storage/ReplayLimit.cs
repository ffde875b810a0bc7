using MessageStore.IO;

namespace MessageStore.Storage;

/// <summary>Where replay stops: before the first transaction that is later than a time (UTC ticks), or beyond a number.</summary>
internal readonly record struct ReplayLimit(long TimeTicks, ulong Lsn)
{
    /// <summary>No limit: all that there is.</summary>
    public static ReplayLimit None => new(long.MaxValue, ulong.MaxValue);

    public bool Excludes(in FrameHeader transaction) => transaction.TimeTicks > TimeTicks || transaction.Lsn > Lsn;
}
