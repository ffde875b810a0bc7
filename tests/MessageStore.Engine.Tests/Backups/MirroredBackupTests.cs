using MessageStore.IO;
using MessageStore.Tests.Support;

namespace MessageStore.Tests.Backups;

/// <summary>Several destinations get the same bytes, and one that fails takes none of the others with it.</summary>
public class MirroredBackupTests
{
    [Fact]
    public void Every_destination_gets_the_same_bytes()
    {
        using var bed = new BackupBed(1, "One", "Two");
        bed.Append(40);
        bed.Append(40, "grace", bed.Mail.Groups[1]);
        BackupRun run = bed.BackUp(new BackupOptions { Destinations = ["/near", "/far"] });
        Assert.Equal(["/near", "/far"], run.Copies.Select(c => Path.GetDirectoryName(c.Path)));
        Assert.All(run.Copies, c => Assert.True(c.IsComplete && c.Reason == "" && c.ErrorId == ""));
        Assert.Equal(bed.Storage.Content(run.Copies[0].Path), bed.Storage.Content(run.Copies[1].Path));
        Assert.Equal(run.Bytes, bed.Storage.FileLength(run.Path));
        foreach (BackupCopy copy in run.Copies) BackupBed.Prove(bed.Storage, copy.Path);
    }

    [Theory]
    [InlineData((int)StorageOperations.Write)]
    [InlineData((int)StorageOperations.Flush)]
    [InlineData((int)StorageOperations.Rename)]
    [InlineData((int)StorageOperations.Open)]
    public void One_that_fails_is_reported_and_the_other_completes(int operation)
    {
        using var bed = new BackupBed();
        bed.Append(60);
        var storage = new FailingFolder(bed.Storage, "/far", (StorageOperations)operation);
        BackupRun run = bed.BackUp(storage, new BackupOptions { Destinations = ["/far", "/near"] });
        BackupCopy bad = run.Copies.Single(c => c.Path.StartsWith("/far", StringComparison.Ordinal));
        Assert.False(bad.IsComplete);
        Assert.Equal(ErrorIds.DeviceFailed, bad.ErrorId);
        Assert.Contains(bad.Path, bad.Reason, StringComparison.Ordinal);
        Assert.StartsWith("/near", run.Path, StringComparison.Ordinal);
        Assert.Empty(bed.Storage.ListFiles("/far"));
        BackupBed.Prove(bed.Storage, run.Path);
        Assert.Equal(run.Id, bed.Group.LastBackup!.Id);
    }

    [Fact]
    public void When_all_fail_there_is_no_backup_and_the_logs_stay()
    {
        using var bed = new BackupBed();
        bed.Append(10);
        var storage = new FailingFolder(bed.Storage, "/far", StorageOperations.Flush);
        MessageStoreException error = Assert.Throws<MessageStoreException>(() => bed.BackUp(storage, new BackupOptions { Destinations = ["/far"] }));
        Assert.Equal(ErrorIds.DeviceFailed, error.ErrorId);
        Assert.Null(bed.Group.LastBackup);
        Assert.Empty(bed.Storage.ListFiles("/far"));
    }

    [Fact]
    public void The_same_place_twice_is_refused()
    {
        using var bed = new BackupBed();
        MessageStoreException error = Assert.Throws<MessageStoreException>(() => bed.BackUp(new BackupOptions { Destinations = ["/near", "/near/"] }));
        Assert.Equal(ErrorIds.InvalidParameter, error.ErrorId);
        Assert.False(bed.Storage.FolderExists("/near"));
    }
}
