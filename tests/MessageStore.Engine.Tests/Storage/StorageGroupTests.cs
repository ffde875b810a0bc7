using MessageStore.IO;
using MessageStore.Messages;
using MessageStore.Storage;
using MessageStore.Tests.Support;

namespace MessageStore.Tests.Storage;

/// <summary>What a group does on a good day, on the real disk and on the one in memory.</summary>
public sealed class StorageGroupTests : IDisposable
{
    private readonly string folder = Path.Combine(Path.GetTempPath(), "messagestore-" + Guid.NewGuid().ToString("n"));

    public static TheoryData<bool> Disks => [true, false];

    public void Dispose()
    {
        if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
    }

    [Theory]
    [MemberData(nameof(Disks))]
    public async Task Messages_of_every_size_come_back_byte_for_byte(bool real)
    {
        (IStorage storage, string root) = Disk(real);
        TestGroup.Create(storage, root);
        var model = new StoreModel();
        var workload = new Workload(1);
        using (StorageGroup group = TestGroup.Open(storage, root))
        {
            int mailbox = (await group.CreateMailboxAsync("ada", default)).Number;
            model.AddMailbox(mailbox, "ada");
            foreach (int length in (int[])[0, 1, 7, 8, 511, 512, 4096, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 2 << 20, (3 << 20) + 5])
            {
                ModelMessage message = workload.NewMessage(model.Mailboxes[mailbox], length);
                using MessageBody body = MessageBody.FromMemory(message.Body);
                await group.AppendAsync(message.Header(), MessageSummary.Empty with { Subject = message.Subject }, body, default);
                model.Add(message);
                TestGroup.Verify(group, model, bodies: false);
            }
            TestGroup.Verify(group, model);
        }
        using StorageGroup reopened = TestGroup.Open(storage, root);
        TestGroup.Verify(reopened, model);
    }

    [Theory]
    [MemberData(nameof(Disks))]
    public async Task Folders_flags_moves_deletes_and_removed_mailboxes_survive_reopening(bool real)
    {
        (IStorage storage, string root) = Disk(real);
        TestGroup.Create(storage, root);
        var workload = new Workload(2);
        UInt128 digest;
        using (StorageGroup group = TestGroup.Open(storage, root))
        {
            await group.CreateMailboxAsync("ada", default);
            Assert.Equal((1, false), await group.CreateMailboxAsync("ADA", default));
            Assert.Equal(2, (await group.CreateMailboxAsync("grace", default)).Number);
            Assert.Equal(1, await group.FolderAsync(1, "Sent", default));
            Assert.Equal(1, await group.FolderAsync(1, "sent", default));
            Assert.Equal(0, await group.FolderAsync(1, "inbox", default));
            await group.RemoveMailboxAsync("grace", default);
            Assert.Equal(3, (await group.CreateMailboxAsync("grace", default)).Number);
            digest = group.StateDigest.Digest;
        }
        using (StorageGroup group = TestGroup.Open(storage, root))
        {
            Assert.Equal(digest, group.StateDigest.Digest);
            Assert.Equal(4, (await group.CreateMailboxAsync("tony", default)).Number);
            workload.Acknowledged.AddRange([
                Step.CreateMailbox(TestGroup.Salt, 1, "ada"), Step.CreateMailbox(TestGroup.Salt, 2, "grace"), Step.CreateFolder(TestGroup.Salt, 1, 1, "Sent"), Step.RemoveMailbox(TestGroup.Salt, 2),
                Step.CreateMailbox(TestGroup.Salt, 3, "grace"), Step.CreateMailbox(TestGroup.Salt, 4, "tony")]);
            for (int round = 0; round < 60; round++) Assert.Null(workload.Round(group));
            workload.Check(group);
        }
        using StorageGroup reopened = TestGroup.Open(storage, root);
        workload.Check(reopened);
    }

    [Theory]
    [MemberData(nameof(Disks))]
    public void A_group_that_was_never_closed_opens_with_everything_acknowledged(bool real)
    {
        (IStorage storage, string root) = Disk(real);
        TestGroup.Create(storage, root);
        var workload = new Workload(3, withLargeMessages: true);
        using StorageGroup group = TestGroup.Open(storage, root);
        for (int round = 0; round < 40; round++)
        {
            Assert.Null(workload.Round(group));
            if (round == 20) group.Checkpoint(default);
        }
        (string copyRoot, IStorage copy) = storage is MemoryStorage memory ? (root, memory.Kill()) : (CopyOf(root), storage);
        using StorageGroup reopened = TestGroup.Open(copy, copyRoot);
        workload.Check(reopened);
        Assert.True(reopened.ReplayedTransactions > 0);
    }

    [Theory]
    [MemberData(nameof(Disks))]
    public void Logs_rotate_segments_roll_and_old_checkpoints_and_logs_go(bool real)
    {
        (IStorage storage, string root) = Disk(real);
        GroupOptions options = TestGroup.Small with { CircularLogging = true };
        TestGroup.Create(storage, root, options);
        var workload = new Workload(4);
        using (StorageGroup group = TestGroup.Open(storage, root, options))
        {
            for (int round = 0; round < 90; round++)
            {
                Assert.Null(workload.Round(group));
                if (round % 30 == 29) group.Checkpoint(default);
            }
            Assert.True(storage.ListFiles(Path.Combine(TestGroup.Store(root), "segments")).Count > 3);
            List<(ulong Lsn, string Path)> snapshots = IndexSnapshot.List(storage, TestGroup.Store(root));
            Assert.Equal(2, snapshots.Count);
            List<LogFile> logs = LogFiles.List(storage, TestGroup.Log(root));
            Assert.True(logs.Count > 2);
            Assert.InRange(logs[0].FirstLsn, 2UL, snapshots[1].Lsn + 1);
            Assert.True(logs[1].FirstLsn > snapshots[1].Lsn + 1, "a log that both checkpoints are past was kept");
        }
        using StorageGroup reopened = TestGroup.Open(storage, root, options);
        workload.Check(reopened);
    }

    [Fact]
    public void Logs_stay_until_a_backup_is_past_them()
    {
        (IStorage storage, string root) = Disk(real: false);
        TestGroup.Create(storage, root);
        var workload = new Workload(5);
        using StorageGroup group = TestGroup.Open(storage, root);
        for (int round = 0; round < 60; round++) workload.Round(group);
        int before = LogFiles.List(storage, TestGroup.Log(root)).Count;
        Assert.True(before > 2);
        workload.Submit(group, [Step.BackedUp(TestGroup.Salt, Guid.NewGuid(), 0)]);
        group.Checkpoint(default);
        workload.Round(group);
        group.Checkpoint(default);
        Assert.Equal(before, LogFiles.List(storage, TestGroup.Log(root)).Count);
        workload.Submit(group, [Step.BackedUp(TestGroup.Salt, Guid.NewGuid(), group.LastLsn)]);
        group.Checkpoint(default);
        Assert.True(LogFiles.List(storage, TestGroup.Log(root)).Count < before);
    }

    [Fact]
    public void A_checkpoint_during_a_large_append_and_one_after_it_was_given_up_can_be_opened()
    {
        (IStorage storage, string root) = Disk(real: false);
        TestGroup.Create(storage, root);
        var workload = new Workload(6);
        using (StorageGroup group = TestGroup.Open(storage, root))
        {
            workload.Submit(group, [Step.CreateMailbox(TestGroup.Salt, 1, "ada")]);
            IReadOnlyList<Step> large = Step.Append(TestGroup.Salt, workload.NewMessage(workload.Model.Mailboxes[1], (3 << 20) + 1));
            workload.Submit(group, [large[0]]);
            group.Checkpoint(default);
            workload.Submit(group, [Step.CreateFolder(TestGroup.Salt, 1, 1, "so that both checkpoints that are kept name the segment")]);
            group.Checkpoint(default);
            using (StorageGroup during = TestGroup.Open(((MemoryStorage)storage).Fork(new Random(1)), root)) workload.Check(during);
            foreach (Step part in large.Skip(1)) workload.Submit(group, [part]);
            using (StorageGroup after = TestGroup.Open(((MemoryStorage)storage).Fork(new Random(1)), root)) workload.Check(after);
            workload.Submit(group, [Step.Append(TestGroup.Salt, workload.NewMessage(workload.Model.Mailboxes[1], (2 << 20) + 1))[0]]);
        }
        using (StorageGroup group = TestGroup.Open(storage, root)) group.Checkpoint(default); // what was under way is given up
        using StorageGroup reopened = TestGroup.Open(storage, root);
        workload.Check(reopened);
    }

    [Fact]
    public async Task A_cancelled_large_append_leaves_nothing_to_be_seen()
    {
        (IStorage storage, string root) = Disk(real: false);
        TestGroup.Create(storage, root);
        using StorageGroup group = TestGroup.Open(storage, root);
        await group.CreateMailboxAsync("ada", default);
        var model = new StoreModel();
        model.AddMailbox(1, "ada");
        ModelMessage message = new Workload(7).NewMessage(model.Mailboxes[1], 3 << 20);
        using var cancel = new CancellationTokenSource();
        using MessageBody body = MessageBody.FromMemory(message.Body);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => group.AppendAsync(message.Header(), MessageSummary.Empty, body, cancel.Token));
        TestGroup.Verify(group, model);
        await group.AppendAsync(message.Header(), MessageSummary.Empty with { Subject = message.Subject }, body, default);
        model.Add(message);
        TestGroup.Verify(group, model);
        group.Checkpoint(default);
        using StorageGroup reopened = TestGroup.Open(((MemoryStorage)storage).Fork(new Random(1)), root);
        TestGroup.Verify(reopened, model);
    }

    [Fact]
    public void Short_reads_change_nothing()
    {
        (IStorage storage, string root) = Disk(real: false);
        TestGroup.Create(storage, root);
        var workload = new Workload(8, withLargeMessages: true);
        using (StorageGroup group = TestGroup.Open(storage, root))
            for (int round = 0; round < 40; round++)
            {
                Assert.Null(workload.Round(group));
                if (round == 20) group.Checkpoint(default);
            }
        ((MemoryStorage)storage).ShortReads = true;
        using StorageGroup reopened = TestGroup.Open(storage, root);
        workload.Check(reopened);
    }

    [Fact]
    public void A_listing_shows_each_message_once_while_others_delete_and_append()
    {
        (IStorage storage, string root) = Disk(real: false);
        TestGroup.Create(storage, root);
        var workload = new Workload(9);
        using StorageGroup group = TestGroup.Open(storage, root);
        workload.Submit(group, [Step.CreateMailbox(TestGroup.Salt, 1, "ada"), Step.CreateMailbox(TestGroup.Salt, 2, "grace")]);
        var random = new Random(9);
        for (int i = 0; i < 8; i++) Append(100);
        for (int run = 0; run < 20; run++)
        {
            var before = workload.Model.Mailboxes[1].Order.ToHashSet();
            var deleted = new HashSet<Guid>();
            var seen = new List<Guid>();
            foreach (IndexEntry entry in group.List(1))
            {
                seen.Add(entry.Id.ToGuid());
                Assert.Equal(1, entry.Mailbox);
                if (seen.Count % 100 != 0) continue;
                StoreModel now = workload.Model;
                Step[] deletes = [.. now.Mailboxes[1].Order.Where(_ => random.Next(4) == 0).Take(60).Select(id =>
                {
                    deleted.Add(id);
                    return Step.Delete(TestGroup.Salt, id);
                })];
                if (deletes.Length > 0) workload.Submit(group, deletes);
                Append(40);
                workload.Submit(group, [.. Enumerable.Range(0, 30).SelectMany(_ => Step.Append(TestGroup.Salt, workload.NewMessage(now.Mailboxes[2], 3)))]);
            }
            Assert.Equal(seen.Count, seen.Distinct().Count());
            Assert.Empty(before.Except(deleted).Except(seen));
        }
        workload.Check(group);

        void Append(int count)
        {
            StoreModel model = workload.Model;
            workload.Submit(group, [.. Enumerable.Range(0, count).SelectMany(_ => Step.Append(TestGroup.Salt, workload.NewMessage(model.Mailboxes[1], 5)))]);
        }
    }

    private (IStorage Storage, string Root) Disk(bool real) => real ? (DiskStorage.Instance, folder) : (new MemoryStorage(), "/db");

    /// <summary>The files as they are now, while they are open.</summary>
    private string CopyOf(string root)
    {
        string copy = Path.Combine(folder, "copy");
        foreach (string file in Directory.GetFiles(root, "*", SearchOption.AllDirectories))
        {
            string target = Path.Combine(copy, Path.GetRelativePath(root, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target);
        }
        return copy;
    }
}
