using MessageStore.Keys;
using MessageStore.Tests.Support;
using Xunit.Abstractions;

namespace MessageStore.Tests.Keys;

/// <summary>
/// The key manager with a loss of power before every operation on the disk: creating it, recording and removing keys, and rewriting its journal. What
/// was acknowledged is there, what was under way is there whole or not at all.
/// </summary>
[Trait(Sweeps.Trait, Sweeps.TraitValue)]
public sealed class KeysSweepTests(ITestOutputHelper output)
{
    private const int Survivors = 3;
    private const int Steps = 60;

    private static readonly string Folder = Path.GetFullPath("/db");

    [Fact]
    public void After_a_crash_at_any_moment_every_acknowledged_key_is_there_and_nothing_half()
    {
        int points = Sweeps.ForEachSeed(12, seed => Crash(seed));
        Proof.Report(output, $"{points} crash points");
        if (Sweeps.IsFullSet) Assert.True(points >= 2000, $"only {points} crash points");
    }

    [Fact]
    public void After_a_crash_at_any_moment_of_its_creation_a_key_manager_is_there_or_can_be_created()
    {
        int points = Sweeps.ForEachSeed(10, seed =>
        {
            var storage = new MemoryStorage(seed);
            storage.CreateFolder(Folder);
            storage.FlushFolder(Path.GetPathRoot(Folder)!);
            var sweep = new CrashSweep(storage, seed, Survivors, survivor =>
            {
                if (!survivor.FileExists(KeySettings.PathIn(Folder))) JournalKeyManager.Create(survivor, Folder);
                using JournalKeyManager opened = JournalKeyManagerTests.Open(survivor);
                if (opened.Count != 0) throw new InvariantException($"A new key manager holds {opened.Count} keys.");
            });
            JournalKeyManager.Create(storage, Folder);
            return sweep.End();
        });
        Proof.Report(output, $"{points} crash points");
    }

    private static int Crash(int seed)
    {
        var random = new Random(seed);
        var storage = new MemoryStorage(seed);
        storage.CreateFolder(Folder);
        storage.FlushFolder(Path.GetPathRoot(Folder)!);
        JournalKeyManager.Create(storage, Folder);
        using JournalKeyManager manager = JournalKeyManagerTests.Open(storage);
        var before = new HashSet<int>();
        var after = new HashSet<int>();
        var sweep = new CrashSweep(storage, seed, Survivors, survivor =>
        {
            Check(survivor, [before, after]);
            survivor.BeforeChange = null;
            Check(survivor, [before, after]);
        });
        for (int step = 0; step < Steps; step++)
        {
            int number = step;
            List<int> some = [.. Enumerable.Range(0, random.Next(1, 6)).Select(i => number * 10 + i)];
            int choice = random.Next(10);
            if (choice < 6)
            {
                after.UnionWith(some);
                manager.Put([.. some.Select(JournalKeyManagerTests.Key)]);
            }
            else if (choice < 9)
            {
                List<int> gone = [.. before.Where(_ => random.Next(4) == 0)];
                after.ExceptWith(gone);
                manager.Remove([.. gone.Select(n => JournalKeyManagerTests.Key(n).Id)]);
            }
            else
            {
                manager.Compact();
            }
            before.UnionWith(after);
            before.IntersectWith(after);
        }
        return sweep.End();
    }

    /// <summary>Everything of one of the states is there and nothing else.</summary>
    private static void Check(MemoryStorage storage, IReadOnlyList<HashSet<int>> states)
    {
        using JournalKeyManager opened = JournalKeyManagerTests.Open(storage);
        HashSet<ArchiveKey> found = [.. opened.List()];
        if (!states.Any(s => found.SetEquals(s.Select(JournalKeyManagerTests.Key)))) throw new InvariantException($"{found.Count} keys were found; {string.Join(" or ", states.Select(s => s.Count))} had been recorded.");
        foreach (ArchiveKey key in found)
            if (!opened.Find(key.Id).SequenceEqual([key])) throw new InvariantException($"Key {key.Id} is listed, and another is found.");
    }
}
