using MessageStore.IO;
using MessageStore.Storage;
using MessageStore.Tests.Support;

namespace MessageStore.Tests.Storage;

/// <summary>docs/recovery-table.md, row by row.</summary>
public sealed class RecoveryTableTests
{
    private readonly MemoryStorage storage = new();
    private readonly Workload workload = new(1);

    [Fact]
    public void Row_1_a_store_folder_that_is_missing_or_empty_is_refused()
    {
        TestGroup.Create(storage);
        storage.DeleteFolder(TestGroup.Store());
        Refused(ErrorIds.StoreMissing);
        storage.CreateFolder(TestGroup.Store());
        Refused(ErrorIds.StoreMissing);
    }

    [Fact]
    public void Row_2_the_newest_valid_checkpoint_is_used()
    {
        Fill(rounds: 10, checkpoints: 2);
        using StorageGroup group = TestGroup.Open(storage);
        Assert.Equal(0, group.ReplayedTransactions);
        workload.Check(group);
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
        string newest = IndexSnapshot.List(storage, TestGroup.Store())[0].Path;
        // The last bytes are padding: step over it.
        storage.Corrupt(newest, at >= 0 ? at : storage.FileLength(newest) + at - 8, 1);
        using (StorageGroup group = TestGroup.Open(storage))
        {
            Assert.True(group.ReplayedTransactions > 0);
            workload.Check(group);
            Assert.True(storage.FileExists(newest + ".damaged"));
            workload.Round(group);
            group.Checkpoint(default);
        }
        using StorageGroup reopened = TestGroup.Open(storage);
        Assert.Equal(0, reopened.ReplayedTransactions);
        workload.Check(reopened);
    }

    [Fact]
    public void Row_3_a_truncated_checkpoint_is_damaged()
    {
        Fill(rounds: 20, checkpoints: 2);
        string newest = IndexSnapshot.List(storage, TestGroup.Store())[0].Path;
        using (IStorageFile file = storage.Open(newest, FileAccessKind.ReadWrite)) file.SetLength(file.Length - 64);
        using StorageGroup group = TestGroup.Open(storage);
        workload.Check(group);
    }

    [Fact]
    public void Row_4_no_valid_checkpoint_is_refused_with_file_and_offset()
    {
        Fill(rounds: 10, checkpoints: 2);
        foreach ((_, string path) in IndexSnapshot.List(storage, TestGroup.Store())) storage.Corrupt(path, 200, 1);
        MessageStoreException error = Refused(ErrorIds.StoreDamaged);
        Assert.Contains("checkpoint-", error.Message, StringComparison.Ordinal);
        Assert.Contains("offset", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Row_4_an_older_checkpoint_that_the_logs_do_not_reach_is_no_help()
    {
        Fill(rounds: 20, checkpoints: 2);
        storage.Corrupt(IndexSnapshot.List(storage, TestGroup.Store())[0].Path, 200, 1);
        foreach (LogFile log in LogFiles.List(storage, TestGroup.Log()).SkipLast(1)) storage.DeleteFile(log.Path);
        Refused(ErrorIds.StoreDamaged);
    }

    [Fact]
    public void Row_5_a_segment_that_every_checkpoint_names_must_be_there_in_its_length()
    {
        Fill(rounds: 20, checkpoints: 2);
        string segment = Path.Combine(TestGroup.Store(), "segments", "00000001.seg");
        MemoryStorage shorter = storage.Fork(new Random(1));
        using (IStorageFile file = shorter.Open(segment, FileAccessKind.ReadWrite)) file.SetLength(1000);
        Refused(ErrorIds.StoreDamaged, "00000001.seg", shorter);
        storage.DeleteFile(segment);
        Refused(ErrorIds.StoreDamaged, "00000001.seg");
    }

    [Fact]
    public void Row_5_a_segment_under_the_name_of_another_is_noticed()
    {
        Fill(rounds: 40, checkpoints: 2);
        string folder = Path.Combine(TestGroup.Store(), "segments");
        storage.Put(Path.Combine(folder, "00000001.seg"), storage.Content(Path.Combine(folder, "00000002.seg")));
        Refused(ErrorIds.StoreDamaged, "00000001.seg");
    }

    [Fact]
    public void Row_5_a_segment_that_only_the_newest_checkpoint_names_is_made_again_from_the_logs()
    {
        Fill(rounds: 40, checkpoints: 2);
        storage.DeleteFile(storage.ListFiles(Path.Combine(TestGroup.Store(), "segments"))[^1]);
        using StorageGroup group = TestGroup.Open(storage);
        workload.Check(group);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Row_6_without_logs_the_group_opens_for_reading_only(bool wholeFolder)
    {
        Fill(rounds: 10, checkpoints: 1, then: 0);
        string leftover = Path.Combine(TestGroup.Store(), "segments", "00000099.seg");
        storage.Put(leftover, [1, 2, 3]);
        if (wholeFolder) storage.DeleteFolder(TestGroup.Log());
        else
            foreach (LogFile log in LogFiles.List(storage, TestGroup.Log())) storage.DeleteFile(log.Path);
        using StorageGroup group = TestGroup.Open(storage);
        Assert.Equal(ErrorIds.LogMissing, group.ClosedForWriting!.ErrorId);
        Assert.Equal(StorageState.ReadOnly, group.GetStatus().State);
        workload.Check(group);
        Assert.Equal(ErrorIds.GroupClosedForWriting, workload.Round(group)!.ErrorId);
        Assert.True(storage.FileExists(leftover), "nothing is deleted while the log is away");
    }

    [Fact]
    public void Row_6_logs_that_end_before_the_checkpoint_close_the_group_for_writing()
    {
        Fill(rounds: 20, checkpoints: 1, then: 0);
        List<LogFile> logs = LogFiles.List(storage, TestGroup.Log());
        storage.DeleteFile(logs[^1].Path);
        using StorageGroup group = TestGroup.Open(storage);
        Assert.Equal(ErrorIds.LogMissing, group.ClosedForWriting!.ErrorId);
        workload.Check(group);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(40)]
    [InlineData(4096)]
    public void Row_7_a_rotation_that_never_finished_is_deleted(int length)
    {
        Fill(rounds: 10);
        string path = Path.Combine(TestGroup.Log(), LogFiles.NameOf((ulong)workload.Acknowledged.Count + 1, GroupFileKind.Log));
        storage.Put(path, new byte[length]);
        using (StorageGroup group = TestGroup.Open(storage))
        {
            workload.Check(group);
            Assert.False(storage.FileExists(path));
            workload.Round(group);
        }
        using StorageGroup reopened = TestGroup.Open(storage.Crash(new Random(1)));
        workload.Check(reopened);
    }

    [Fact]
    public void Row_7_a_damaged_header_before_transactions_is_no_unfinished_rotation()
    {
        TestGroup.Create(storage);
        using (StorageGroup group = TestGroup.Open(storage)) Assert.Null(workload.Round(group));
        storage.Corrupt(LogFiles.List(storage, TestGroup.Log())[0].Path, 20, 1);
        Refused(ErrorIds.LogDamaged);
    }

    [Fact]
    public void Rows_8_and_9_transactions_up_to_the_checkpoint_are_skipped_and_later_ones_applied()
    {
        TestGroup.Create(storage);
        int before;
        using (StorageGroup group = TestGroup.Open(storage))
        {
            workload.Round(group);
            workload.Round(group);
            group.Checkpoint(default);
            before = workload.Acknowledged.Count;
            workload.Round(group);
        }
        using StorageGroup reopened = TestGroup.Open(storage);
        Assert.Equal(workload.Acknowledged.Count - before, reopened.ReplayedTransactions);
        workload.Check(reopened);
    }

    [Fact]
    public void Row_10_zeros_behind_the_last_frame_are_a_clean_end()
    {
        Fill(rounds: 3);
        string log = LogFiles.List(storage, TestGroup.Log())[^1].Path;
        using (IStorageFile file = storage.Open(log, FileAccessKind.ReadWrite)) file.SetLength(file.Length + 100_000);
        using StorageGroup group = TestGroup.Open(storage);
        workload.Check(group);
    }

    [Fact]
    public void Row_11_a_torn_tail_is_cut_and_stays_cut()
    {
        Fill(rounds: 3);
        string log = LogFiles.List(storage, TestGroup.Log())[^1].Path;
        byte[] content = storage.Content(log)[..^FrameHeader.FrameLength(0)]; // without the witness
        storage.Put(log, [.. content, .. "MSF1 and then nothing of value"u8, 0, 0]);
        using (StorageGroup group = TestGroup.Open(storage))
        {
            workload.Check(group);
            Assert.Equal(content.Length, storage.FileLength(log));
        }
        using StorageGroup reopened = TestGroup.Open(storage.Crash(new Random(1)));
        workload.Check(reopened);
    }

    [Fact]
    public void Row_12_a_bad_frame_before_one_that_proves_it_was_durable_is_refused_with_file_and_offset()
    {
        Fill(rounds: 3);
        string log = LogFiles.List(storage, TestGroup.Log())[0].Path;
        storage.Corrupt(log, 200, 1);
        MessageStoreException error = Refused(ErrorIds.LogDamaged, log);
        Assert.Contains("offset", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Row_13_a_log_file_missing_in_the_middle_is_refused()
    {
        Fill(rounds: 30);
        List<LogFile> logs = LogFiles.List(storage, TestGroup.Log());
        Assert.True(logs.Count >= 3);
        storage.DeleteFile(logs[1].Path);
        Refused(ErrorIds.LogDamaged, logs[0].Path);
    }

    [Fact]
    public void Row_14_a_large_append_without_its_last_part_is_not_there()
    {
        TestGroup.Create(storage);
        using (StorageGroup group = TestGroup.Open(storage))
        {
            workload.Submit(group, [Step.CreateMailbox(TestGroup.Salt, 1, "ada")]);
            foreach (Step step in Step.Append(TestGroup.Salt, workload.NewMessage(workload.Model.Mailboxes[1], (2 << 20) + 7)).SkipLast(1)) workload.Submit(group, [step]);
        }
        using StorageGroup reopened = TestGroup.Open(storage);
        workload.Check(reopened);
        Assert.Empty(reopened.List(1));
        workload.Round(reopened);
        workload.Check(reopened);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Row_15_of_a_log_and_a_patch_file_of_one_first_lsn_the_one_with_transactions_counts(bool logIsEmpty)
    {
        GroupFileKind empty = logIsEmpty ? GroupFileKind.Log : GroupFileKind.Patch;
        Fill(rounds: 1);
        ulong first = LogFiles.List(storage, TestGroup.Log())[^1].FirstLsn;
        byte[] header = new GroupFileHeader(empty, TestGroup.Identity, first).Encode(first - 1, 0);
        if (empty == GroupFileKind.Log)
        {
            string log = Path.Combine(TestGroup.Log(), LogFiles.NameOf(first, GroupFileKind.Log));
            storage.Put(Path.Combine(TestGroup.Log(), LogFiles.NameOf(first, GroupFileKind.Patch)), storage.Content(log));
        }
        storage.Put(Path.Combine(TestGroup.Log(), LogFiles.NameOf(first, empty)), header);
        using (StorageGroup group = TestGroup.Open(storage))
        {
            workload.Check(group);
            Assert.Null(workload.Round(group));
        }
        using StorageGroup reopened = TestGroup.Open(storage.Crash(new Random(1)));
        workload.Check(reopened);
    }

    [Fact]
    public void Another_groups_log_is_refused()
    {
        Fill(rounds: 2);
        LogFile log = LogFiles.List(storage, TestGroup.Log())[^1];
        storage.Put(log.Path, new GroupFileHeader(GroupFileKind.Log, TestGroup.Identity with { Salt = 7 }, log.FirstLsn).Encode(0, 0));
        Refused(ErrorIds.LogDamaged, log.Path);
    }

    [Fact]
    public void A_log_cut_at_any_byte_gives_a_prefix()
    {
        TestGroup.Create(storage);
        using (StorageGroup group = TestGroup.Open(storage))
            for (int round = 0; round < 3; round++) Assert.Null(workload.Round(group, 3));
        string log = LogFiles.List(storage, TestGroup.Log())[^1].Path;
        byte[] content = storage.Content(log);
        int last = workload.Acknowledged.Count;
        for (int length = content.Length; length >= 0; length--)
        {
            MemoryStorage cut = storage.Fork(new Random(1));
            cut.Put(log, content.AsSpan(0, length));
            using StorageGroup group = TestGroup.Open(cut);
            int lsn = (int)group.LastLsn;
            Assert.InRange(lsn, 0, last);
            last = lsn;
            TestGroup.Verify(group, workload.ModelAt(lsn));
        }
        Assert.Equal(0, last);
    }

    /// <summary>Damage to what later frames vouch for is refused; only the last group commit, where nothing vouches for it yet, may look like a torn tail.</summary>
    [Fact]
    public void A_flip_of_any_byte_of_a_log_never_silently_loses_what_later_frames_prove()
    {
        TestGroup.Create(storage);
        int provenLsn = 0;
        MemoryStorage killed;
        using (StorageGroup group = TestGroup.Open(storage))
        {
            for (int round = 0; round < 4; round++)
            {
                provenLsn = workload.Acknowledged.Count;
                Assert.Null(workload.Round(group, 3));
            }
            killed = storage.Kill();
        }
        (int length, int refused, int shorter) = FlipEach(killed, provenLsn);
        Assert.True(refused > length / 4, $"only {refused} of {length} flips were refused");
        Assert.True(shorter > 0, "the limit that docs/fault-model.md states is gone: say so there");
    }

    /// <summary>When the log was at rest, or was closed, the last group commit has a witness too.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_flip_of_any_byte_of_a_log_with_a_witness_never_loses_anything_silently(bool closed)
    {
        TestGroup.Create(storage);
        MemoryStorage killed;
        using (StorageGroup group = TestGroup.Open(storage))
        {
            for (int round = 0; round < 3; round++) Assert.Null(workload.Round(group, 3));
            if (closed) group.Dispose();
            else await group.WitnessAsync();
            killed = closed ? storage : storage.Crash(new Random(1));
        }
        (int length, int refused, int shorter) = FlipEach(killed, workload.Acknowledged.Count);
        Assert.Equal(0, shorter);
        Assert.True(refused > length / 4, $"only {refused} of {length} flips were refused");
    }

    [Fact]
    public void A_log_at_rest_gets_its_witness_by_itself()
    {
        TestGroup.Create(storage);
        using StorageGroup group = TestGroup.Open(storage, options: TestGroup.Small with { WitnessAfter = TimeSpan.FromMilliseconds(1) });
        Assert.Null(workload.Round(group, 3));
        string log = LogFiles.List(storage, TestGroup.Log())[^1].Path;
        bool HasWitness()
        {
            using IStorageFile file = storage.Open(log, FileAccessKind.Read);
            for (long at = 0; FrameScanner.FindNext(file, TestGroup.Salt, at) is { } next; at = next.Offset + FrameHeader.Alignment)
                if (next.Header.Type == (byte)TransactionType.Vouch && next.Header.Lsn == group.LastLsn) return true;
            return false;
        }
        Assert.True(SpinWait.SpinUntil(HasWitness, TimeSpan.FromMinutes(5)), "no witness in five minutes");
        Assert.Null(workload.Round(group, 3)); // takes its place
        Assert.Equal(workload.Acknowledged.Count, workload.Check(group));
    }

    [Fact]
    public void Damage_to_what_the_checkpoint_holds_is_passed_over_and_said()
    {
        Fill(rounds: 4, checkpoints: 1, then: 3);
        LogFile log = LogFiles.List(storage, TestGroup.Log())[0];
        ulong checkpoint = IndexSnapshot.List(storage, TestGroup.Store())[0].Lsn;
        int passed = 0, refused = 0;
        foreach ((long offset, FrameHeader frame) in Frames(log.Path).Where(f => f.Header.Type != (byte)FileFrameType.LogHeader))
        {
            for (int at = 0; at < frame.Length; at += 61)
            {
                MemoryStorage flipped = storage.Fork(new Random(1));
                flipped.Corrupt(log.Path, offset + at, 0x10);
                try
                {
                    using StorageGroup group = TestGroup.Open(flipped);
                    workload.Check(group);
                    Assert.Equal(workload.Acknowledged.Count, (int)group.LastLsn);
                    if (group.GetStatus().Warning.Contains(log.Path, StringComparison.Ordinal)) passed++;
                    Assert.Null(new Workload(2).Round(group));
                }
                catch (MessageStoreException error) when (error.ErrorId == ErrorIds.LogDamaged)
                {
                    Assert.True(frame.Lsn > checkpoint, $"Damage to transaction {frame.Lsn}, which the checkpoint of {checkpoint} holds, was refused.");
                    refused++;
                }
            }
        }
        Assert.True(passed > 10, $"only {passed} flips were passed over");
        Assert.True(refused > 10, $"only {refused} flips were refused");
    }

    /// <summary>Flips a bit of each byte of the newest log file in turn, and opens: what is proven is there, or the group is refused.</summary>
    private (int Length, int Refused, int Shorter) FlipEach(MemoryStorage disk, int proven)
    {
        string log = LogFiles.List(disk, TestGroup.Log())[^1].Path;
        int length = disk.Content(log).Length, refused = 0, shorter = 0;
        for (int at = 0; at < length; at++)
        {
            MemoryStorage flipped = disk.Fork(new Random(1));
            flipped.Corrupt(log, at, (byte)(1 << (at % 8)));
            StorageGroup group;
            try
            {
                group = TestGroup.Open(flipped);
            }
            catch (MessageStoreException error) when (error.ErrorId is ErrorIds.LogDamaged or ErrorIds.DatabaseFormatTooNew)
            {
                refused++;
                continue;
            }
            using (group)
            {
                Assert.Null(group.ClosedForWriting);
                Assert.InRange((int)group.LastLsn, proven, workload.Acknowledged.Count);
                if ((int)group.LastLsn < workload.Acknowledged.Count) shorter++;
                TestGroup.Verify(group, workload.ModelAt((int)group.LastLsn));
            }
        }
        return (length, refused, shorter);
    }

    private List<(long Offset, FrameHeader Header)> Frames(string path)
    {
        var frames = new List<(long, FrameHeader)>();
        using IStorageFile file = storage.Open(path, FileAccessKind.Read);
        for (long at = 0; FrameScanner.FindNext(file, TestGroup.Salt, at) is { } next; at = next.Offset + next.Header.Length) frames.Add(next);
        return frames;
    }

    private void Fill(int rounds, int checkpoints = 0, int then = -1)
    {
        TestGroup.Create(storage);
        using StorageGroup group = TestGroup.Open(storage);
        for (int round = 0; round < rounds; round++) Assert.Null(workload.Round(group));
        for (int checkpoint = 0; checkpoint < checkpoints; checkpoint++)
        {
            group.Checkpoint(default);
            if (checkpoint + 1 < checkpoints)
                for (int round = 0; round < rounds; round++) Assert.Null(workload.Round(group));
        }
        for (int round = 0; round < then; round++) Assert.Null(workload.Round(group));
    }

    private MessageStoreException Refused(string errorId, string named = "", MemoryStorage? at = null)
    {
        MessageStoreException error = Assert.Throws<MessageStoreException>(() => TestGroup.Open(at ?? storage));
        Assert.Equal(errorId, error.ErrorId);
        Assert.Contains(named, error.Message, StringComparison.Ordinal);
        return error;
    }
}
