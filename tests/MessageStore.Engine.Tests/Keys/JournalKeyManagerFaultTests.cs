using MessageStore.IO;
using MessageStore.Keys;
using MessageStore.Tests.Support;

namespace MessageStore.Tests.Keys;

public sealed class JournalKeyManagerFaultTests
{
    private static readonly string Folder = Path.GetFullPath("/db");
    private static readonly string Journal = Path.Combine(Folder, "keys-00000001.journal");

    [Fact]
    public void A_journal_cut_at_every_byte_opens_with_exactly_the_frames_before_the_cut()
    {
        MemoryStorage original = Small(out List<(long End, int Count)> steps);
        byte[] journal = original.Content(Journal);
        byte[] settings = original.Content(KeySettings.PathIn(Folder));
        for (int length = FrameHeader.FrameLength(KeyGeneration.HeadPayload); length <= journal.Length; length++)
        {
            MemoryStorage storage = With(settings, journal[..length]);
            using JournalKeyManager manager = JournalKeyManagerTests.Open(storage);
            int expected = steps.Last(s => s.End <= length).Count;
            Assert.Equal(expected, manager.Count);
            Assert.Equal(expected, manager.List().Count());

            // What is written next does not bring the cut part back.
            manager.Put([JournalKeyManagerTests.Key(77)]);
            Assert.Equal(expected + 1, JournalKeyManagerTests.Open(storage.Crash(new Random(length))).Count);
        }
    }

    [Fact]
    public void A_journal_cut_within_its_head_is_damaged()
    {
        MemoryStorage original = Small(out _);
        byte[] journal = original.Content(Journal);
        for (int length = 0; length < FrameHeader.Size + KeyGeneration.HeadPayload; length++)
            Damaged(With(original.Content(KeySettings.PathIn(Folder)), journal[..length]), Journal, offset: 0);
    }

    [Fact]
    public void A_flipped_byte_is_damage_named_by_file_and_offset_unless_it_is_in_the_last_frame()
    {
        MemoryStorage original = Small(out List<(long End, int Count)> steps);
        byte[] journal = original.Content(Journal);
        byte[] settings = original.Content(KeySettings.PathIn(Folder));
        ArchiveKey[] all;
        using (JournalKeyManager manager = JournalKeyManagerTests.Open(original)) all = [.. manager.List()];
        for (int at = 0; at < journal.Length; at++)
        {
            byte[] flipped = [.. journal];
            flipped[at] ^= 0x20;
            MemoryStorage storage = With(settings, flipped);
            try
            {
                // Padding, and the last frame (which nothing later proves durable), may open; what is there is right.
                using JournalKeyManager manager = JournalKeyManagerTests.Open(storage);
                Assert.Subset(all.ToHashSet(), manager.List().ToHashSet());
                Assert.True(manager.Count == steps[^1].Count || at >= steps[^2].End, $"byte {at}");
            }
            catch (MessageStoreException error)
            {
                Assert.Equal(ErrorIds.KeysDamaged, error.ErrorId);
                Assert.Contains(Journal, error.Message, StringComparison.Ordinal);
                long frame = steps.Last(s => s.End <= at || s.End == steps[0].End).End;
                Assert.Contains($"offset {(at < steps[0].End ? 0 : frame)}", error.Message, StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public void Rot_met_while_reading_a_key_is_an_error_and_never_a_wrong_key()
    {
        MemoryStorage storage = Small(out _);
        using JournalKeyManager manager = JournalKeyManagerTests.Open(storage);
        ArchiveKey[] all = [.. manager.List()];
        byte[] journal = storage.Content(Journal);
        for (int at = 0; at < journal.Length; at++)
        {
            storage.Corrupt(Journal, at, 0x40);
            foreach (ArchiveKey key in all)
            {
                try
                {
                    Assert.Equal(key, Assert.Single(manager.Find(key.Id)));
                }
                catch (MessageStoreException error)
                {
                    Assert.Equal(ErrorIds.KeysDamaged, error.ErrorId);
                }
            }
            storage.Corrupt(Journal, at, 0x40);
        }
    }

    [Fact]
    public void A_failed_flush_fails_every_waiter_closes_for_writing_and_reading_goes_on()
    {
        MemoryStorage storage = Small(out _);
        using JournalKeyManager manager = JournalKeyManagerTests.Open(storage);
        storage.FailAt(1, new IOException("injected"), StorageOperations.Flush);
        int failures = 0;
        Parallel.For(100, 140, new ParallelOptions { MaxDegreeOfParallelism = 8 }, i =>
        {
            var error = Assert.Throws<MessageStoreException>(() => manager.Put([JournalKeyManagerTests.Key(i)]));
            Assert.Contains(error.ErrorId, new[] { ErrorIds.DeviceFailed, ErrorIds.KeysClosedForWriting });
            Interlocked.Increment(ref failures);
        });
        Assert.Equal(40, failures);
        Assert.NotNull(manager.ClosedForWriting);
        Assert.Single(manager.Find(JournalKeyManagerTests.Key(1).Id));
        Assert.Equal(5, manager.List().Count());
        Assert.Equal(ErrorIds.KeysClosedForWriting, Assert.Throws<MessageStoreException>(manager.Compact).ErrorId);
    }

    [Fact]
    public void A_full_disk_is_named_and_loses_nothing_that_was_acknowledged()
    {
        MemoryStorage storage = Small(out _);
        using JournalKeyManager manager = JournalKeyManagerTests.Open(storage);
        storage.Capacity = storage.Content(Journal).Length + 700;
        var error = Assert.Throws<MessageStoreException>(() => manager.Put([.. Enumerable.Range(200, 20).Select(JournalKeyManagerTests.Key)]));
        Assert.Equal(ErrorIds.DiskFull, error.ErrorId);
        Assert.Equal(5, JournalKeyManagerTests.Open(storage.Crash(new Random(1))).Count);
    }

    [Fact]
    public void A_compacted_journal_that_lost_its_end_is_damaged()
    {
        MemoryStorage storage = Small(out _);
        using (JournalKeyManager manager = JournalKeyManagerTests.Open(storage)) manager.Compact();
        string path = Path.Combine(Folder, "keys-00000002.journal");
        byte[] whole = storage.Content(path);
        for (int length = FrameHeader.FrameLength(KeyGeneration.HeadPayload); length < whole.Length; length++)
        {
            storage.Put(path, whole.AsSpan(0, length));
            Assert.Equal(ErrorIds.KeysDamaged, Assert.Throws<MessageStoreException>(() => JournalKeyManagerTests.Open(storage)).ErrorId);
        }
    }

    [Fact]
    public void Missing_or_foreign_files_are_named()
    {
        MemoryStorage storage = Small(out _);
        byte[] journal = storage.Content(Journal);
        string settings = KeySettings.PathIn(Folder);
        storage.DeleteFile(Journal);
        Damaged(storage, Folder);
        storage.Put(Journal, journal);
        storage.Put(settings, "{]"u8);
        Damaged(storage, settings);
        storage.Put(settings, """{"Format":2,"Salt":1}"""u8);
        Assert.Equal(ErrorIds.DatabaseFormatTooNew, Assert.Throws<MessageStoreException>(() => JournalKeyManagerTests.Open(storage)).ErrorId);
        storage.Put(settings, """{"Format":1,"Salt":1}"""u8);
        Damaged(storage, Journal, 0);
        storage.DeleteFile(settings);
        Damaged(storage, settings);
    }

    private static void Damaged(MemoryStorage storage, string named, long? offset = null)
    {
        var error = Assert.Throws<MessageStoreException>(() => JournalKeyManagerTests.Open(storage));
        Assert.Equal(ErrorIds.KeysDamaged, error.ErrorId);
        Assert.Contains(named, error.Message, StringComparison.Ordinal);
        if (offset is not null) Assert.Contains($"offset {offset}", error.Message, StringComparison.Ordinal);
    }

    /// <summary>Five keys in five frames, and where each frame ends.</summary>
    private static MemoryStorage Small(out List<(long End, int Count)> steps)
    {
        var storage = new MemoryStorage();
        storage.CreateFolder(Folder);
        storage.FlushFolder(Path.GetPathRoot(Folder)!);
        JournalKeyManager.Create(storage, Folder);
        using JournalKeyManager manager = JournalKeyManagerTests.Open(storage);
        steps = [(manager.JournalBytes, 0)];
        for (int i = 1; i <= 5; i++)
        {
            manager.Put([JournalKeyManagerTests.Key(i)]);
            steps.Add((manager.JournalBytes, i));
        }
        return storage;
    }

    private static MemoryStorage With(byte[] settings, byte[] journal)
    {
        var storage = new MemoryStorage();
        storage.Put(KeySettings.PathIn(Folder), settings);
        storage.Put(Journal, journal);
        return storage;
    }
}
