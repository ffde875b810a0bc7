using MessageStore.Keys;
using MessageStore.Tests.Support;
using Xunit.Abstractions;

namespace MessageStore.Tests.Keys;

/// <summary>
/// The key manager with a loss of power before every operation on the disk: creating it, recording and removing keys, and rewriting its journal; and with every
/// operation failing in its turn. What was acknowledged is there, what was under way is there whole or not at all.
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

    [Theory]
    [InlineData("changes", 5)]
    [InlineData("changes", 28)]
    [InlineData("reading", 5)]
    public void An_operation_that_fails_is_told_and_loses_nothing_acknowledged(string what, int error)
    {
        FaultSweep.Run(output, seeds: 3, least: 20, what, error, Fault);
    }

    private static int Crash(int seed)
    {
        var random = new Random(seed);
        MemoryStorage storage = Create(seed);
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
            Take(step, random, manager, before, after);
            before.UnionWith(after);
            before.IntersectWith(after);
        }
        return sweep.End();
    }

    /// <returns>Whether the run came to its n-th operation.</returns>
    private static bool Fault(int seed, int n, StorageOperations kinds, Exception error)
    {
        var random = new Random(seed);
        MemoryStorage storage = Create(seed);
        JournalKeyManager manager = JournalKeyManagerTests.Open(storage);
        try
        {
            var before = new HashSet<int>();
            var after = new HashSet<int>();
            var doubtful = new HashSet<int>();
            storage.FailAt(n, error, kinds);
            for (int step = 0; step < Steps; step++)
            {
                try
                {
                    Take(step, random, manager, before, after);
                    before.UnionWith(after);
                    before.IntersectWith(after);
                }
                catch (MessageStoreException)
                {
                    doubtful.UnionWith(before.Union(after).Except(before.Intersect(after)));
                    before.ExceptWith(doubtful);
                    after.Clear();
                    after.UnionWith(before);
                    storage.FaultsWait = true;
                    for (int chance = 0; chance < 3; chance++) CheckAll(storage.Fork(new Random(n * 31 + chance)), before, doubtful);
                    manager.Dispose();
                    manager = JournalKeyManagerTests.Open(storage);
                    storage.FaultsWait = false;
                }
            }
            storage.FaultsWait = true;
            CheckAll(storage.Fork(new Random(n)), before, doubtful);
        }
        finally
        {
            manager.Dispose();
        }
        return storage.FaultHappened;
    }

    private static MemoryStorage Create(int seed)
    {
        var storage = new MemoryStorage(seed);
        storage.CreateFolder(Folder);
        storage.FlushFolder(Path.GetPathRoot(Folder)!);
        JournalKeyManager.Create(storage, Folder);
        return storage;
    }

    /// <summary>Records some keys, removes some, or rewrites the journal.</summary>
    /// <param name="after">Becomes what there is to be afterwards, before anything is done.</param>
    private static void Take(int step, Random random, JournalKeyManager manager, HashSet<int> before, HashSet<int> after)
    {
        List<int> some = [.. Enumerable.Range(0, random.Next(1, 6)).Select(i => step * 10 + i)];
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
    }

    /// <summary>All that is certain is there, and nothing else but what is in doubt.</summary>
    private static void CheckAll(MemoryStorage storage, HashSet<int> certain, HashSet<int> doubtful)
    {
        using JournalKeyManager opened = JournalKeyManagerTests.Open(storage);
        Check(storage, [[.. certain, .. doubtful.Where(n => opened.Find(JournalKeyManagerTests.Key(n).Id).Count > 0)]]);
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
