using MessageStore.IO;
using MessageStore.Storage;
using MessageStore.Tests.Support;

namespace MessageStore.Tests.Storage;

/// <summary>docs/recovery-table.md, row by row: those about checkpoints and segments.</summary>
public sealed class RecoveryTableTests : RecoveryBed
{
    [Fact]
    public void Row_1_a_store_folder_that_is_missing_or_empty_is_refused()
    {
        TestGroup.Create(Storage);
        Storage.DeleteFolder(TestGroup.Store());
        Refused(ErrorIds.StoreMissing);
        Storage.CreateFolder(TestGroup.Store());
        Refused(ErrorIds.StoreMissing);
    }

    [Fact]
    public void Row_2_the_newest_valid_checkpoint_is_used()
    {
        Fill(rounds: 10, checkpoints: 2);
        using StorageGroup group = TestGroup.Open(Storage);
        Assert.Equal(0, group.ReplayedTransactions);
        Workload.Check(group);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(60)]
    [InlineData(200)]
    [InlineData(-1)]
    [InlineData(-60)]
    public void Row_3_an_older_checkpoint_serves_where_the_newest_is_damaged_and_logs_reach_back(int at)
    {
        Fill(rounds: 20, checkpoints: 2);
        string newest = IndexSnapshot.List(Storage, TestGroup.Store())[0].Path;
        // The last bytes are padding: step over it.
        Storage.Corrupt(newest, at >= 0 ? at : Storage.FileLength(newest) + at - 8, 1);
        using (StorageGroup group = TestGroup.Open(Storage))
        {
            Assert.True(group.ReplayedTransactions > 0);
            Workload.Check(group);
            Assert.True(Storage.FileExists(newest + ".damaged"));
            Workload.Round(group);
            group.Checkpoint(default);
        }
        using StorageGroup reopened = TestGroup.Open(Storage);
        Assert.Equal(0, reopened.ReplayedTransactions);
        Workload.Check(reopened);
    }

    [Fact]
    public void Row_3_a_truncated_checkpoint_is_damaged()
    {
        Fill(rounds: 20, checkpoints: 2);
        string newest = IndexSnapshot.List(Storage, TestGroup.Store())[0].Path;
        using (IStorageFile file = Storage.Open(newest, FileAccessKind.ReadWrite)) file.SetLength(file.Length - 64);
        using StorageGroup group = TestGroup.Open(Storage);
        Workload.Check(group);
    }

    [Fact]
    public void Row_4_no_valid_checkpoint_is_refused_with_file_and_offset()
    {
        Fill(rounds: 10, checkpoints: 2);
        foreach ((_, string path) in IndexSnapshot.List(Storage, TestGroup.Store())) Storage.Corrupt(path, 200, 1);
        MessageStoreException error = Refused(ErrorIds.StoreDamaged);
        Assert.Contains("checkpoint-", error.Message, StringComparison.Ordinal);
        Assert.Contains("offset", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Row_4_an_older_checkpoint_that_the_logs_do_not_reach_is_no_help()
    {
        Fill(rounds: 20, checkpoints: 2);
        Storage.Corrupt(IndexSnapshot.List(Storage, TestGroup.Store())[0].Path, 200, 1);
        foreach (LogFile log in LogFiles.List(Storage, TestGroup.Log()).SkipLast(1)) Storage.DeleteFile(log.Path);
        Refused(ErrorIds.StoreDamaged);
    }

    [Fact]
    public void Row_5_a_segment_that_every_checkpoint_names_must_be_there_in_its_length()
    {
        Fill(rounds: 20, checkpoints: 2);
        string segment = Path.Combine(TestGroup.Store(), "segments", "00000001.seg");
        MemoryStorage shorter = Storage.Fork(new Random(1));
        using (IStorageFile file = shorter.Open(segment, FileAccessKind.ReadWrite)) file.SetLength(1000);
        Refused(ErrorIds.StoreDamaged, "00000001.seg", shorter);
        Storage.DeleteFile(segment);
        Refused(ErrorIds.StoreDamaged, "00000001.seg");
    }

    [Fact]
    public void Row_5_a_segment_under_the_name_of_another_is_noticed()
    {
        Fill(rounds: 40, checkpoints: 2);
        string folder = Path.Combine(TestGroup.Store(), "segments");
        Storage.Put(Path.Combine(folder, "00000001.seg"), Storage.Content(Path.Combine(folder, "00000002.seg")));
        Refused(ErrorIds.StoreDamaged, "00000001.seg");
    }

    [Fact]
    public void Row_5_a_segment_that_only_the_newest_checkpoint_names_is_made_again_from_the_logs()
    {
        Fill(rounds: 40, checkpoints: 2);
        Storage.DeleteFile(Storage.ListFiles(Path.Combine(TestGroup.Store(), "segments"))[^1]);
        using StorageGroup group = TestGroup.Open(Storage);
        Workload.Check(group);
    }
}
