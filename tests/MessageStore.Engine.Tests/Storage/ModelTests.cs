using MessageStore.Storage;
using MessageStore.Tests.Support;
using Xunit.Abstractions;

namespace MessageStore.Tests.Storage;

/// <summary>Random operations on a database of several groups against plain collections, with checkpoints, crashes, kills and reopenings in between.</summary>
[Trait(Sweeps.Trait, Sweeps.TraitValue)]
public sealed class ModelTests(ITestOutputHelper output)
{
    private const int Operations = 200;

    [Fact]
    public void A_database_of_several_groups_is_what_the_model_says_through_crashes_kills_and_reopenings()
    {
        int operations = Sweeps.ForEachSeed(200, Run);
        Proof.Report(output, $"{operations} operations");
    }

    private static int Run(int seed)
    {
        var random = new Random(seed);
        var storage = new MemoryStorage(seed);
        GroupOptions options = TestGroup.Small with { Clock = new JumpingClock(seed), CheckpointLogBytes = seed % 2 == 0 ? 20_000 : long.MaxValue, CloseReplayBytes = seed % 3 * 8000 };
        new DatabaseCreation(storage, new MessageDatabaseOptions { Path = "/data/db", StorageGroups = ["a", "b", "c"], CircularLogging = seed % 4 == 0 }, options.Clock).Run();
        Dictionary<string, GroupIdentity> identities = Identities(storage);
        var workloads = identities.Keys.ToDictionary(n => n, n => new Workload(seed * 31 + n[0], seed % 20 == 0) { Salt = identities[n].Salt });
        storage = storage.Crash(random); // a database whose creation returned is durable
        MailDatabase database = Open(storage, options, workloads);
        for (int i = 0; i < Operations; i++)
        {
            StorageGroup group = database.Groups[random.Next(3)];
            Workload workload = workloads[group.Name];
            int choice = random.Next(40);
            if (choice == 0) group.Checkpoint(CancellationToken.None);
            else if (choice == 1) workload.Check(group);
            else if (choice == 2)
            {
                database.Dispose();
                database = Open(storage, options, workloads);
            }
            else if (choice <= 4)
            {
                MemoryStorage next = choice == 3 ? storage.Crash(random) : storage.Kill();
                database.Dispose();
                storage = next;
                database = Open(storage, options, workloads);
            }
            else if (choice == 5) ListWhileChanging(group, workload);
            else if (workload.Round(group) is { } error) throw error;
        }
        foreach (StorageGroup group in database.Groups) workloads[group.Name].Check(group);
        database.Dispose();
        return Operations;
    }

    private static void ListWhileChanging(StorageGroup group, Workload workload)
    {
        foreach (string name in group.MailboxNames())
        {
            if (!group.TryFindMailbox(name, out int number)) continue;
            var before = workload.Model.Mailboxes[number].Order.ToHashSet();
            var seen = new HashSet<Guid>();
            foreach (IndexEntry entry in group.List(number))
            {
                if (!seen.Add(entry.Id.ToGuid())) throw new InvariantException("A message was listed twice.");
                if (entry.Mailbox != number) throw new InvariantException("A listing strayed into another mailbox.");
                if (seen.Count % 3 == 1 && workload.Round(group) is { } error) throw error;
            }
            // What was there before and is there still was seen.
            StoreModel after = workload.Model;
            if (after.Mailboxes.TryGetValue(number, out ModelMailbox? mailbox) && mailbox.Order.Any(id => before.Contains(id) && !seen.Contains(id)))
                throw new InvariantException("A listing missed a message.");
        }
    }

    private static MailDatabase Open(MemoryStorage storage, GroupOptions options, Dictionary<string, Workload> workloads)
    {
        MailDatabase database = MailDatabase.Open(storage, "/data/db", options);
        if (database.FailedGroups.Count > 0) throw database.FailedGroups[0].Reason;
        foreach (StorageGroup group in database.Groups)
        {
            if (group.ClosedForWriting is { } closed) throw closed;
            workloads[group.Name].Settle(group);
        }
        return database;
    }

    private static Dictionary<string, GroupIdentity> Identities(MemoryStorage storage)
    {
        DatabaseSettings settings = DatabaseSettings.Load(storage, "/data/db");
        return settings.StorageGroups.ToDictionary(g => g.Name, g => MailDatabase.IdentityOf(settings, g));
    }
}
