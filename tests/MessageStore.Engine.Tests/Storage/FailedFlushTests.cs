using MessageStore.Storage;
using MessageStore.Tests.Support;

namespace MessageStore.Tests.Storage;

/// <summary>A flush that failed, or that came a moment too early. What Linux does after a failed fsync: the pages count as written, reading shows them, the disk lacks them.</summary>
public sealed class FailedFlushTests
{
    private static readonly IOException Broken = new("Input/output error", 5);

    private readonly MemoryStorage storage = new(3);
    private readonly Workload workload = new(3);

    public FailedFlushTests() => TestGroup.Create(storage);

    /// <summary>Or all that comes would be acknowledged into a file that has no name any more.</summary>
    [Fact]
    public async Task A_log_that_somebody_deletes_closes_the_group_with_the_next_write()
    {
        using StorageGroup group = TestGroup.Open(storage);
        workload.Submit(group, [Step.CreateMailbox(TestGroup.Salt, 1, "ada")]);
        storage.DeleteFile(LogFiles.List(storage, TestGroup.Log())[^1].Path);
        var error = await Assert.ThrowsAsync<MessageStoreException>(() => group.CommitAsync(Transaction.FolderCreated(1, 1, "a", TestGroup.Salt)));
        Assert.Equal(ErrorIds.GroupClosedForWriting, error.ErrorId);
        Assert.Contains("was deleted", error.Message, StringComparison.Ordinal);
        Assert.Equal(["ada"], group.MailboxNames());
    }

    [Fact]
    public async Task A_failed_flush_of_the_log_closes_the_group_and_every_waiting_writer_is_told()
    {
        using (StorageGroup group = TestGroup.Open(storage))
        {
            workload.Submit(group, [Step.CreateMailbox(TestGroup.Salt, 1, "ada")]);
            storage.FailAt(1, Broken, StorageOperations.Flush);
            Task<ulong>[] waiting = [.. Enumerable.Range(0, 8).Select(i => group.CommitAsync(Transaction.FolderCreated(1, 1, "a", TestGroup.Salt)))];
            foreach (Task<ulong> task in waiting)
                Assert.Equal(ErrorIds.GroupClosedForWriting, (await Assert.ThrowsAsync<MessageStoreException>(() => task)).ErrorId);
            Assert.Equal(ErrorIds.GroupClosedForWriting, (await Assert.ThrowsAsync<MessageStoreException>(() => group.CreateMailboxAsync("grace", default))).ErrorId);
            Assert.Equal(StorageState.ReadOnly, group.GetStatus().State);
            Assert.Equal(["ada"], group.MailboxNames());
        }
        using StorageGroup reopened = TestGroup.Open(storage);
        Assert.Null(reopened.ClosedForWriting);
        Assert.Equal(2, (await reopened.CreateMailboxAsync("grace", default)).Number);
    }

    /// <summary>The last block is written over with itself: past the cache, that is where a medium that fails may spoil what it had.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_failed_write_to_the_log_closes_the_group_where_what_was_there_before_is_spoilt(bool isSpoilt)
    {
        using StorageGroup group = TestGroup.Open(storage);
        workload.Submit(group, [Step.CreateMailbox(TestGroup.Salt, 1, "ada")]);
        FailNextWrite(isSpoilt);
        bool closes = isSpoilt;
        var error = await Assert.ThrowsAsync<MessageStoreException>(() => group.CommitAsync(Transaction.FolderCreated(1, 1, "a", TestGroup.Salt)));
        storage.BeforeChange = null;
        Assert.Equal(closes ? ErrorIds.GroupClosedForWriting : ErrorIds.DeviceFailed, error.ErrorId);
        Assert.Equal(closes, group.ClosedForWriting is not null);
        Assert.Equal(["ada"], group.MailboxNames());
        if (!closes) Assert.Equal(2, (await group.CreateMailboxAsync("grace", default)).Number);
    }

    /// <summary>Nobody waits for a witness, but it goes over the same block.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_failed_write_of_a_witness_closes_the_group_where_what_was_there_before_is_spoilt(bool isSpoilt)
    {
        using StorageGroup group = TestGroup.Open(storage);
        workload.Submit(group, [Step.CreateMailbox(TestGroup.Salt, 1, "ada")]);
        FailNextWrite(isSpoilt);
        await group.WitnessAsync();
        storage.BeforeChange = null;
        Assert.True(storage.FaultHappened);
        Assert.Equal(isSpoilt, group.ClosedForWriting is not null);
        if (!isSpoilt) Assert.Equal(2, (await group.CreateMailboxAsync("grace", default)).Number);
    }

    /// <param name="isSpoilt">Whether it takes a byte of the last frame in the log with it.</param>
    private void FailNextWrite(bool isSpoilt)
    {
        string log = LogFiles.List(storage, TestGroup.Log())[^1].Path;
        int last = storage.Content(log).AsSpan().LastIndexOfAnyExcept((byte)0);
        storage.FailAt(1, Broken, StorageOperations.Write);
        storage.BeforeChange = operation =>
        {
            if (operation != StorageOperations.SetLength || !isSpoilt) return;
            isSpoilt = false;
            storage.Corrupt(log, last, 0x10);
        };
    }

    [Fact]
    public void A_failed_flush_of_a_segment_closes_the_group_and_no_later_checkpoint_vouches_for_what_it_dropped()
    {
        using (StorageGroup group = TestGroup.Open(storage))
        {
            for (int round = 0; round < 10; round++) workload.Round(group);
            storage.FailAt(1, Broken, StorageOperations.Flush);
            Assert.Equal(ErrorIds.DeviceFailed, Assert.Throws<MessageStoreException>(() => group.Checkpoint(default)).ErrorId);
            Assert.NotNull(group.ClosedForWriting);
            Assert.Equal(ErrorIds.DeviceFailed, Assert.Throws<MessageStoreException>(() => group.Checkpoint(default)).ErrorId);
            workload.Check(group);
        }
        Assert.Single(IndexSnapshot.List(storage, TestGroup.Store()));
        for (int chance = 0; chance < 20; chance++)
        {
            using StorageGroup crashed = TestGroup.Open(storage.Fork(new Random(chance)));
            workload.Check(crashed);
        }
        using StorageGroup reopened = TestGroup.Open(storage);
        reopened.Checkpoint(default);
        workload.Check(reopened);
        using StorageGroup afterwards = TestGroup.Open(storage.Fork(new Random(1)));
        Assert.Equal(0, afterwards.ReplayedTransactions);
        workload.Check(afterwards);
    }

    [Fact]
    public async Task A_write_during_a_checkpoints_flush_is_flushed_by_the_next()
    {
        using StorageGroup group = TestGroup.Open(storage);
        workload.Submit(group, [Step.CreateMailbox(TestGroup.Salt, 1, "ada")]);
        for (int i = 0; i < 2; i++) workload.Submit(group, Step.Append(TestGroup.Salt, workload.NewMessage(workload.Model.Mailboxes[1], 20_000)));

        // The checkpoint flushes two segments. Before the first flush a writer begins to write to the second, and is held at the disk's door until
        // the checkpoint has flushed that one.
        int self = Environment.CurrentManagedThreadId, flushes = 0;
        using var writerIsAtTheDoor = new ManualResetEventSlim();
        using var bothAreFlushed = new ManualResetEventSlim();
        Task? writing = null;
        IReadOnlyList<Step> late = Step.Append(TestGroup.Salt, workload.NewMessage(workload.Model.Mailboxes[1], 3000));
        storage.Interleave = kind =>
        {
            if (Environment.CurrentManagedThreadId != self)
            {
                writerIsAtTheDoor.Set();
                bothAreFlushed.Wait();
            }
            else if (kind == StorageOperations.Flush && flushes++ == 0)
            {
                writing = group.CommitAsync(late[0].Transaction);
                writerIsAtTheDoor.Wait();
            }
            else if (kind == StorageOperations.Write)
            {
                bothAreFlushed.Set();
            }
        };
        group.Checkpoint(default);
        storage.Interleave = null;
        await writing!;
        workload.Acknowledged.Add(late[0]);
        group.Checkpoint(default);
        for (int chance = 0; chance < 20; chance++)
        {
            using StorageGroup crashed = TestGroup.Open(storage.Fork(new Random(chance)));
            workload.Check(crashed);
        }
    }

    [Fact]
    public void What_was_read_from_the_cache_at_an_opening_is_on_disk_afterwards()
    {
        for (int chance = 0; chance < 20; chance++)
        {
            var disk = new MemoryStorage(chance);
            TestGroup.Create(disk);
            var work = new Workload(chance);
            StorageGroup abandoned = TestGroup.Open(disk); // never closed: its process was killed
            work.Round(abandoned);
            disk.FailAt(1, Broken, StorageOperations.Flush);
            Assert.NotNull(work.Round(abandoned));
            using StorageGroup group = TestGroup.Open(disk);
            work.Settle(group);
            Assert.Null(work.Round(group));
            using StorageGroup crashed = TestGroup.Open(disk.Fork(new Random(chance)));
            work.Check(crashed);
        }
    }
}
