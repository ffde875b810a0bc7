using MessageStore.Backups;

namespace MessageStore.Tests.Backups;

/// <summary>Backups go by count or age, and what is needed stays whatever is asked.</summary>
public class RetentionTests
{
    private static readonly BackupOptions Incremental = new() { Kind = BackupKind.Incremental };

    [Fact]
    public void By_count_whole_chains_go_and_their_drills_with_them()
    {
        using var bed = new BackupBed();
        List<BackupRun> old = Chain(bed, 2), last = Chain(bed, 1);
        BackupBed.Prove(bed.Storage, old[0].Path);
        BackupBed.Prove(bed.Storage, last[1].Path);
        List<BackupRetention> plan = Run(bed, new BackupRetentionOptions { Keep = 1, DryRun = true });
        Assert.Equal(6, bed.Storage.ListFiles(BackupBed.Folder).Count(f => f.EndsWith(".msbackup", StringComparison.Ordinal)) + 1);
        List<BackupRetention> done = Run(bed, new BackupRetentionOptions { Keep = 1 });
        Assert.Equal(plan.Where(r => r.Decision == BackupRetentionDecision.Due).Select(r => r.Id), done.Where(r => r.Decision == BackupRetentionDecision.Removed).Select(r => r.Id));
        Assert.Equal([old[2].Id, old[1].Id, old[0].Id], done.Where(r => r.Decision == BackupRetentionDecision.Removed).Select(r => r.Id));
        BackupRetention kept = Assert.Single(done, r => r.Decision == BackupRetentionDecision.Kept);
        Assert.Equal(last[0].Id, kept.Id);
        Assert.All(done, r => Assert.NotEqual("", r.Reason));
        string[] left = [last[0].Path, last[1].Path, DrillBook.PathOf(last[1].Path)];
        Assert.Equal(left.Order(StringComparer.Ordinal), bed.Storage.ListFiles(BackupBed.Folder));
        BackupBed.Prove(bed.Storage, last[1].Path);
    }

    [Fact]
    public void When_all_are_too_old_the_last_good_chain_stays()
    {
        using var bed = new BackupBed();
        Chain(bed, 1);
        List<BackupRun> last = Chain(bed, 1);
        List<BackupRetention> done = Run(bed, new BackupRetentionOptions { OlderThan = TimeSpan.FromDays(30) }, new LaterClock(TimeSpan.FromDays(40)));
        Assert.Equal(2, done.Count(r => r.Decision == BackupRetentionDecision.Removed));
        Assert.Equal(last.Select(r => r.Id), done.Where(r => r.Decision == BackupRetentionDecision.Kept).Select(r => r.Id).Reverse());
        BackupBed.Prove(bed.Storage, last[1].Path);
        Assert.Empty(Run(bed, new BackupRetentionOptions { OlderThan = TimeSpan.FromDays(30) }));
    }

    [Fact]
    public void A_newer_one_that_a_drill_found_bad_does_not_count_as_the_last_good_one()
    {
        using var bed = new BackupBed();
        List<BackupRun> good = Chain(bed, 0), bad = Chain(bed, 0);
        bed.Storage.Corrupt(bad[0].Path, bad[0].Bytes / 2, 1);
        new BackupDrillRunner(bed.Storage, TimeProvider.System, null).Run(bad[0].Path, "/scratch", null, CancellationToken.None);
        BackupRetention kept = Assert.Single(Run(bed, new BackupRetentionOptions { Keep = 1 }));
        Assert.Equal(good[0].Id, kept.Id);
        Assert.Equal(BackupRetentionDecision.Kept, kept.Decision);
        Assert.Contains("good", kept.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void The_last_backup_of_each_group_stays()
    {
        using var bed = new BackupBed(1, "One", "Two");
        bed.Append(3);
        BackupRun two = bed.BackUp(new BackupOptions { StorageGroups = ["Two"] });
        BackupRun one = bed.BackUp(new BackupOptions { StorageGroups = ["One"] });
        Run(bed, new BackupRetentionOptions { Keep = 1 });
        Assert.True(bed.Storage.FileExists(two.Path) && bed.Storage.FileExists(one.Path));
    }

    [Fact]
    public void A_set_that_was_not_confirmed_keeps_what_it_stands_on()
    {
        using var bed = new BackupBed();
        List<BackupRun> old = Chain(bed, 1);
        Chain(bed, 0);
        List<BackupRetention> done = Run(bed, new BackupRetentionOptions { Keep = 1, Ids = [old[0].Id] });
        Assert.Equal(BackupRetentionDecision.Kept, Assert.Single(done).Decision);
        BackupBed.Prove(bed.Storage, old[1].Path);
    }

    [Fact]
    public void Nothing_goes_without_a_rule_and_at_least_one_must_stay()
    {
        using var bed = new BackupBed();
        Assert.Equal(ErrorIds.InvalidParameter, Assert.Throws<MessageStoreException>(() => Run(bed, new BackupRetentionOptions())).ErrorId);
        Assert.Equal(ErrorIds.InvalidParameter, Assert.Throws<MessageStoreException>(() => Run(bed, new BackupRetentionOptions { Keep = 0 })).ErrorId);
    }

    private static List<BackupRetention> Run(BackupBed bed, BackupRetentionOptions options, TimeProvider? clock = null) =>
        [.. new BackupPruner(bed.Storage, clock ?? TimeProvider.System).Run(BackupBed.Folder, bed.Mail.Settings.DatabaseId, options)];

    private static List<BackupRun> Chain(BackupBed bed, int incremental)
    {
        bed.Append(5);
        List<BackupRun> runs = [bed.BackUp()];
        for (int i = 0; i < incremental; i++)
        {
            bed.Append(2);
            runs.Add(bed.BackUp(Incremental));
        }
        return runs;
    }

    private sealed class LaterClock(TimeSpan by) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + by;
    }
}
