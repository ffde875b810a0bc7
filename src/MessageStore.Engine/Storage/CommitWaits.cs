using System.Diagnostics;
using System.Numerics;

namespace MessageStore.Storage;

/// <summary>How long transactions took, counted in steps of about 2 %, so that a quantile costs no memory to speak of. Not thread-safe.</summary>
internal sealed class CommitWaits
{
    /// <summary>Steps that there are.</summary>
    public const int Length = 64 << StepBits;

    private const int StepBits = 5;
    private const int Steps = 1 << StepBits;

    private readonly double[] counts = new double[Length];

    /// <summary>How many; not a whole number once <see cref="Fade"/> was called.</summary>
    public double Count { get; private set; }

    /// <summary>The step that a time belongs to.</summary>
    /// <param name="ticks"><see cref="Stopwatch"/> ticks.</param>
    public static int StepOf(long ticks)
    {
        ulong at = (ulong)Math.Max(Steps, ticks);
        int octave = BitOperations.Log2(at);
        return (octave << StepBits) | (int)((at >> (octave - StepBits)) & (Steps - 1));
    }

    public void Add(int step, double count)
    {
        counts[step] += count;
        Count += count;
    }

    public void Add(CommitWaits others)
    {
        for (int i = 0; i < Length; i++) counts[i] += others.counts[i];
        Count += others.Count;
    }

    /// <summary>Lets what was counted until now matter less.</summary>
    /// <param name="factor">From 0 to 1.</param>
    public void Fade(double factor)
    {
        for (int i = 0; i < Length; i++) counts[i] *= factor;
        Count *= factor;
    }

    /// <summary>The wait that a share of all did not exceed; zero where nothing was counted.</summary>
    /// <param name="share">From 0 to 1.</param>
    public TimeSpan Quantile(double share)
    {
        double before = 0;
        int last = -1;
        for (int i = 0; i < Length && (last < 0 || before < Count * share); i++)
        {
            if (counts[i] <= 0) continue;
            before += counts[i];
            last = i;
        }
        return last < 0 ? TimeSpan.Zero : End(last);
    }

    /// <summary>How many were longer than a limit.</summary>
    public double Longer(TimeSpan limit)
    {
        double longer = 0;
        for (int i = Length - 1; i >= 0 && End(i) > limit; i--) longer += counts[i];
        return longer;
    }

    private static TimeSpan End(int step)
    {
        double ticks = Math.ScaleB(1 + ((step & (Steps - 1)) + 1) / (double)Steps, step >> StepBits);
        return TimeSpan.FromSeconds(Math.Min(ticks / Stopwatch.Frequency, TimeSpan.MaxValue.TotalSeconds / 2));
    }
}
