using System.Security.Cryptography;
using MessageStore.Archiving;
using MessageStore.IO;
using MessageStore.Keys;
using MessageStore.Messages;
using MessageStore.Tests.Support;

namespace MessageStore.Tests.Archiving;

public sealed class FileArchiveTargetTests
{
    private static readonly string Database = Path.GetFullPath("/db");
    private static readonly string Volume = ArchivePaths.VolumeOf(ArchiveSamples.Mailbox, ArchiveSamples.Day);
    private static readonly string VolumePath = ArchivePaths.Resolve(ArchiveSamples.Root, Volume);

    [Fact]
    public async Task What_was_appended_is_read_by_its_keys_after_a_crash()
    {
        MemoryStorage storage = Fresh();
        byte[][] bodies = Bodies(20);
        using (JournalKeyManager keys = Open(storage))
        {
            using IArchiveSession session = await Target(storage, keys).OpenSessionAsync(ArchiveSamples.Mailbox, ArchiveSamples.Day);
            keys.Put(await session.AppendAsync(Batch(storage, bodies[..7], 0)));
            keys.Put(await session.AppendAsync(Batch(storage, bodies[7..], 7)));
        }
        storage = storage.Crash(new Random(1));
        using JournalKeyManager again = Open(storage);
        FileArchiveTarget target = Target(storage, again);
        Assert.Equal(20, again.Count);
        foreach (ArchiveKey key in again.List())
        {
            Assert.Equal((Volume, "files"), (key.Volume, key.Target));
            await target.VerifyAsync(key);
            Assert.Contains(ArchiveSamples.ReadAll(await target.OpenAsync(key)), bodies, new Bytewise());
        }
        Assert.Equal([Volume], target.ListVolumes());
        Assert.Equal(again.List(), target.Walk(Volume).Select(i => i.ToKey("files", "archive", Volume)));
    }

    /// <summary>Nobody compares a message with its digest before it is packed: this is where it is found that the store's bytes are not those that were acknowledged.</summary>
    [Theory]
    [InlineData(ArchiveCompression.Stored)]
    [InlineData(ArchiveCompression.Fastest)]
    public async Task Bytes_that_are_not_those_of_the_digest_are_taken_back_and_get_no_key(ArchiveCompression level)
    {
        MemoryStorage storage = Fresh();
        using JournalKeyManager keys = Open(storage);
        FileArchiveTarget target = Target(storage, keys);
        byte[][] bodies = Bodies(3);
        using var writer = new ArchiveRecordWriter(level, storage, ArchiveSamples.Spool);
        using var batch = new ArchiveBatch(writer);
        batch.Add(ArchiveSamples.Entry(bodies[0], 1));
        byte[] rotten = [.. bodies[1]];
        rotten[rotten.Length / 2] ^= 1;
        batch.Add(ArchiveSamples.Entry(bodies[1], 2) with { Body = MemoryBody.Trusting(rotten, SHA256.HashData(bodies[1])) });
        using (IArchiveSession session = await target.OpenSessionAsync(ArchiveSamples.Mailbox, ArchiveSamples.Day))
        {
            MessageStoreException error = await Assert.ThrowsAsync<MessageStoreException>(async () => await session.AppendAsync(batch));
            Assert.Equal(ErrorIds.ArchiveDamaged, error.ErrorId);
            Assert.Contains(ArchiveSamples.Entry([], 2).Id.ToString(), error.Message, StringComparison.Ordinal);
        }
        Assert.False(storage.FileExists(VolumePath));
        Assert.True(target.ComparesDigests);
    }

    [Fact]
    public async Task A_fault_at_any_operation_then_a_crash_archives_every_message_exactly_once_in_the_next_run()
    {
        byte[][] bodies = Bodies(6);
        for (int n = 1; ; n++)
        {
            bool failed = false;
            for (int seed = 0; seed < 6; seed++)
            {
                MemoryStorage storage = Fresh();
                JournalKeyManager keys = Open(storage);
                storage.FailAt(n, new IOException("injected"));
                try
                {
                    await Run(storage, keys, bodies);
                }
                catch (Exception error) when (error is MessageStoreException or IOException)
                {
                    failed = true;
                }
                storage = storage.Crash(new Random((seed * 1000) + n));
                keys = Open(storage);
                await Run(storage, keys, bodies);
                Assert.Equal(6, keys.Count);
                FileArchiveTarget target = Target(storage, keys);
                Assert.Equal(6, target.Walk(Volume, d => Assert.Fail($"{d} n {n} seed {seed}")).Count());
                foreach (ArchiveKey key in keys.List())
                    Assert.Equal(bodies[key.Id.ToByteArray()[0]], ArchiveSamples.ReadAll(await target.OpenAsync(key)));
            }
            if (!failed) break;
        }
    }

    [Fact]
    public async Task Whole_records_beyond_the_keys_are_handed_out_for_adoption_and_a_torn_rest_is_moved_aside()
    {
        MemoryStorage storage = Fresh();
        using JournalKeyManager keys = Open(storage);
        FileArchiveTarget target = Target(storage, keys);
        IReadOnlyList<ArchiveKey> appended;
        using (IArchiveSession session = await target.OpenSessionAsync(ArchiveSamples.Mailbox, ArchiveSamples.Day))
            appended = await session.AppendAsync(Batch(storage, Bodies(4), 0));
        keys.Put([appended[0]]);
        byte[] whole = storage.Content(VolumePath);
        storage.Put(VolumePath, [.. whole, .. whole.AsSpan(0, 100)]);

        using (IArchiveSession session = await target.OpenSessionAsync(ArchiveSamples.Mailbox, ArchiveSamples.Day))
        {
            Assert.Equal(appended.Skip(1), session.Unrecorded.Select(r => r.Key));
            string aside = VolumePath + ".damaged-20260801000000";
            Assert.Contains(aside, Assert.Single(session.Notes), StringComparison.Ordinal);
            Assert.Equal(whole[..100], storage.Content(aside));
            Assert.Equal(whole, storage.Content(VolumePath));
            keys.Put([.. session.Unrecorded.Select(r => r.Key)]);
            keys.Put(await session.AppendAsync(Batch(storage, Bodies(1), 9)));
        }
        using IArchiveSession clean = await target.OpenSessionAsync(ArchiveSamples.Mailbox, ArchiveSamples.Day);
        Assert.Empty(clean.Unrecorded);
        Assert.Empty(clean.Notes);
        Assert.Equal(5, keys.Count);
    }

    [Fact]
    public async Task A_run_interrupted_last_month_is_found_by_this_months_session()
    {
        MemoryStorage storage = Fresh();
        using JournalKeyManager keys = Open(storage);
        FileArchiveTarget target = Target(storage, keys);
        IReadOnlyList<ArchiveKey> appended;
        using (IArchiveSession session = await target.OpenSessionAsync(ArchiveSamples.Mailbox, ArchiveSamples.Day))
            appended = await session.AppendAsync(Batch(storage, Bodies(2), 0));
        using IArchiveSession next = await target.OpenSessionAsync(ArchiveSamples.Mailbox, ArchiveSamples.Day.AddMonths(1));
        Assert.Equal(appended, next.Unrecorded.Select(r => r.Key));
    }

    [Fact]
    public async Task A_file_shorter_than_its_keys_is_an_error_that_counts_what_is_missing_and_hurts_no_other_mailbox()
    {
        MemoryStorage storage = Fresh();
        using JournalKeyManager keys = Open(storage);
        FileArchiveTarget target = Target(storage, keys);
        await Run(storage, keys, Bodies(6));
        ArchiveKey[] all = [.. keys.List()];
        storage.Put(VolumePath, storage.Content(VolumePath).AsSpan(0, (int)all[4].Offset + 1));
        var error = await Assert.ThrowsAsync<MessageStoreException>(async () => await target.OpenSessionAsync(ArchiveSamples.Mailbox, ArchiveSamples.Day));
        Assert.Equal(ErrorIds.ArchiveDamaged, error.ErrorId);
        Assert.Contains("2 records are missing", error.Message, StringComparison.Ordinal);
        Assert.Contains(VolumePath, error.Message, StringComparison.Ordinal);
        Assert.NotEmpty(ArchiveSamples.ReadAll(await target.OpenAsync(all[0])));

        storage.DeleteFile(VolumePath);
        error = await Assert.ThrowsAsync<MessageStoreException>(async () => await target.OpenSessionAsync(ArchiveSamples.Mailbox, ArchiveSamples.Day));
        Assert.Contains("6 records", error.Message, StringComparison.Ordinal);
        error = await Assert.ThrowsAsync<MessageStoreException>(async () => await target.OpenAsync(all[0]));
        Assert.Equal(ErrorIds.ArchiveFileMissing, error.ErrorId);

        using IArchiveSession other = await target.OpenSessionAsync("somebody else", ArchiveSamples.Day);
        await Assert.ThrowsAsync<ArgumentException>(async () => await other.AppendAsync(Batch(storage, Bodies(1), 0)));
    }

    [Fact]
    public async Task An_archive_folder_that_vanished_or_is_anothers_is_unavailable_and_not_made_anew()
    {
        MemoryStorage storage = Fresh();
        using JournalKeyManager keys = Open(storage);
        await Run(storage, keys, Bodies(2));
        ArchiveKey key = keys.List().First();
        storage.RenameFolder(ArchiveSamples.Root, ArchiveSamples.Root + "-away");
        await Unavailable("missing");
        Assert.False(storage.FolderExists(ArchiveSamples.Root));
        storage.CreateFolder(ArchiveSamples.Root);
        await Unavailable(ArchiveMarker.FileName);
        Assert.Empty(storage.ListFiles(ArchiveSamples.Root));
        ArchiveMarker.Create(storage, ArchiveSamples.Root, Guid.NewGuid());
        await Unavailable("another database");
        Assert.Equal(ErrorIds.ArchiveUnavailable, Assert.Throws<MessageStoreException>(() => ArchiveMarker.Create(storage, ArchiveSamples.Root, ArchiveSamples.DatabaseId)).ErrorId);
        storage.Put(Path.Combine(ArchiveSamples.Root, ArchiveMarker.FileName), "{"u8);
        await Unavailable("damaged");
        storage.DeleteFolder(ArchiveSamples.Root);
        storage.RenameFolder(ArchiveSamples.Root + "-away", ArchiveSamples.Root);
        await Target(storage, keys).CheckAsync();

        async Task Unavailable(string detail)
        {
            FileArchiveTarget target = Target(storage, keys);
            foreach (Func<Task> use in new Func<Task>[]
            {
                async () => await target.CheckAsync(),
                async () => await target.OpenSessionAsync(ArchiveSamples.Mailbox, ArchiveSamples.Day),
                async () => await target.OpenAsync(key),
                async () => await target.VerifyAsync(key),
            })
            {
                var error = await Assert.ThrowsAsync<MessageStoreException>(use);
                Assert.Equal(ErrorIds.ArchiveUnavailable, error.ErrorId);
                Assert.Contains(ArchiveSamples.Root, error.Message, StringComparison.Ordinal);
                Assert.Contains(detail, error.Message, StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public async Task A_full_archive_disk_is_named_and_what_was_there_stays_whole()
    {
        MemoryStorage storage = Fresh();
        using JournalKeyManager keys = Open(storage);
        FileArchiveTarget target = Target(storage, keys);
        await Run(storage, keys, Bodies(2));
        byte[] before = storage.Content(VolumePath);
        using (IArchiveSession session = await target.OpenSessionAsync(ArchiveSamples.Mailbox, ArchiveSamples.Day))
        {
            ArchiveBatch batch = Batch(storage, Bodies(3), 20);
            storage.Capacity = 0;
            storage.Capacity = -storage.FreeBytes("/") + 100;
            Assert.Equal(ErrorIds.DiskFull, (await Assert.ThrowsAsync<MessageStoreException>(async () => await session.AppendAsync(batch))).ErrorId);
            storage.Capacity = long.MaxValue;
            await Assert.ThrowsAsync<MessageStoreException>(async () => await session.AppendAsync(batch));
        }
        Assert.Equal(before, storage.Content(VolumePath));
        using IArchiveSession next = await target.OpenSessionAsync(ArchiveSamples.Mailbox, ArchiveSamples.Day);
        Assert.Empty(next.Unrecorded);
        Assert.Empty(next.Notes);
    }

    [Fact]
    public async Task A_read_only_archive_is_unavailable()
    {
        MemoryStorage storage = Fresh();
        using JournalKeyManager keys = Open(storage);
        using IArchiveSession session = await Target(storage, keys).OpenSessionAsync(ArchiveSamples.Mailbox, ArchiveSamples.Day);
        ArchiveBatch batch = Batch(storage, Bodies(1), 0);
        storage.FailAt(1, new UnauthorizedAccessException("read-only"), StorageOperations.CreateFolder);
        var error = await Assert.ThrowsAsync<MessageStoreException>(async () => await session.AppendAsync(batch));
        Assert.Equal(ErrorIds.ArchiveUnavailable, error.ErrorId);
    }

    [Fact]
    public void Mailboxes_never_leave_the_archive_folder_nor_meet_its_marker()
    {
        Assert.NotEqual(ArchiveMarker.FileName, ArchivePaths.FolderOf("archive.json"));
        foreach (string volume in new[] { "../x", "a/../b", "/etc/passwd", "a\\b", "c:/x", "", "a//b", "a/." })
            Assert.Equal(ErrorIds.ArchiveDamaged, Assert.Throws<MessageStoreException>(() => ArchivePaths.Resolve(ArchiveSamples.Root, volume)).ErrorId);
    }

    /// <summary>What the archive agent does for a mailbox: adopt, then append what is not archived yet.</summary>
    private static async Task Run(MemoryStorage storage, JournalKeyManager keys, byte[][] bodies)
    {
        FileArchiveTarget target = Target(storage, keys);
        using IArchiveSession session = await target.OpenSessionAsync(ArchiveSamples.Mailbox, ArchiveSamples.Day);
        keys.Put([.. session.Unrecorded.Select(r => r.Key)]);
        for (int at = 0; at < bodies.Length; at += 2)
        {
            int[] left = [.. Enumerable.Range(at, Math.Min(2, bodies.Length - at)).Where(i => keys.Find(ArchiveSamples.Entry([], i).Id).Count == 0)];
            if (left.Length == 0) continue;
            using var writer = new ArchiveRecordWriter(ArchiveCompression.Fastest, storage, ArchiveSamples.Spool);
            using var batch = new ArchiveBatch(writer);
            foreach (int i in left) batch.Add(ArchiveSamples.Entry(bodies[i], i));
            keys.Put(await session.AppendAsync(batch));
        }
    }

    private static ArchiveBatch Batch(MemoryStorage storage, byte[][] bodies, int first)
    {
        var batch = new ArchiveBatch(new ArchiveRecordWriter(ArchiveCompression.Fastest, storage, ArchiveSamples.Spool));
        for (int i = 0; i < bodies.Length; i++) batch.Add(ArchiveSamples.Entry(bodies[i], first + i));
        return batch;
    }

    private static byte[][] Bodies(int count) => [.. Enumerable.Range(0, count).Select(i => ArchiveSamples.Body(new Random(i), 200 + i * 37))];

    private static FileArchiveTarget Target(MemoryStorage storage, IKeyManager keys) =>
        new(storage, ArchiveSamples.Root, ArchiveSamples.DatabaseId, keys, new FixedTime(), "archive");

    private static JournalKeyManager Open(MemoryStorage storage) => JournalKeyManager.Open(storage, Database, TimeProvider.System);

    private static MemoryStorage Fresh()
    {
        MemoryStorage storage = ArchiveSamples.Fresh();
        storage.CreateFolder(Database);
        storage.FlushFolder(Path.GetPathRoot(Database)!);
        JournalKeyManager.Create(storage, Database);
        return storage;
    }

    private sealed class FixedTime : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => new(2026, 8, 1, 0, 0, 0, TimeSpan.Zero);
    }

    private sealed class Bytewise : IEqualityComparer<byte[]>
    {
        public bool Equals(byte[]? x, byte[]? y) => x.AsSpan().SequenceEqual(y);

        public int GetHashCode(byte[] bytes) => bytes.Length;
    }
}
