namespace MessageStore.Server.Telemetry;

/// <summary>How long an operation took, over the last minutes: counts by duration, in steps of a tenth, so that a quantile costs no list of all of them.</summary>
internal sealed class LatencyWindow(TimeProvider clock)
{
    private const int Minutes = 5;

    /// <summary>From one power of two of microseconds to the next.</summary>
    private const int StepsADoubling = 8;

    /// <summary>Up to an hour.</summary>
    private const int Buckets = 33 * StepsADoubling;

    private readonly Lock gate = new();
    private readonly long[,] counts = new long[Minutes, Buckets];
    private readonly long[] minuteOf = new long[Minutes];

    public void Add(TimeSpan duration)
    {
        long minute = Now();
        int slot = (int)(minute % Minutes), bucket = (int)Math.Clamp(Math.Log2(Math.Max(1, duration.TotalMicroseconds)) * StepsADoubling, 0, Buckets - 1);
        lock (gate)
        {
            if (minuteOf[slot] != minute)
            {
                for (int i = 0; i < Buckets; i++) counts[slot, i] = 0;
                minuteOf[slot] = minute;
            }
            counts[slot, bucket]++;
        }
    }

    /// <summary>The duration that a share of the operations of the last five minutes did not exceed, within a tenth; <see langword="null"/> where there were none.</summary>
    public TimeSpan? Quantile(double share)
    {
        long oldest = Now() - Minutes;
        Span<long> sums = stackalloc long[Buckets];
        long total = 0;
        lock (gate)
        {
            for (int slot = 0; slot < Minutes; slot++)
            {
                if (minuteOf[slot] <= oldest) continue;
                for (int i = 0; i < Buckets; i++)
                {
                    sums[i] += counts[slot, i];
                    total += counts[slot, i];
                }
            }
        }
        if (total == 0) return null;
        long rest = Math.Max(1, (long)Math.Ceiling(total * share));
        int bucket = 0;
        while ((rest -= sums[bucket]) > 0) bucket++;
        return TimeSpan.FromMicroseconds(Math.Pow(2, (bucket + 1.0) / StepsADoubling));
    }

    private long Now() => clock.GetUtcNow().UtcTicks / TimeSpan.TicksPerMinute;
}
