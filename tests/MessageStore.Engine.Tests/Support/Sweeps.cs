using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;

namespace MessageStore.Tests.Support;

/// <summary>Seeds and how to replay them.</summary>
/// <remarks>
/// <list type="table">
/// <item><term>MESSAGESTORE_SEED</term><description>one seed and no other</description></item>
/// <item><term>MESSAGESTORE_POINT</term><description>one crash or fault of its run and no other</description></item>
/// <item><term>MESSAGESTORE_SEEDS</term><description>seeds 1 to n instead of the usual number</description></item>
/// <item><term>MESSAGESTORE_MINUTES</term><description>new seeds for so long, shared among all tests of <see cref="Trait"/></description></item>
/// </list>
/// </remarks>
internal static class Sweeps
{
    /// <summary>The trait of tests that call <see cref="ForEachSeed"/>: <c>--filter Kind=Sweep</c>.</summary>
    public const string Trait = "Kind";

    public const string TraitValue = "Sweep";

    private static readonly int? OneSeed = Number("MESSAGESTORE_SEED");
    private static readonly int? SeedCount = Number("MESSAGESTORE_SEEDS");
    private static readonly TimeSpan? Duration = Number("MESSAGESTORE_MINUTES") is { } minutes ? TimeSpan.FromMinutes(minutes) : null;
    private static readonly int Processors = Environment.ProcessorCount;

    /// <summary>The one point that a replay wants to look at.</summary>
    public static int? OnePoint { get; } = Number("MESSAGESTORE_POINT");

    /// <summary>Whether all seeds run that CI runs, so that counts may be asserted.</summary>
    public static bool IsFullSet => OneSeed is null && OnePoint is null && SeedCount is null && Duration is null;

    /// <summary>Runs all seeds on all processors.</summary>
    /// <returns>The sum of what the runs return.</returns>
    public static int ForEachSeed(int count, Func<int, int> run, [CallerFilePath] string file = "", [CallerMemberName] string test = "")
    {
        string replay = $"dotnet test -c Release tests/MessageStore.Engine.Tests --filter FullyQualifiedName~{Path.GetFileNameWithoutExtension(file)}.{test}";
        int sum = 0;
        void Run(int seed)
        {
            try
            {
                Interlocked.Add(ref sum, run(seed));
            }
            catch (Exception error)
            {
                string point = error is InvariantException { Point: { } at } ? $" MESSAGESTORE_POINT={at}" : "";
                throw new InvariantException($"Seed {seed}: {error.Message}\nReplay: MESSAGESTORE_SEED={seed}{point} {replay}", error);
            }
        }
        if (OneSeed is { } one)
        {
            Run(one);
            return sum;
        }
        try
        {
            Parallel.ForEach(Partition(SeedCount ?? count), new ParallelOptions { MaxDegreeOfParallelism = Processors }, Run);
        }
        catch (AggregateException errors)
        {
            throw errors.InnerExceptions[0];
        }
        return sum;
    }

    /// <summary>Lets the first operation fail, then the second, and so on.</summary>
    /// <param name="run">Whether the run came to its n-th operation.</param>
    /// <returns>How many failed.</returns>
    public static int ForEachOperation(Func<int, bool> run)
    {
        for (int n = OnePoint ?? 1; ; n++)
        {
            try
            {
                if (!run(n)) return n - 1;
            }
            catch (Exception error)
            {
                throw new InvariantException($"Operation {n} fails: {error.Message}", error) { Point = n };
            }
            if (OnePoint is not null) return 1;
        }
    }

    /// <summary>The seeds, handed out one by one; in a timed run new ones until this test's share of the time is over.</summary>
    private static IEnumerable<int> Partition(int count)
    {
        if (Duration is not { } duration)
        {
            for (int seed = 1; seed <= count; seed++) yield return seed;
            yield break;
        }
        // Test classes run side by side, as many as there are processors.
        TimeSpan share = duration * Processors / Tests();
        int first = Random.Shared.Next(1, int.MaxValue / 2000);
        var watch = Stopwatch.StartNew();
        for (int seed = first; watch.Elapsed < share; seed++) yield return seed;
    }

    private static int Tests() => Assembly.GetExecutingAssembly().GetTypes()
        .Where(t => t.GetCustomAttributesData().Any(a => a.AttributeType == typeof(TraitAttribute) && (string?)a.ConstructorArguments[1].Value == TraitValue))
        .SelectMany(t => t.GetMethods())
        .Sum(m => m.GetCustomAttribute<TheoryAttribute>() is not null ? m.GetCustomAttributes<InlineDataAttribute>().Count() : m.GetCustomAttribute<FactAttribute>() is not null ? 1 : 0);

    private static int? Number(string variable) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), NumberStyles.Integer, CultureInfo.InvariantCulture, out int value) ? value : null;
}
