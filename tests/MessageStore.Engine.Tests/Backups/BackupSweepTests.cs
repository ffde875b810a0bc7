using MessageStore.IO;
using MessageStore.Storage;
using MessageStore.Tests.Storage;
using MessageStore.Tests.Support;
using Xunit.Abstractions;

namespace MessageStore.Tests.Backups;

/// <summary>
/// A crash before, or a failure of, every single operation on the disk while sessions run. Whatever then has the name of a backup is one, proved by restoring
/// it; the database opens; and its backup mark never names a set that is not there.
/// </summary>
[Trait(Sweeps.Trait, Sweeps.TraitValue)]
public sealed class BackupSweepTests(ITestOutputHelper output)
{
    private const int Survivors = 1;

    [Fact]
    public void After_a_crash_at_any_moment_what_is_called_a_backup_is_one()
    {
        int points = Sweeps.ForEachSeed(2, seed =>
        {
            using var bed = new BackupBed(seed);
            bed.Append(6);
            var sweep = new CrashSweep(bed.Storage, seed, Survivors, Check);
            Sessions(bed);
            return sweep.End();
        });
        Proof.Report(output, $"{points} crash points");
        if (Sweeps.IsFullSet) Assert.True(points > 200, $"only {points} crash points");
    }

    [Theory]
    [InlineData("changes", 5)]
    [InlineData("changes", 28)]
    [InlineData("reading", 5)]
    public void A_failing_operation_is_an_error_of_ours_and_leaves_no_false_backup(string what, int error)
    {
        StorageOperations kinds = FaultSweep.Kinds(what);
        int points = Sweeps.ForEachSeed(1, seed => Sweeps.ForEachOperation(n =>
        {
            using var bed = new BackupBed(seed);
            bed.Append(6);
            bed.Storage.FailAt(n, new IOException($"error {error}", error), kinds);
            try
            {
                Sessions(bed);
            }
            catch (MessageStoreException)
            {
                // What counts is what has the name of a backup afterwards.
            }
            bed.Storage.FaultsWait = true;
            Check(bed.Storage.Kill());
            return bed.Storage.FaultHappened;
        }));
        Proof.Report(output, $"{points} failing operations");
        if (Sweeps.IsFullSet) Assert.True(points > 50, $"only {points} failing operations");
    }

    /// <summary>What is done over and over: sessions, with users writing and deleting before and during them.</summary>
    private static void Sessions(BackupBed bed)
    {
        List<Guid> written = bed.Append(3);
        bed.BackUp(progress: new Facade.DuringBackup(() =>
        {
            bed.Append(2, "grace");
            bed.Delete(written.Take(1));
            return Task.CompletedTask;
        }));
        bed.Append(3);
        bed.BackUp(new BackupOptions { Kind = BackupKind.Incremental });
        bed.BackUp(new BackupOptions { Destinations = [BackupBed.Folder, "/far"] });
    }

    private static void Check(MemoryStorage survivor)
    {
        using MailDatabase database = BackupBed.Open(survivor);
        survivor.BeforeChange = null;
        var ids = new HashSet<Guid>();
        foreach (string path in BackupBed.Files(survivor).Concat(BackupBed.Files(survivor, "/far")))
        {
            BackupBed.Prove(survivor, path);
            using var reader = new MessageStore.Backups.BackupReader(survivor, path, null);
            ids.Add(reader.Header.Id);
        }
        if (database.FailedGroups.Count > 0) throw database.FailedGroups[0].Reason;
        foreach (StorageGroup group in database.Groups)
        {
            if (group.ClosedForWriting is { } closed) throw closed;
            if (group.LastBackup is { } mark && !ids.Contains(mark.Id)) throw new InvariantException($"The group's log lets go of what backup {mark.Id} holds, and that is not there.");
        }
    }
}
