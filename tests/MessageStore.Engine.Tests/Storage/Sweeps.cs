using System.Globalization;

namespace MessageStore.Tests.Storage;

/// <summary>Seeds and how to replay them.</summary>
internal static class Sweeps
{
    private static readonly int? OneSeed = Number("MESSAGESTORE_SEED");
    private static readonly int? SeedCount = Number("MESSAGESTORE_SEEDS");

    /// <summary>The one point that a replay wants to look at.</summary>
    public static int? OnePoint { get; } = Number("MESSAGESTORE_POINT");

    /// <summary>Whether all seeds run that CI runs, so that counts may be asserted.</summary>
    public static bool IsFullSet => OneSeed is null && OnePoint is null && SeedCount is null;

    /// <summary>Runs all seeds on all processors.</summary>
    /// <returns>The sum of what the runs return.</returns>
    public static int ForEachSeed(int count, Func<int, int> run)
    {
        if (OneSeed is { } one) return run(one);
        int sum = 0;
        try
        {
            Parallel.For(1, (SeedCount ?? count) + 1, new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount }, seed =>
            {
                try
                {
                    Interlocked.Add(ref sum, run(seed));
                }
                catch (Exception error)
                {
                    throw new InvariantException($"Seed {seed}: {error.Message} Replay: MESSAGESTORE_SEED={seed} dotnet test", error);
                }
            });
        }
        catch (AggregateException errors)
        {
            throw errors.InnerExceptions[0];
        }
        return sum;
    }

    private static int? Number(string variable) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), NumberStyles.Integer, CultureInfo.InvariantCulture, out int value) ? value : null;
}

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
}
