using MessageStore.IO;
using MessageStore.Storage;
using MessageStore.Tests.Support;

namespace MessageStore.Tests.Storage;

/// <summary>Log files that are used again (docs/format-log.md), rule by rule.</summary>
public sealed class RecycledLogTests
{
    private static readonly GroupOptions Circular = TestGroup.Small with { CircularLogging = true };

    private readonly MemoryStorage storage = new();
    private readonly Workload workload = new(1);

    public RecycledLogTests() => TestGroup.Create(storage, options: Circular);

    [Fact]
    public void A_log_that_nobody_needs_is_kept_and_written_again()
    {
        using (StorageGroup group = Open())
        {
            Until(group, () => group.GetStatus().SpareLogBytes > 0);
            Assert.Equal(Spares().Sum(storage.FileLength), group.GetStatus().SpareLogBytes);
            long used = group.LogsUsedAgain;
            Until(group, () => group.LogsUsedAgain > used);
            LogFile current = LogFiles.List(storage, TestGroup.Log())[^1];
            Assert.True(storage.FileLength(current.Path) >= Circular.LogFileLimit, "its space is there already");
            Assert.NotEmpty(IdsBefore(current));
        }
        TestGroup.Recover(storage.Crash(new Random(1)), Circular, workload);
    }

    /// <summary>Or the system would have to read a page before a part of it can be written, with every flush.</summary>
    [Fact]
    public void A_log_that_is_used_again_is_written_in_whole_pages()
    {
        using StorageGroup group = Open();
        int looks = 0;
        Until(group, () =>
        {
            LogFile current = LogFiles.List(storage, TestGroup.Log())[^1];
            byte[] content = storage.Content(current.Path);
            long tail = Tail(current);
            int page = (int)Math.Min(content.Length, (tail + LogBuffer.BlockSize - 1) & -LogBuffer.BlockSize);
            Assert.DoesNotContain(content[(int)tail..page], b => b != 0);
            if (group.LogsUsedAgain > 0 && content.AsSpan(page).ContainsAnyExcept((byte)0)) looks++;
            return looks > 20;
        });
    }

    [Fact]
    public void What_a_dead_process_kept_is_deleted_by_the_next_opening()
    {
        MemoryStorage killed;
        using (StorageGroup group = Open())
        {
            Until(group, () => group.GetStatus().SpareLogBytes > 0);
            killed = storage.Kill();
        }
        Assert.Contains(killed.ListFiles(TestGroup.Log()), IsSpare);
        using StorageGroup reopened = TestGroup.Open(killed, options: Circular);
        Assert.DoesNotContain(killed.ListFiles(TestGroup.Log()), IsSpare);
        Assert.Equal(0, reopened.GetStatus().SpareLogBytes);
        workload.Check(reopened);
    }

    [Fact]
    public void A_group_that_is_closed_keeps_no_spares()
    {
        using (StorageGroup group = Open()) Until(group, () => group.GetStatus().SpareLogBytes > 0);
        Assert.Empty(Spares());
    }

    /// <summary>Whoever copies a log that is closed copies nothing of what its file held before, also after a loss of power.</summary>
    [Fact]
    public void A_closed_log_ends_with_its_last_transaction_at_every_moment()
    {
        string? wrong = null;
        using StorageGroup group = Open();
        storage.BeforeChange = _ =>
        {
            for (int chance = 0; chance < 2; chance++)
            {
                MemoryStorage survivor = storage.Fork(new Random(chance));
                List<LogFile> logs = LogFiles.List(survivor, TestGroup.Log());
                foreach (LogFile log in logs.SkipLast(1))
                    if (Older(survivor, log) > 0) wrong ??= log.Path;
            }
        };
        Until(group, () => group.LogsUsedAgain > 5 || wrong is not null);
        storage.BeforeChange = null;
        Assert.Null(wrong);
    }

    /// <summary>The old name is gone for certain before anything new is written, and the new name comes when the header is durable.</summary>
    [Fact]
    public void At_every_moment_the_header_of_a_log_is_that_of_its_name()
    {
        string? wrong = null;
        using StorageGroup group = Open();
        storage.BeforeChange = _ =>
        {
            for (int chance = 0; chance < 4; chance++)
            {
                MemoryStorage survivor = storage.Fork(new Random(chance));
                foreach (LogFile log in LogFiles.List(survivor, TestGroup.Log()))
                {
                    using IStorageFile file = survivor.Open(log.Path, FileAccessKind.Read);
                    if (GroupFileHeader.Read(file, out int _) is { } header && (header.Number != log.FirstLsn || header.Kind != log.Kind)) wrong ??= $"{log.Path} begins at {header.Number}";
                }
            }
        };
        Until(group, () => group.LogsUsedAgain > 8 || wrong is not null);
        storage.BeforeChange = null;
        Assert.Null(wrong);
    }

    [Fact]
    public void A_header_that_is_not_that_of_the_name_is_refused()
    {
        using (StorageGroup group = Open()) Until(group, () => group.LogsUsedAgain > 0);
        LogFile log = LogFiles.List(storage, TestGroup.Log())[^1];
        byte[] content = storage.Content(log.Path);
        new GroupFileHeader(log.Kind, TestGroup.Identity, log.FirstLsn - 1).Encode(log.FirstLsn - 2, 1).CopyTo(content, 0);
        storage.Put(log.Path, content);
        MessageStoreException error = Assert.Throws<MessageStoreException>(Open);
        Assert.Equal(ErrorIds.LogDamaged, error.ErrorId);
        Assert.Contains(log.Path, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Older_frames_behind_a_torn_tail_are_no_transactions_and_no_proof_of_damage()
    {
        (MemoryStorage killed, LogFile log, List<long> frames) = KilledInRecycledLog(witness: false);
        ulong last = log.FirstLsn + (ulong)frames.Count - 1;
        killed.Corrupt(log.Path, frames[^1] + FrameHeader.Size, 1);
        using StorageGroup group = TestGroup.Open(killed, options: Circular);
        Assert.Null(group.ClosedForWriting);
        Assert.Equal(last - 1, group.LastLsn);
        Assert.Equal(frames[^1], killed.FileLength(log.Path));
        TestGroup.Verify(group, workload.ModelAt((int)last - 1));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Damage_before_older_frames_is_damage_where_a_later_frame_or_a_witness_says_so(bool lastWithWitness)
    {
        (MemoryStorage killed, LogFile log, List<long> frames) = KilledInRecycledLog(lastWithWitness);
        killed.Corrupt(log.Path, (lastWithWitness ? frames[^1] : frames[0]) + FrameHeader.Size, 1);
        MessageStoreException error = Assert.Throws<MessageStoreException>(() => TestGroup.Open(killed, options: Circular));
        Assert.Equal(ErrorIds.LogDamaged, error.ErrorId);
    }

    [Fact]
    public void A_log_that_a_backup_copies_is_not_written_again()
    {
        using StorageGroup group = Open();
        Until(group, () => group.LogsUsedAgain > 2);
        ulong last = group.EndLogFile().Lsn;
        using (HeldLogs held = group.LogsBetween(0, last))
        {
            LogExtent extent = held.Files[0];
            using IStorageFile file = storage.Open(extent.Path, FileAccessKind.Read);
            byte[] before = Bytes(file);
            Until(group, () => group.GetStatus().SpareLogBytes == 0 && !storage.FileExists(extent.Path));
            for (int round = 0; round < 40; round++) Assert.Null(workload.Round(group));
            Assert.Equal(before, Bytes(file));
        }
        Until(group, () => group.GetStatus().SpareLogBytes > 0);
    }

    [Fact]
    public void A_log_that_a_repair_reads_is_not_written_again()
    {
        using StorageGroup group = Open();
        Until(group, () => group.LogsUsedAgain > 2);
        var open = new List<IDisposable>();
        group.FindInLogs(new HashSet<Guid>(), open, default);
        byte[][] before = [.. open.OfType<IStorageFile>().Select(Bytes)];
        IStorageFile[] files = [.. open.OfType<IStorageFile>()];
        Until(group, () => group.GetStatus().SpareLogBytes == 0 && !storage.FileExists(files[^1].Path));
        for (int i = 0; i < files.Length - 1; i++) Assert.Equal(before[i], Bytes(files[i]));
        open.ForEach(o => o.Dispose());
        Until(group, () => group.GetStatus().SpareLogBytes > 0);
    }

    [Fact]
    public void A_repair_takes_no_image_from_what_a_log_held_before()
    {
        using StorageGroup group = Open();
        HashSet<Guid> older = [];
        Until(group, () =>
        {
            older = IdsBefore(LogFiles.List(storage, TestGroup.Log())[^1]);
            return older.Count > 0;
        });
        var open = new List<IDisposable>();
        Assert.Empty(group.FindInLogs(older, open, default).Found);
        open.ForEach(o => o.Dispose());
    }

    [Fact]
    public void Patch_files_are_used_again_and_made_of_logs()
    {
        using StorageGroup group = Open();
        Until(group, () => group.GetStatus().SpareLogBytes > 3 * Circular.LogFileLimit);
        long used = group.LogsUsedAgain;
        using (group.BeginBackup(default))
        {
            Assert.Equal(GroupFileKind.Patch, LogFiles.List(storage, TestGroup.Log())[^1].Kind);
            Assert.True(group.LogsUsedAgain > used);
            int patches = LogFiles.List(storage, TestGroup.Log()).Count;
            while (LogFiles.List(storage, TestGroup.Log()).Count < patches + 2) Assert.Null(workload.Round(group));
        }
        Until(group, () => Spares().Exists(s => s.Contains(LogFiles.PatchExtension, StringComparison.Ordinal)));
        TestGroup.Recover(storage.Fork(new Random(1)), Circular, workload);
    }

    [Fact]
    public void A_full_disk_gets_the_space_of_the_spares()
    {
        using StorageGroup group = Open();
        Until(group, () => group.GetStatus().SpareLogBytes > 2 * Circular.LogFileLimit);
        storage.Capacity = long.MaxValue - storage.FreeBytes("/");
        MessageStoreException? full = null;
        for (int round = 0; round < 20 && full is null; round++) full = workload.Round(group);
        Assert.Equal(ErrorIds.DiskFull, full!.ErrorId);
        Assert.Equal(0, group.GetStatus().SpareLogBytes);
        Assert.Null(workload.Round(group));
        workload.Check(group);
    }

    [Fact]
    public void As_much_is_kept_as_the_budget_allows_and_nothing_too_short()
    {
        string folder = TestGroup.Log("/other");
        int[] lengths = [20_000, 100, 20_000, 20_000, 300];
        for (int i = 0; i < lengths.Length; i++) storage.Put(Path.Combine(folder, LogFiles.NameOf((ulong)(i * 10) + 1, GroupFileKind.Log)), new byte[lengths[i]]);
        var spares = new SpareLogs(storage, folder);
        spares.Retire(40, 41, shortest: 6_000, budget: 45_000);
        Assert.Equal(40_000, spares.Bytes);
        Assert.Equal(2, storage.ListFiles(folder).Count(IsSpare));
        Assert.Single(LogFiles.List(storage, folder));
        spares.Clear();
        Assert.Equal(0, spares.Bytes);
        Assert.Single(storage.ListFiles(folder));
    }

    private StorageGroup Open() => TestGroup.Open(storage, options: Circular);

    private void Until(StorageGroup group, Func<bool> isSo)
    {
        for (int round = 0; round < 5000; round++)
        {
            if (isSo()) return;
            Assert.Null(workload.Round(group));
            if (round % 7 == 6) group.Checkpoint(default);
        }
        Assert.Fail("It did not happen in 5000 rounds.");
    }

    /// <summary>A process killed while the newest log is one that is used again, with older frames behind the tail.</summary>
    /// <returns>The disk, that log, and where its frames begin. The first and the last are not of one group commit.</returns>
    private (MemoryStorage Killed, LogFile Log, List<long> Frames) KilledInRecycledLog(bool witness)
    {
        using StorageGroup group = Open();
        List<long> frames = [];
        LogFile log = default;
        Until(group, () =>
        {
            log = LogFiles.List(storage, TestGroup.Log())[^1];
            frames = Frames(storage, log);
            return group.CheckpointLsn < log.FirstLsn && frames.Count > 4 && IdsBefore(log).Count > 0;
        });
        Step[] flags = [Step.Flag(TestGroup.Salt, Guid.NewGuid(), default)];
        Assert.Null(workload.Submit(group, flags));
        if (witness) group.WitnessAsync().GetAwaiter().GetResult();
        Assert.NotEmpty(IdsBefore(log));
        frames = Frames(storage, log);
        return (storage.Kill(), log, frames);
    }

    private List<string> Spares() => [.. storage.ListFiles(TestGroup.Log()).Where(IsSpare)];

    private static bool IsSpare(string path) => path.EndsWith(SpareLogs.Extension, StringComparison.Ordinal);

    private static byte[] Bytes(IStorageFile file)
    {
        byte[] bytes = new byte[file.Length];
        file.ReadFully(bytes, 0);
        return bytes;
    }

    private static List<long> Frames(MemoryStorage disk, LogFile log)
    {
        using IStorageFile file = disk.Open(log.Path, FileAccessKind.Read);
        GroupFileHeader.Read(file, out int length);
        using var reader = new FrameReader(file, TestGroup.Salt, length, log.FirstLsn);
        var frames = new List<long>();
        while (reader.TryRead(out _, out _)) frames.Add(reader.FrameOffset);
        return frames;
    }

    private long Tail(LogFile log)
    {
        using IStorageFile file = storage.Open(log.Path, FileAccessKind.Read);
        GroupFileHeader.Read(file, out int length);
        using var reader = new FrameReader(file, TestGroup.Salt, length, log.FirstLsn);
        long tail = length;
        while (reader.TryRead(out FrameHeader header, out _)) tail = reader.FrameOffset + header.Length;
        return tail;
    }

    /// <summary>How many bytes there are behind the last frame of a log.</summary>
    private static long Older(MemoryStorage disk, LogFile log)
    {
        using IStorageFile file = disk.Open(log.Path, FileAccessKind.Read);
        if (GroupFileHeader.Read(file, out int length) is null) return 0;
        for (long at = length; FrameScanner.FindNext(file, TestGroup.Salt, at) is { } next; at = next.Offset + FrameHeader.Alignment)
            if (next.Header.Lsn < log.FirstLsn) return file.Length - next.Offset;
        return 0;
    }

    /// <summary>Messages whose images lie in a log from the time before it was used again.</summary>
    private HashSet<Guid> IdsBefore(LogFile log)
    {
        using IStorageFile file = storage.Open(log.Path, FileAccessKind.Read);
        var ids = new HashSet<Guid>();
        byte[] id = new byte[16];
        for (long at = 0; FrameScanner.FindNext(file, TestGroup.Salt, at) is { } next; at = next.Offset + FrameHeader.Alignment)
        {
            if (next.Header.Lsn >= log.FirstLsn || next.Header.Type != (byte)TransactionType.Append) continue;
            file.ReadFully(id, next.Offset + FrameHeader.Size);
            ids.Add(new Guid(id, bigEndian: true));
        }
        return ids;
    }
}
