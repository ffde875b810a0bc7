using MessageStore.Backups;
using MessageStore.Storage;
using MessageStore.Tests.Storage;

namespace MessageStore.Tests.Backups;

/// <summary>Incremental sets hold what is new and restore to the very state that was backed up; a chain that lacks a link says which.</summary>
public class IncrementalBackupTests
{
    private static readonly BackupOptions Incremental = new() { Kind = BackupKind.Incremental };

    [Fact]
    public void A_chain_restores_to_the_state_of_its_last_set()
    {
        using var bed = new BackupBed(1, "One", "Two");
        List<Guid> first = bed.Append(40);
        bed.Append(40, "grace", bed.Mail.Groups[1]);
        BackupRun full = bed.BackUp();
        var runs = new List<BackupRun>();
        for (int round = 0; round < 4; round++)
        {
            List<Guid> more = bed.Append(10);
            bed.Delete(first.Skip(round * 3).Take(3).Append(more[0]));
            runs.Add(bed.BackUp(Incremental, new Facade.DuringBackup(() =>
            {
                bed.Append(3, "edsger", bed.Mail.Groups[1]);
                return Task.CompletedTask;
            })));
            if (round == 1) bed.Reopen();
        }
        Assert.Equal(full.Path, runs[0].BasePath);
        Assert.Equal(runs[2].Path, runs[3].BasePath);
        Assert.All(runs, r => Assert.True(r.Bytes < full.Bytes / 2, $"{r.Bytes} of {full.Bytes}"));
        foreach (BackupRun run in runs) BackupBed.Prove(bed.Storage, run.Path);
        BackupChain chain = BackupChain.Find(bed.Storage, runs[3].Path);
        Assert.Equal([full.Path, .. runs.Select(r => r.Path)], chain.Paths);
    }

    [Fact]
    public async Task Compaction_between_two_sets_changes_nothing_in_what_is_restored()
    {
        using var bed = new BackupBed(3);
        List<Guid> ids = bed.Append(80);
        bed.BackUp();
        bed.Delete(ids.Where((_, i) => i % 4 != 0));
        await bed.Group.CompactAsync(new CompactionOptions(), null, CancellationToken.None);
        bed.Append(10);
        BackupRun run = bed.BackUp(Incremental);
        BackupBed.Prove(bed.Storage, run.Path);
        bed.Append(10);
        BackupBed.Prove(bed.Storage, bed.BackUp(Incremental).Path);
    }

    [Fact]
    public async Task A_message_that_came_in_parts_across_two_sets_is_whole()
    {
        using var bed = new BackupBed(4);
        bed.Append(3);
        (int mailbox, _) = await bed.Group.CreateMailboxAsync("ada", CancellationToken.None);
        byte[] body = new byte[3 << 20];
        new Random(4).NextBytes(body);
        IReadOnlyList<Step> steps = Step.Append(bed.Group.Identity.Salt, new ModelMessage(Guid.CreateVersion7(), mailbox, 0, 0, DateTime.UnixEpoch.Ticks, "large", body));
        await bed.Group.CommitAsync(steps[0].Transaction);
        bed.BackUp();
        await bed.Group.CommitAsync(steps[1].Transaction);
        BackupRun between = bed.BackUp(Incremental);
        await bed.Group.CommitAsync([.. steps.Skip(2).Select(s => s.Transaction)]);
        BackupRun last = bed.BackUp(Incremental);
        BackupBed.Prove(bed.Storage, between.Path);
        BackupBed.Prove(bed.Storage, last.Path);
    }

    [Fact]
    public async Task Segments_that_are_laid_out_anew_after_a_damaged_checkpoint_are_copied_whole()
    {
        using var bed = new BackupBed(5);
        bed.Append(20);
        bed.Group.Checkpoint(CancellationToken.None);
        List<Guid> ids = bed.Append(30);
        bed.Delete(ids.Take(25));
        await bed.Group.CompactAsync(new CompactionOptions { MinimumDeadShare = 0.1, SealCurrent = true }, null, CancellationToken.None);
        bed.Append(5);
        BackupRun full = bed.BackUp();
        foreach ((_, string snapshot) in IndexSnapshot.List(bed.Storage, bed.Group.StoreFolder).Take(1)) bed.Storage.Corrupt(snapshot, bed.Storage.FileLength(snapshot) / 2, 1);
        bed.Reopen();
        Assert.Empty(bed.Mail.FailedGroups);
        bed.Append(5);
        BackupRun run = bed.BackUp(Incremental);
        Assert.Equal(full.Path, run.BasePath);
        BackupBed.Prove(bed.Storage, run.Path);
    }

    [Fact]
    public void Without_a_base_it_is_an_error_that_says_what_to_do()
    {
        using var bed = new BackupBed();
        bed.Append(3);
        MessageStoreException error = Assert.Throws<MessageStoreException>(() => bed.BackUp(Incremental));
        Assert.Equal(ErrorIds.BaseBackupNotFound, error.ErrorId);
        Assert.Contains("full", error.Message, StringComparison.Ordinal);
        Assert.Empty(bed.Storage.ListFiles(BackupBed.Folder));
        bed.BackUp(new BackupOptions { Destinations = ["/near"] });
        Assert.Equal(ErrorIds.BaseBackupNotFound, Assert.Throws<MessageStoreException>(() => bed.BackUp(Incremental with { Destinations = ["/near", "/far"] })).ErrorId);
        bed.BackUp(Incremental with { Destinations = ["/near"] });
    }

    [Fact]
    public void A_missing_link_is_named_and_nothing_is_built_upon_a_broken_chain()
    {
        using var bed = new BackupBed();
        bed.Append(20);
        BackupRun full = bed.BackUp();
        bed.Append(5);
        BackupRun second = bed.BackUp(Incremental);
        bed.Append(5);
        BackupRun third = bed.BackUp(Incremental);
        byte[] kept = bed.Storage.Content(second.Path);
        bed.Storage.DeleteFile(second.Path);
        MessageStoreException error = Assert.Throws<MessageStoreException>(() => BackupChain.Find(bed.Storage, third.Path));
        Assert.Equal(ErrorIds.BackupChainBroken, error.ErrorId);
        Assert.Contains(second.Id.ToString(), error.Message, StringComparison.Ordinal);
        Assert.Contains(Path.GetFileName(second.Path), error.Message, StringComparison.Ordinal);
        BackupDrill drill = new BackupDrillRunner(bed.Storage, TimeProvider.System, null).Run(third.Path, "/scratch", null, CancellationToken.None);
        Assert.NotEqual(DrillResult.Verified, drill.Result);
        Assert.Contains(second.Id.ToString(), drill.Reason, StringComparison.Ordinal);
        Assert.Equal(full.Path, bed.BackUp(Incremental).BasePath);
        bed.Storage.Put(Path.Combine(BackupBed.Folder, "found-again.msbackup"), kept);
        BackupBed.Prove(bed.Storage, third.Path);
    }

    [Fact]
    public void A_base_that_was_exchanged_for_another_set_is_not_taken_for_it()
    {
        using var bed = new BackupBed();
        bed.Append(20);
        BackupRun full = bed.BackUp();
        bed.Append(5);
        BackupRun second = bed.BackUp(Incremental);
        BackupRun other = bed.BackUp();
        bed.Storage.Put(full.Path, bed.Storage.Content(other.Path));
        Assert.Equal(ErrorIds.BackupChainBroken, Assert.Throws<MessageStoreException>(() => BackupChain.Find(bed.Storage, second.Path)).ErrorId);
    }
}
