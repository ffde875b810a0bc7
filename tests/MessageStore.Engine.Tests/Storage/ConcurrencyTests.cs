using System.Collections.Concurrent;
using MessageStore.IO;
using MessageStore.Messages;
using MessageStore.Storage;

namespace MessageStore.Tests.Storage;

/// <summary>Many at once, on the real disk.</summary>
public sealed class ConcurrencyTests : IDisposable
{
    private const int Writers = 16;
    private const int MessagesEach = 60;

    private readonly string folder = Path.Combine(Path.GetTempPath(), "messagestore-" + Guid.NewGuid().ToString("n"));

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public async Task Sixteen_writers_with_readers_flaggers_deleters_and_checkpoints_leave_what_they_were_told()
    {
        GroupOptions options = new() { SegmentLimit = 256 << 10, LogFileLimit = 128 << 10, CheckpointLogBytes = 512 << 10, CloseReplayBytes = long.MaxValue, CircularLogging = true };
        TestGroup.Create(DiskStorage.Instance, folder, options);
        var expected = new ConcurrentDictionary<Guid, ModelMessage>();
        UInt128 digest;
        using (StorageGroup group = TestGroup.Open(DiskStorage.Instance, folder, options))
        {
            var writing = new CancellationTokenSource();
            Task[] writers = [.. Enumerable.Range(0, Writers).Select(w => Task.Run(() => WriteAsync(group, w, expected)))];
            Task[] others = [.. Enumerable.Range(0, 3).Select(_ => Task.Run(() => Read(group, expected, writing.Token))), Task.Run(() => Checkpoint(group, writing.Token))];
            await Task.WhenAll(writers);
            await writing.CancelAsync();
            await Task.WhenAll(others);
            digest = group.StateDigest.Digest;
            Compare(group, expected);
            Assert.Equal(digest, GroupVerifier.Run(group, default).Digest);
        }
        using StorageGroup reopened = TestGroup.Open(DiskStorage.Instance, folder, options);
        Assert.Equal(digest, reopened.StateDigest.Digest);
        Compare(reopened, expected);
        GroupVerification verified = GroupVerifier.Run(reopened, default);
        Assert.Equal((digest, 0L, (long)expected.Count), (verified.Digest, verified.Damaged, verified.Messages));
    }

    /// <summary>Appends, flags, moves and deletes its own messages; two writers share a mailbox.</summary>
    private static async Task WriteAsync(StorageGroup group, int writer, ConcurrentDictionary<Guid, ModelMessage> expected)
    {
        var random = new Random(writer);
        int mailbox = (await group.CreateMailboxAsync($"mailbox {writer / 2}", default)).Number;
        ushort folder = await group.FolderAsync(mailbox, $"folder {writer}", default);
        var mine = new List<Guid>();
        for (int i = 0; i < MessagesEach; i++)
        {
            byte[] bytes = new byte[i == 30 && writer % 4 == 0 ? (1 << 20) + 77 : random.Next(9000)];
            random.NextBytes(bytes);
            var message = new ModelMessage(Guid.CreateVersion7(), mailbox, folder, EntryFlags.None, DateTime.UnixEpoch.Ticks + i, $"{writer}/{i}", bytes);
            using (MessageBody body = MessageBody.FromMemory(bytes))
                await group.AppendAsync(message.Header(), MessageSummary.Empty with { Subject = message.Subject }, body, default);
            Assert.True(group.TryGet(message.Id, out IndexEntry entry), "acknowledged and not visible");
            Assert.Equal(bytes, TestGroup.ReadBody(group, entry));
            expected[message.Id] = message;
            mine.Add(message.Id);
            Guid other = mine[random.Next(mine.Count)];
            switch (random.Next(4))
            {
                case 0:
                    var flags = (EntryFlags)random.Next(16);
                    await group.CommitAsync(Transaction.Flags(other, flags, EntryFlags.UserMask & ~flags, TestGroup.Salt));
                    expected[other] = expected[other] with { Flags = flags };
                    break;
                case 1:
                    await group.CommitAsync(Transaction.Moved(other, 0, TestGroup.Salt));
                    expected[other] = expected[other] with { Folder = 0 };
                    break;
                case 2:
                    expected.TryRemove(other, out _);
                    mine.Remove(other);
                    await group.CommitAsync(Transaction.Deleted(other, TestGroup.Salt));
                    Assert.False(group.TryGet(other, out _));
                    break;
            }
        }
    }

    private static void Read(StorageGroup group, ConcurrentDictionary<Guid, ModelMessage> expected, CancellationToken until)
    {
        while (!until.IsCancellationRequested)
        {
            foreach (string name in group.MailboxNames())
            {
                if (!group.TryFindMailbox(name, out int number)) continue;
                var seen = new HashSet<UInt128Bytes>();
                foreach (IndexEntry entry in group.List(number))
                {
                    Assert.True(seen.Add(entry.Id));
                    Assert.Equal(number, entry.Mailbox);
                    byte[] body = TestGroup.ReadBody(group, entry);
                    if (expected.TryGetValue(entry.Id.ToGuid(), out ModelMessage? message)) Assert.Equal(message.Body, body);
                }
            }
            group.GetStatus();
        }
    }

    private static void Checkpoint(StorageGroup group, CancellationToken until)
    {
        while (!until.IsCancellationRequested) group.Checkpoint(CancellationToken.None);
    }

    private static void Compare(StorageGroup group, ConcurrentDictionary<Guid, ModelMessage> expected)
    {
        Assert.Null(group.ClosedForWriting);
        Assert.Equal("", group.GetStatus().Reason);
        Assert.Equal(expected.Count, (int)group.GetStatus().MessageCount);
        foreach (ModelMessage message in expected.Values)
        {
            Assert.True(group.TryGet(message.Id, out IndexEntry entry));
            Assert.Equal(message.Entry().StateHash(), entry.StateHash());
            Assert.Equal(message.Body, TestGroup.ReadBody(group, entry));
            Assert.Equal(message.Subject, group.ReadSummary(entry)!.Value.Summary.Subject);
        }
    }
}
