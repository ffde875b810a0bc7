using MessageStore.IO;
using MessageStore.Storage;
using MessageStore.Tests.Support;

namespace MessageStore.Tests.Storage;

/// <summary>docs/recovery-table.md, row by row: those about the log.</summary>
public sealed class LogRecoveryTests : RecoveryBed
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Row_6_without_logs_the_group_opens_for_reading_only(bool wholeFolder)
    {
        Fill(rounds: 10, checkpoints: 1, then: 0);
        string leftover = Path.Combine(TestGroup.Store(), "segments", "00000099.seg");
        Storage.Put(leftover, [1, 2, 3]);
        if (wholeFolder) Storage.DeleteFolder(TestGroup.Log());
        else
            foreach (LogFile log in LogFiles.List(Storage, TestGroup.Log())) Storage.DeleteFile(log.Path);
        using StorageGroup group = TestGroup.Open(Storage);
        Assert.Equal(ErrorIds.LogMissing, group.ClosedForWriting!.ErrorId);
        Assert.Equal(StorageState.ReadOnly, group.GetStatus().State);
        Workload.Check(group);
        Assert.Equal(ErrorIds.GroupClosedForWriting, Workload.Round(group)!.ErrorId);
        Assert.True(Storage.FileExists(leftover), "nothing is deleted while the log is away");
    }

    [Fact]
    public void Row_6_logs_that_end_before_the_checkpoint_close_the_group_for_writing()
    {
        Fill(rounds: 20, checkpoints: 1, then: 0);
        List<LogFile> logs = LogFiles.List(Storage, TestGroup.Log());
        Storage.DeleteFile(logs[^1].Path);
        using StorageGroup group = TestGroup.Open(Storage);
        Assert.Equal(ErrorIds.LogMissing, group.ClosedForWriting!.ErrorId);
        Workload.Check(group);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(40)]
    [InlineData(4096)]
    public void Row_7_a_rotation_that_never_finished_is_deleted(int length)
    {
        Fill(rounds: 10);
        string path = Path.Combine(TestGroup.Log(), LogFiles.NameOf((ulong)Workload.Acknowledged.Count + 1, GroupFileKind.Log));
        Storage.Put(path, new byte[length]);
        using (StorageGroup group = TestGroup.Open(Storage))
        {
            Workload.Check(group);
            Assert.False(Storage.FileExists(path));
            Workload.Round(group);
        }
        using StorageGroup reopened = TestGroup.Open(Storage.Crash(new Random(1)));
        Workload.Check(reopened);
    }

    [Fact]
    public void Row_7_a_damaged_header_before_transactions_is_no_unfinished_rotation()
    {
        TestGroup.Create(Storage);
        using (StorageGroup group = TestGroup.Open(Storage)) Assert.Null(Workload.Round(group));
        Storage.Corrupt(LogFiles.List(Storage, TestGroup.Log())[0].Path, 20, 1);
        Refused(ErrorIds.LogDamaged);
    }

    [Fact]
    public void Rows_8_and_9_transactions_up_to_the_checkpoint_are_skipped_and_later_ones_applied()
    {
        TestGroup.Create(Storage);
        int before;
        using (StorageGroup group = TestGroup.Open(Storage))
        {
            Workload.Round(group);
            Workload.Round(group);
            group.Checkpoint(default);
            before = Workload.Acknowledged.Count;
            Workload.Round(group);
        }
        using StorageGroup reopened = TestGroup.Open(Storage);
        Assert.Equal(Workload.Acknowledged.Count - before, reopened.ReplayedTransactions);
        Workload.Check(reopened);
    }

    [Fact]
    public void Row_10_zeros_behind_the_last_frame_are_a_clean_end()
    {
        Fill(rounds: 3);
        string log = LogFiles.List(Storage, TestGroup.Log())[^1].Path;
        using (IStorageFile file = Storage.Open(log, FileAccessKind.ReadWrite)) file.SetLength(file.Length + 100_000);
        using StorageGroup group = TestGroup.Open(Storage);
        Workload.Check(group);
    }

    [Fact]
    public void Row_11_a_torn_tail_is_cut_and_stays_cut()
    {
        Fill(rounds: 3);
        string log = LogFiles.List(Storage, TestGroup.Log())[^1].Path;
        byte[] content = Storage.Content(log)[..^FrameHeader.FrameLength(0)]; // without the witness
        Storage.Put(log, [.. content, .. "MSF1 and then nothing of value"u8, 0, 0]);
        using (StorageGroup group = TestGroup.Open(Storage))
        {
            Workload.Check(group);
            Assert.Equal(content.Length, Storage.FileLength(log));
        }
        using StorageGroup reopened = TestGroup.Open(Storage.Crash(new Random(1)));
        Workload.Check(reopened);
    }

    [Fact]
    public void Row_12_a_bad_frame_before_one_that_proves_it_was_durable_is_refused_with_file_and_offset()
    {
        Fill(rounds: 3);
        string log = LogFiles.List(Storage, TestGroup.Log())[0].Path;
        Storage.Corrupt(log, 200, 1);
        MessageStoreException error = Refused(ErrorIds.LogDamaged, log);
        Assert.Contains("offset", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Row_13_a_log_file_missing_in_the_middle_is_refused()
    {
        Fill(rounds: 30);
        List<LogFile> logs = LogFiles.List(Storage, TestGroup.Log());
        Assert.True(logs.Count >= 3);
        Storage.DeleteFile(logs[1].Path);
        Refused(ErrorIds.LogDamaged, logs[0].Path);
    }

    [Fact]
    public void Row_14_a_large_append_without_its_last_part_is_not_there()
    {
        TestGroup.Create(Storage);
        using (StorageGroup group = TestGroup.Open(Storage))
        {
            Workload.Submit(group, [Step.CreateMailbox(TestGroup.Salt, 1, "ada")]);
            foreach (Step step in Step.Append(TestGroup.Salt, Workload.NewMessage(Workload.Model.Mailboxes[1], (2 << 20) + 7)).SkipLast(1)) Workload.Submit(group, [step]);
        }
        using StorageGroup reopened = TestGroup.Open(Storage);
        Workload.Check(reopened);
        Assert.Empty(reopened.List(1));
        Workload.Round(reopened);
        Workload.Check(reopened);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Row_15_of_a_log_and_a_patch_file_of_one_first_lsn_the_one_with_transactions_counts(bool logIsEmpty)
    {
        GroupFileKind empty = logIsEmpty ? GroupFileKind.Log : GroupFileKind.Patch;
        Fill(rounds: 1);
        ulong first = LogFiles.List(Storage, TestGroup.Log())[^1].FirstLsn;
        byte[] header = new GroupFileHeader(empty, TestGroup.Identity, first).Encode(first - 1, 0);
        if (empty == GroupFileKind.Log)
        {
            string log = Path.Combine(TestGroup.Log(), LogFiles.NameOf(first, GroupFileKind.Log));
            Storage.Put(Path.Combine(TestGroup.Log(), LogFiles.NameOf(first, GroupFileKind.Patch)), Storage.Content(log));
        }
        Storage.Put(Path.Combine(TestGroup.Log(), LogFiles.NameOf(first, empty)), header);
        using (StorageGroup group = TestGroup.Open(Storage))
        {
            Workload.Check(group);
            Assert.Null(Workload.Round(group));
        }
        using StorageGroup reopened = TestGroup.Open(Storage.Crash(new Random(1)));
        Workload.Check(reopened);
    }

    [Fact]
    public void Another_groups_log_is_refused()
    {
        Fill(rounds: 2);
        LogFile log = LogFiles.List(Storage, TestGroup.Log())[^1];
        Storage.Put(log.Path, new GroupFileHeader(GroupFileKind.Log, TestGroup.Identity with { Salt = 7 }, log.FirstLsn).Encode(0, 0));
        Refused(ErrorIds.LogDamaged, log.Path);
    }
}
