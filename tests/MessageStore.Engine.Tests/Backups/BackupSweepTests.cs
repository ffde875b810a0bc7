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
public sealed class BackupSweepTests(ITestOutputHelper output)
{
    [Fact]
    public void After_a_crash_at_any_moment_what_is_called_a_backup_is_one()
    {
        int points = Sweeps.ForEachSeed(2, seed =>
        {
            using var bed = new BackupBed(seed);
            bed.Append(6);
            int at = 0;
            Exception? failure = null;
            bed.Storage.BeforeChange = kind =>
            {
                at++;
                if (failure is not null || (Sweeps.OnePoint is { } one && one != at)) return;
                try
                {
                    Check(bed.Storage.Fork(new Random(seed * 1_000_003 + at)));
                }
                catch (Exception error)
                {
                    failure = new InvariantException($"crash before operation {at} ({kind}), MESSAGESTORE_SEED={seed} MESSAGESTORE_POINT={at}: {error.Message}", error);
                }
            };
            Sessions(bed);
            bed.Storage.BeforeChange = null;
            if (failure is not null) throw failure;
            return at;
        });
        Proof.Report(output, $"{points} crash points");
        Assert.True(points > 50, $"only {points} crash points");
    }

    [Theory]
    [InlineData(5, "Input/output error")]
    [InlineData(28, "No space left on device")]
    public void A_failing_operation_is_an_error_of_ours_and_leaves_no_false_backup(int code, string message)
    {
        int points = Sweeps.ForEachSeed(1, seed =>
        {
            for (int n = Sweeps.OnePoint ?? 1; ; n++)
            {
                using var bed = new BackupBed(seed);
                bed.Append(6);
                bed.Storage.FailAt(n, new IOException(message, code));
                bool failed = false;
                try
                {
                    Sessions(bed);
                }
                catch (MessageStoreException)
                {
                    failed = true;
                }
                bed.Storage.FaultsWait = true;
                if (!bed.Storage.FaultHappened) return n - 1;
                try
                {
                    Check(bed.Storage.Kill());
                }
                catch (Exception error)
                {
                    throw new InvariantException($"operation {n} fails ({(failed ? "told" : "not told")}), MESSAGESTORE_SEED={seed} MESSAGESTORE_POINT={n}: {error.Message}", error);
                }
                if (Sweeps.OnePoint is not null) return 1;
            }
        });
        Proof.Report(output, $"{points} failing operations");
        Assert.True(points > 50, $"only {points} failing operations");
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
        var ids = new HashSet<Guid>();
        foreach (string path in BackupBed.Files(survivor).Concat(BackupBed.Files(survivor, "/far")))
        {
            BackupBed.Prove(survivor, path);
            using var reader = new MessageStore.Backups.BackupReader(survivor, path, null);
            ids.Add(reader.Header.Id);
        }
        using MailDatabase database = BackupBed.Open(survivor);
        if (database.FailedGroups.Count > 0) throw database.FailedGroups[0].Reason;
        foreach (StorageGroup group in database.Groups)
        {
            if (group.ClosedForWriting is { } closed) throw closed;
            if (group.LastBackup is { } mark && !ids.Contains(mark.Id)) throw new InvariantException($"The group's log lets go of what backup {mark.Id} holds, and that is not there.");
        }
    }
}
