using System.Reflection;
using MessageStore.Keys;

namespace MessageStore.Tests.Keys;

/// <summary>What every key manager promises, whatever keeps the keys: each public method is a rule, which gets an empty manager and a way to open it anew.</summary>
internal sealed class KeyManagerContract(Func<IKeyManager> open)
{
    /// <summary>The names of all rules.</summary>
    public static IEnumerable<object[]> Rules =>
        typeof(KeyManagerContract).GetMethods(BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly).Where(m => m.ReturnType == typeof(void) && m.GetParameters().Length == 0)
            .Select(m => new object[] { m.Name });

    /// <summary>Checks one rule.</summary>
    /// <param name="rule">Its name.</param>
    /// <param name="open">Opens the manager; empty the first time.</param>
    public static void Check(string rule, Func<IKeyManager> open)
    {
        try
        {
            typeof(KeyManagerContract).GetMethod(rule)!.Invoke(new KeyManagerContract(open), null);
        }
        catch (TargetInvocationException error) when (error.InnerException is not null)
        {
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(error.InnerException);
        }
    }

    public void Keys_are_found_as_they_were_put_also_after_opening_again()
    {
        ArchiveKey[] keys = SampleKeys.Keys(5000); // more than a page
        using (IKeyManager manager = open())
        {
            manager.Put(keys);
            See(manager);
        }
        using IKeyManager again = open();
        See(again);

        void See(IKeyManager manager)
        {
            Assert.Equal(keys.Length, manager.Count);
            Assert.Equal(Sorted(keys), Sorted(manager.List()));
            foreach (ArchiveKey key in keys.Take(20)) Assert.Equal(key, Assert.Single(manager.Find(key.Id)));
            Assert.Equal(Sorted(keys.Take(700)), Sorted(manager.Find([.. keys.Take(700).Select(k => k.Id), Guid.NewGuid()])));
            Assert.Empty(manager.Find(Guid.NewGuid()));
            Assert.Empty(manager.Find([]));
        }
    }

    public void Copies_of_a_message_have_a_key_each_and_a_newer_key_replaces_the_one_in_its_unit()
    {
        using IKeyManager manager = open();
        ArchiveKey first = SampleKeys.Key(1), second = first with { Target = "nodes", Unit = "a" }, third = second with { Unit = "b" };
        manager.Put([first, second, third]);
        Assert.Equal(3, manager.Find(first.Id).Count);
        ArchiveKey moved = second with { Volume = "elsewhere", Offset = 4711, DeletionDate = null };
        manager.Put([moved]);
        Assert.Equal(Sorted([first, moved, third]), Sorted(manager.Find(first.Id)));
        Assert.Equal(3, manager.Count);
        ArchiveKey other = SampleKeys.Key(2), otherCopy = other with { Target = "nodes", Unit = "a" };
        manager.Put([other, otherCopy]);
        Assert.Equal(2, manager.RemoveCopies([second, otherCopy, second with { Unit = "c" }])); // by name: the one has moved since
        Assert.Equal(0, manager.RemoveCopies([second]));
        Assert.Equal(0, manager.RemoveCopies([]));
        Assert.Equal(Sorted([first, third]), Sorted(manager.Find(first.Id)));
        Assert.Equal([other], manager.Find(other.Id));
        manager.Remove([other.Id]);
        Assert.Equal(2, manager.Remove([first.Id, Guid.NewGuid()]));
        Assert.Empty(manager.Find(first.Id));
        Assert.Equal(0, manager.Count);
    }

    public void Of_two_keys_for_one_place_in_one_call_the_later_counts()
    {
        using IKeyManager manager = open();
        ArchiveKey key = SampleKeys.Key(1);
        manager.Put([key with { Offset = 90_000 }, key]);
        Assert.Equal(key, Assert.Single(manager.Find(key.Id)));
        Assert.Equal(90_000 + key.Length, manager.EndOf(key.Target, key.Unit, key.Volume));
    }

    public void Questions_by_mailbox_unit_target_and_deletion_date_pick_the_same_as_looking_at_every_key()
    {
        using IKeyManager manager = open();
        ArchiveKey[] keys = [.. SampleKeys.Keys(60).SelectMany(k => new[] { k, k with { Target = "nodes", Unit = $"n{k.Length % 3}/u1" } })];
        manager.Put(keys);
        DateTimeOffset due = new(2036, 1, 12, 0, 0, 0, TimeSpan.Zero);
        KeyQuery[] questions =
        [
            new() { Mailbox = "KÄRL3@example.org" }, new() { Unit = "n1/u1" }, new() { Target = "nodes" }, new() { DueAt = due }, new() { DueAt = due.AddTicks(-1) },
            new() { Mailbox = "kärl2@EXAMPLE.org", Target = "nodes", Unit = "n2/u1", DueAt = due }, new() { Mailbox = "nobody" }, new(),
        ];
        foreach (KeyQuery question in questions) Assert.Equal(Sorted(keys.Where(question.Matches)), Sorted(manager.List(question)));
        Assert.All(questions.SkipLast(2), q => Assert.InRange(manager.List(q).Count(), 1, 119));
    }

    public void A_message_with_many_copies_is_listed_whole_wherever_a_page_ends()
    {
        using IKeyManager manager = open();
        ArchiveKey[] keys = [.. Enumerable.Range(0, 700).SelectMany(i => Enumerable.Range(0, 7).Select(u => SampleKeys.Key(i) with { Target = "nodes", Unit = $"n{u}/u1" }))];
        manager.Put(keys);
        Assert.Equal(Sorted(keys), Sorted(manager.List()));
    }

    public void The_end_of_a_volume_stays_when_its_keys_are_removed_and_goes_with_them_to_another_manager()
    {
        ArchiveKey a = SampleKeys.Key(1) with { Offset = 100, Length = 50 }, b = a with { Id = Guid.NewGuid(), Offset = 10, Length = 20 };
        using (IKeyManager manager = open())
        {
            manager.Put([a, b]);
            manager.Remove([a.Id, b.Id]);
            manager.Cover([new CoveredVolume("nodes", "n1/u1", "x", 70), new CoveredVolume(a.Target, a.Unit, a.Volume, 20), new CoveredVolume("nodes", "n1/u1", "x", 60)]);
            See(manager);
        }
        using IKeyManager again = open();
        See(again);

        void See(IKeyManager manager)
        {
            Assert.Equal(150, manager.EndOf(a.Target, a.Unit, a.Volume));
            Assert.Equal(70, manager.EndOf("nodes", "n1/u1", "x"));
            Assert.Equal(0, manager.EndOf(a.Target, a.Unit, "another"));
            Assert.Equal(
                new[] { new CoveredVolume(a.Target, a.Unit, a.Volume, 150), new CoveredVolume("nodes", "n1/u1", "x", 70) }.OrderBy(v => v.Volume).ToArray(),
                manager.ListVolumes().OrderBy(v => v.Volume).ToArray());
        }
    }

    public void Whoever_lists_sees_every_key_once_that_is_neither_put_nor_removed_meanwhile()
    {
        using IKeyManager manager = open();
        ArchiveKey[] keys = SampleKeys.Keys(4500);
        manager.Put(keys);
        var seen = new List<ArchiveKey>();
        foreach (ArchiveKey key in manager.List())
        {
            seen.Add(key);
            if (seen.Count % 500 != 0) continue;
            manager.Put([SampleKeys.Key(10_000 + seen.Count)]);
            manager.Remove([keys[seen.Count / 500].Id]);
        }
        HashSet<Guid> gone = [.. keys.Take(10).Select(k => k.Id)];
        Assert.Equal(Sorted(keys.Where(k => !gone.Contains(k.Id))), Sorted(seen.Where(k => k.Offset < 10_000_000 && !gone.Contains(k.Id))));
        Assert.Equal(seen.Count, seen.DistinctBy(k => k.Id).Count());
    }

    public void Many_writers_at_a_time_lose_nothing_and_none_waits_for_ever()
    {
        using IKeyManager manager = open();
        Parallel.For(0, 200, new ParallelOptions { MaxDegreeOfParallelism = 8 }, i =>
        {
            // All of them in the same volumes, in an order of their own.
            ArchiveKey[] keys = [.. Enumerable.Range(0, 5).Select(n => SampleKeys.Key(i * 5 + n)).OrderBy(k => k.Sha256[(i % 60)..])];
            manager.Put(keys);
            Assert.Equal(keys[0], Assert.Single(manager.Find(keys[0].Id)));
            if (i % 10 == 0) manager.Remove([keys[1].Id]);
        });
        Assert.Equal(1000 - 20, manager.Count);
    }

    public void A_digest_tells_the_slightest_difference()
    {
        using IKeyManager manager = open();
        ArchiveKey[] keys = SampleKeys.Keys(20);
        manager.Put(keys);
        KeyDigest before = KeyDigest.Of(manager, default);
        manager.Put([keys[3] with { Mailbox = keys[4].Mailbox }, keys[4] with { Mailbox = keys[3].Mailbox }]);
        Assert.False(before.IsSameAs(KeyDigest.Of(manager, default)));
        manager.Put([keys[4], keys[3]]);
        Assert.True(before.IsSameAs(KeyDigest.Of(manager, default)));
        manager.Cover([new CoveredVolume("nodes", "n1/u1", "x", 1)]);
        Assert.False(before.IsSameAs(KeyDigest.Of(manager, default)));
    }

    private static ArchiveKey[] Sorted(IEnumerable<ArchiveKey> keys) => [.. keys.OrderBy(k => k.Id).ThenBy(k => k.Target, StringComparer.Ordinal).ThenBy(k => k.Unit, StringComparer.Ordinal)];
}
