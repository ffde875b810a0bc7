using System.Diagnostics;

namespace MessageStore.Storage;

/// <summary>How long users waited for their transactions, from handing in to answer, since the last look. Written by committers, read by whoever paces himself by it; thread-safe.</summary>
internal sealed class CommitMeter
{
    private readonly int[] counts = new int[CommitWaits.Length];
    private int count;

    /// <param name="since"><see cref="Stopwatch"/> time at which the transaction was handed in.</param>
    public void Record(long since)
    {
        Interlocked.Increment(ref counts[CommitWaits.StepOf(Stopwatch.GetTimestamp() - since)]);
        Interlocked.Increment(ref count);
    }

    /// <summary>How many were counted since the last <see cref="Take"/>.</summary>
    public int Count => Volatile.Read(ref count);

    /// <summary>What was counted since the last call.</summary>
    public CommitWaits Take()
    {
        var taken = new CommitWaits();
        for (int i = 0; i < counts.Length; i++)
            if (Interlocked.Exchange(ref counts[i], 0) is > 0 and int some) taken.Add(i, some);
        Interlocked.Add(ref count, -(int)taken.Count);
        return taken;
    }
}
