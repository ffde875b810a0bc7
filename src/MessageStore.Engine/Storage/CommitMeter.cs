using System.Diagnostics;
using System.Numerics;

namespace MessageStore.Storage;

/// <summary>
/// How long users waited for their transactions, from handing in to answer, since the last look. Counts in steps of about 4 %, so that a quantile costs no memory to
/// speak of. Written by committers, read by whoever paces himself by it; thread-safe.
/// </summary>
internal sealed class CommitMeter
{
    private const int StepBits = 4;
    private const int Steps = 1 << StepBits;

    private readonly int[] counts = new int[64 * Steps];
    private int count;

    /// <param name="since"><see cref="Stopwatch"/> time at which the transaction was handed in.</param>
    public void Record(long since)
    {
        ulong ticks = (ulong)Math.Max(Steps, Stopwatch.GetTimestamp() - since);
        int octave = BitOperations.Log2(ticks);
        Interlocked.Increment(ref counts[(octave << StepBits) | (int)((ticks >> (octave - StepBits)) & (Steps - 1))]);
        Interlocked.Increment(ref count);
    }

    /// <summary>How many were counted since the last <see cref="Take"/>.</summary>
    public int Count => Volatile.Read(ref count);

    /// <summary>What was counted since the last call.</summary>
    /// <param name="quantile">From 0 to 1.</param>
    /// <returns>How many transactions, and the wait that this share of them did not exceed.</returns>
    public (int Count, TimeSpan Wait) Take(double quantile)
    {
        Span<int> taken = stackalloc int[counts.Length];
        int total = 0;
        for (int i = 0; i < counts.Length; i++) total += taken[i] = Interlocked.Exchange(ref counts[i], 0);
        Interlocked.Add(ref count, -total);
        int before = 0;
        for (int i = 0; i < taken.Length; i++)
        {
            before += taken[i];
            if (taken[i] > 0 && before >= total * quantile) return (total, Upper(i));
        }
        return (0, TimeSpan.Zero);
    }

    private static TimeSpan Upper(int step)
    {
        int octave = step >> StepBits;
        double ticks = Math.ScaleB(1 + ((step & (Steps - 1)) + 1) / (double)Steps, octave);
        return TimeSpan.FromSeconds(ticks / Stopwatch.Frequency);
    }
}
