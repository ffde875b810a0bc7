using System.Runtime.CompilerServices;
using Xunit.Abstractions;

namespace MessageStore.Tests.Support;

/// <summary>Every operation on the disk fails in its turn.</summary>
internal static class FaultSweep
{
    /// <summary>All seeds, and of each every operation that the run comes to.</summary>
    /// <param name="seeds">How many in CI.</param>
    /// <param name="least">How many operations must have failed in CI, or the test tests nothing.</param>
    /// <param name="what"><see cref="Kinds"/>.</param>
    /// <param name="error">The number of the system's error: 5 for a device, 28 for a full one.</param>
    /// <param name="fault">By seed and number of the operation: whether the run came to it.</param>
    public static void Run(
        ITestOutputHelper output, int seeds, int least, string what, int error, Func<int, int, StorageOperations, Exception, bool> fault, [CallerFilePath] string file = "", [CallerMemberName] string test = "")
    {
        StorageOperations kinds = Kinds(what);
        int points = Sweeps.ForEachSeed(seeds, seed => Sweeps.ForEachOperation(n => fault(seed, n, kinds, new IOException($"error {error}", error))), file, test);
        Proof.Report(output, $"{points} failing operations", file, test);
        if (Sweeps.IsFullSet) Assert.True(points >= least, $"only {points} operations failed");
    }

    /// <summary>The operations meant by <c>changes</c>; otherwise those that look and read.</summary>
    public static StorageOperations Kinds(string what) =>
        what == "changes" ? StorageOperations.Changes : StorageOperations.Open | StorageOperations.Read | StorageOperations.Look;
}
