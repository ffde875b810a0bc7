using MessageStore.Storage;
using MessageStore.Tests.Support;

namespace MessageStore.Tests.Storage;

/// <summary>Space comes back, and nobody notices.</summary>
public class CompactionTests
{
    private static readonly CompactionOptions Half = new() { ReaderPatience = TimeSpan.Zero };

    [Fact]
    public async Task Space_is_back_on_the_disk_and_every_message_reads_as_before()
    {
        (MemoryStorage storage, StorageGroup group, StoreModel model) = Fill(60);
        using (group)
        {
            DeleteAllBut(group, model, 5);
            long before = SegmentBytes(storage);
            GroupCompaction done = await group.CompactAsync(Half, null, CancellationToken.None);
            Assert.True(group.ReleaseSpace(TimeSpan.Zero, CancellationToken.None));
            long after = SegmentBytes(storage);
            Assert.True(done.Segments > 2, $"{done.Segments} segments");
            // But for the header of a segment that was begun.
            Assert.InRange(done.SegmentBytes - done.BytesCopied - (before - after), 0, GroupFileHeader.LongestFrame);
            Assert.True(after < before / 2, $"{after} of {before}");
            Assert.Equal(after, group.GetStatus().StoreBytes);
            TestGroup.Verify(group, model);
        }
        using StorageGroup reopened = TestGroup.Open(storage);
        TestGroup.Verify(reopened, model);
    }

    [Fact]
    public async Task No_more_images_are_listed_at_once_than_memory_is_for_or_a_segment_holds()
    {
        (_, StorageGroup group, StoreModel model) = Fill(60);
        using (group)
        {
            int inOne = group.List(1).GroupBy(e => e.Segment).Max(s => s.Count());
            Assert.InRange(inOne, 1, model.Messages.Count / 3);
            GroupCompaction done = await group.CompactAsync(Half with { MinimumDeadShare = 0, ImagesInMemory = 1 }, null, CancellationToken.None);
            Assert.True(done.Segments > 2, $"{done.Segments} segments");
            Assert.InRange(done.MostImages, 1, inOne);
            TestGroup.Verify(group, model);
        }
    }

    [Fact]
    public async Task A_message_of_several_frames_is_copied_whole()
    {
        (MemoryStorage storage, StorageGroup group, StoreModel model) = Fill(20, large: true);
        using (group)
        {
            GroupCompaction done = await group.CompactAsync(Half with { MinimumDeadShare = 0, SealCurrent = true }, null, CancellationToken.None);
            Assert.True(done.BytesCopied > 2_500_000);
            Assert.True(group.ReleaseSpace(TimeSpan.Zero, CancellationToken.None));
            TestGroup.Verify(group, model);
        }
        using StorageGroup reopened = TestGroup.Open(storage);
        TestGroup.Verify(reopened, model);
    }

    [Fact]
    public async Task A_segment_without_a_living_message_goes_without_copying()
    {
        (MemoryStorage storage, StorageGroup group, StoreModel model) = Fill(40);
        using (group)
        {
            DeleteAllBut(group, model, int.MaxValue);
            GroupCompaction done = await group.CompactAsync(Half with { SealCurrent = true }, null, CancellationToken.None);
            group.ReleaseSpace(TimeSpan.Zero, CancellationToken.None);
            Assert.Equal(0, done.BytesCopied);
            Assert.Single(storage.ListFiles(GroupRecovery.SegmentFolder(TestGroup.Store())));
        }
    }

    [Fact]
    public async Task A_reader_goes_on_reading_the_segment_that_was_compacted_under_him()
    {
        (MemoryStorage storage, StorageGroup group, StoreModel model) = Fill(40);
        using (group)
        {
            DeleteAllBut(group, model, 5);
            Guid id = model.Messages.Keys.First();
            Assert.True(group.TryGet(id, out IndexEntry entry));
            using (Stream reading = group.OpenBody(entry)!)
            {
                GroupCompaction done = await group.CompactAsync(Half, null, CancellationToken.None);
                Assert.Contains(done.Notes, n => n.Contains("held by a reader", StringComparison.Ordinal));
                byte[] bytes = new byte[entry.Length];
                reading.ReadExactly(bytes);
                Assert.Equal(model.Messages[id].Body, bytes);
            }
            GroupCompaction again = await group.CompactAsync(Half, null, CancellationToken.None);
            Assert.True(again.Segments > 0);
            Assert.True(group.ReleaseSpace(TimeSpan.Zero, CancellationToken.None));
            TestGroup.Verify(group, model);
        }
    }

    [Fact]
    public async Task A_reader_who_comes_while_a_segment_leaves_keeps_its_file()
    {
        (MemoryStorage storage, StorageGroup group, StoreModel model) = Fill(40);
        using (group)
        {
            DeleteAllBut(group, model, 5);
            Guid id = model.Messages.Keys.First();
            Assert.True(group.TryGet(id, out IndexEntry entry));
            Stream? reading = null;
            int self = Environment.CurrentManagedThreadId;
            // In the middle of the copying.
            storage.Interleave = _ => reading ??= group.OpenBody(entry);
            await group.CompactAsync(Half, null, CancellationToken.None);
            storage.Interleave = null;
            Assert.False(group.ReleaseSpace(TimeSpan.Zero, CancellationToken.None));
            byte[] bytes = new byte[entry.Length];
            reading!.ReadExactly(bytes);
            Assert.Equal(model.Messages[id].Body, bytes);
            await reading.DisposeAsync();
            Assert.True(group.ReleaseSpace(TimeSpan.FromSeconds(5), CancellationToken.None));
        }
    }

    [Fact]
    public async Task A_backup_keeps_its_segments_and_its_checkpoint()
    {
        (MemoryStorage storage, StorageGroup group, StoreModel model) = Fill(40);
        using (group)
        {
            DeleteAllBut(group, model, 5);
            using (GroupImage image = group.BeginBackup(CancellationToken.None))
            {
                byte[] snapshot = storage.Content(image.SnapshotPath);
                GroupCompaction done = await group.CompactAsync(Half, null, CancellationToken.None);
                Assert.Equal(0, done.Segments);
                Assert.Contains(done.Notes, n => n.Contains("held by a backup", StringComparison.Ordinal));
                for (int i = 0; i < 3; i++) group.Checkpoint(CancellationToken.None);
                Assert.Equal(snapshot, storage.Content(image.SnapshotPath));
                foreach (Segment segment in image.Segments) Assert.True(storage.FileExists(segment.File.Path));
            }
            Assert.True((await group.CompactAsync(Half, null, CancellationToken.None)).Segments > 2);
            TestGroup.Verify(group, model);
        }
    }

    [Fact]
    public async Task A_damaged_message_is_reported_and_its_segment_stays()
    {
        (MemoryStorage storage, StorageGroup group, StoreModel model) = Fill(40);
        using (group)
        {
            DeleteAllBut(group, model, 5);
            Guid id = model.Messages.Keys.First();
            Assert.True(group.TryGet(id, out IndexEntry entry));
            string path = Path.Combine(GroupRecovery.SegmentFolder(TestGroup.Store()), SegmentStore.FileName(entry.Segment));
            storage.Corrupt(path, entry.Offset + entry.ImageLength - 20, 1);
            GroupCompaction done = await group.CompactAsync(Half, null, CancellationToken.None);
            DamagedImage damaged = Assert.Single(done.Damaged);
            Assert.Equal((id, path, entry.Offset), (damaged.Entry.Id.ToGuid(), damaged.Path, damaged.Offset));
            group.ReleaseSpace(TimeSpan.Zero, CancellationToken.None);
            Assert.True(storage.FileExists(path));
            Assert.True(group.TryGet(id, out IndexEntry after));
            Assert.Equal(entry, after with { Next = entry.Next, Previous = entry.Previous });
            Assert.True(done.Segments > 0);
        }
    }

    [Fact]
    public async Task The_older_checkpoint_serves_when_the_newer_one_is_damaged_after_a_compaction()
    {
        (MemoryStorage storage, StorageGroup group, StoreModel model) = Fill(40);
        using (group)
        {
            DeleteAllBut(group, model, 5);
            group.Checkpoint(CancellationToken.None);
            await group.CompactAsync(Half, null, CancellationToken.None);
            await group.CommitAsync(Transaction.Vouch(TestGroup.Salt));
            group.Checkpoint(CancellationToken.None);
        }
        // Opening once more must not delete what only the older checkpoint names.
        TestGroup.Open(storage).Dispose();
        storage.Corrupt(IndexSnapshot.List(storage, TestGroup.Store())[0].Path, 200, 1);
        using StorageGroup reopened = TestGroup.Open(storage);
        Assert.Null(reopened.ClosedForWriting);
        TestGroup.Verify(reopened, model);
    }

    [Fact]
    public async Task Users_go_on_writing_reading_and_deleting_while_segments_are_rewritten()
    {
        (_, StorageGroup group, StoreModel model) = Fill(200);
        using (group)
        {
            DeleteAllBut(group, model, 3);
            var workload = new Workload(7);
            using var stop = new CancellationTokenSource();
            Guid[] kept = [.. model.Messages.Keys];
            Task reading = Task.Run(() =>
            {
                while (!stop.IsCancellationRequested)
                {
                    foreach (Guid id in kept)
                    {
                        Stream? body = null;
                        while (body is null && group.TryGet(id, out IndexEntry entry)) body = group.OpenBody(entry);
                        using (body)
                        {
                            byte[] bytes = new byte[model.Messages[id].Body.Length];
                            body!.ReadExactly(bytes);
                            Assert.Equal(model.Messages[id].Body, bytes);
                        }
                    }
                }
            });
            Task writing = Task.Run(async () =>
            {
                while (!stop.IsCancellationRequested)
                {
                    ModelMessage message = workload.NewMessage(model.Mailboxes[1], 3000);
                    await group.CommitAsync([.. Step.Append(TestGroup.Salt, message).Select(s => s.Transaction)]);
                    await group.CommitAsync(Transaction.Deleted(message.Id, TestGroup.Salt));
                }
            });
            int segments = 0;
            for (int i = 0; i < 20; i++)
            {
                segments += (await group.CompactAsync(Half with { MinimumDeadShare = 0.3, SealCurrent = true, ReaderPatience = TimeSpan.FromSeconds(1) }, null, CancellationToken.None)).Segments;
                group.Checkpoint(CancellationToken.None);
            }
            await stop.CancelAsync();
            await Task.WhenAll(reading, writing);
            Assert.True(segments > 10, $"{segments} segments");
            TestGroup.Verify(group, model);
        }
    }

    [Fact]
    public async Task It_begins_by_itself_when_much_is_dead()
    {
        var options = TestGroup.Small with { CompactionDeadBytes = 20 << 10, CompactionLookBytes = 100 };
        (MemoryStorage storage, StorageGroup group, StoreModel model) = Fill(60, options);
        using (group)
        {
            long before = SegmentBytes(storage);
            DeleteAllBut(group, model, 10);
            for (int i = 0; i < 500 && SegmentBytes(storage) >= before / 2; i++)
            {
                await group.CommitAsync(Transaction.Vouch(TestGroup.Salt));
                await Task.Delay(10);
            }
            Assert.True(SegmentBytes(storage) < before / 2);
            TestGroup.Verify(group, model);
        }
    }

    private static (MemoryStorage, StorageGroup, StoreModel) Fill(int messages, GroupOptions? options = null, bool large = false)
    {
        var storage = new MemoryStorage();
        TestGroup.Create(storage, options: options);
        StorageGroup group = TestGroup.Open(storage, options: options);
        var workload = new Workload(1);
        workload.Submit(group, [Step.CreateMailbox(TestGroup.Salt, 1, "ada")]);
        for (int i = 0; i < messages; i++)
            workload.Submit(group, [.. Step.Append(TestGroup.Salt, workload.NewMessage(workload.Model.Mailboxes[1], large && i == 7 ? 2_500_000 : 2000 + i))]);
        return (storage, group, workload.Model);
    }

    /// <summary>Deletes all messages but every n-th.</summary>
    private static void DeleteAllBut(StorageGroup group, StoreModel model, int n)
    {
        Guid[] ids = [.. model.Messages.Keys.Where((_, i) => i % n != n - 1)];
        group.CommitAsync([.. ids.Select(id => Transaction.Deleted(id, TestGroup.Salt))]).GetAwaiter().GetResult();
        foreach (Guid id in ids) model.Delete(id);
    }

    private static long SegmentBytes(MemoryStorage storage) =>
        storage.ListFiles(GroupRecovery.SegmentFolder(TestGroup.Store())).Sum(storage.FileLength);
}
