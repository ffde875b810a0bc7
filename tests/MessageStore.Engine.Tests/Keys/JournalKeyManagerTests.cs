using MessageStore.IO;
using MessageStore.Keys;
using MessageStore.Tests.Support;

namespace MessageStore.Tests.Keys;

public sealed class JournalKeyManagerTests
{
    private static readonly string Folder = Path.GetFullPath("/db");
    private static readonly string Journal = Path.Combine(Folder, "keys-00000001.journal");

    [Fact]
    public void Keys_are_found_as_they_were_put_also_after_opening_again()
    {
        MemoryStorage storage = Fresh();
        ArchiveKey[] keys = [.. Enumerable.Range(0, 500).Select(i => Key(i))];
        using (JournalKeyManager manager = Open(storage))
        {
            manager.Put(keys);
            Check(manager);
        }
        using JournalKeyManager again = Open(storage.Crash(new Random(1)));
        Check(again);

        void Check(JournalKeyManager manager)
        {
            Assert.Equal(500, manager.Count);
            foreach (ArchiveKey key in keys) Assert.Equal(key, Assert.Single(manager.Find(key.Id)));
            Assert.Equal(keys, manager.List());
            Assert.Empty(manager.Find(Guid.NewGuid()));
        }
    }

    [Fact]
    public void A_key_that_was_just_read_is_not_given_out_once_it_is_replaced_or_removed()
    {
        using JournalKeyManager manager = Open(Fresh());
        ArchiveKey first = Key(1), second = first with { Offset = first.Offset + 1000, DeletionDate = first.StorageDate.AddDays(1) };
        manager.Put([first]);
        for (int i = 0; i < 2; i++) Assert.Equal(first, Assert.Single(manager.Find(first.Id)));
        manager.Put([second]);
        for (int i = 0; i < 2; i++) Assert.Equal(second, Assert.Single(manager.Find(first.Id)));
        manager.Compact();
        for (int i = 0; i < 2; i++) Assert.Equal(second, Assert.Single(manager.Find(first.Id)));
        manager.Remove([first.Id]);
        Assert.Empty(manager.Find(first.Id));
    }

    [Fact]
    public void The_end_of_a_volume_stays_when_its_keys_are_removed_and_through_compaction_and_reopening()
    {
        MemoryStorage storage = Fresh();
        ArchiveKey a = Key(1) with { Offset = 100, Length = 50 }, b = Key(2) with { Offset = 10, Length = 20 };
        JournalKeyManager manager = Open(storage);
        manager.Put([a, b]);
        manager.Remove([a.Id, b.Id]);
        for (int round = 0; round < 3; round++)
        {
            Assert.Equal(150, manager.EndOf(a.Target, a.Unit, a.Volume));
            Assert.Equal(0, manager.EndOf(a.Target, a.Unit, "another"));
            if (round == 0) manager.Compact();
            if (round == 1)
            {
                manager.Dispose();
                manager = Open(storage);
            }
        }
        manager.Dispose();
    }

    [Fact]
    public void Random_operations_with_compactions_and_crashes_agree_with_a_dictionary()
    {
        for (int seed = 0; seed < 30; seed++)
        {
            var random = new Random(seed);
            MemoryStorage storage = Fresh();
            var model = new Dictionary<(Guid, string), ArchiveKey>();
            JournalKeyManager manager = Open(storage);
            for (int step = 0; step < 120; step++)
            {
                switch (random.Next(10))
                {
                    case < 5:
                        ArchiveKey[] keys = [.. Enumerable.Range(0, random.Next(1, 6)).Select(_ => Key(random.Next(60)) with { Unit = "u" + random.Next(3), Offset = random.Next(1 << 20) })];
                        manager.Put(keys);
                        foreach (ArchiveKey key in keys) model[(key.Id, key.Unit)] = key;
                        break;
                    case < 7:
                        Guid[] ids = [Key(random.Next(60)).Id, Key(random.Next(60)).Id];
                        long expected = model.Keys.Count(k => ids.Contains(k.Item1));
                        Assert.Equal(expected, manager.Remove(ids));
                        foreach ((Guid, string) gone in model.Keys.Where(k => ids.Contains(k.Item1)).ToArray()) model.Remove(gone);
                        break;
                    case 7:
                        ArchiveKey[] copies = [.. Enumerable.Range(0, random.Next(1, 4)).Select(_ => Key(random.Next(60)) with { Unit = "u" + random.Next(3) })];
                        Assert.Equal(copies.Count(k => model.Remove((k.Id, k.Unit))), manager.RemoveCopies(copies));
                        break;
                    case 8:
                        manager.Compact();
                        break;
                    default:
                        storage = storage.Crash(random);
                        manager = Open(storage);
                        break;
                }
                Assert.True(model.Count == manager.Count, $"seed {seed} step {step}");
            }
            Assert.Equal(
                model.Values.OrderBy(k => (k.Id, k.Unit)).ToArray(),
                manager.List().OrderBy(k => (k.Id, k.Unit)).ToArray());
            foreach (ArchiveKey key in model.Values) Assert.Contains(key, manager.Find(key.Id));
            manager.Dispose();
        }
    }

    [Fact]
    public void Concurrent_writers_share_flushes_and_all_keys_are_there()
    {
        MemoryStorage storage = Fresh();
        using JournalKeyManager manager = Open(storage);
        Parallel.For(0, 400, new ParallelOptions { MaxDegreeOfParallelism = 16 }, i =>
        {
            manager.Put([Key(i)]);
            Assert.Equal(Key(i), Assert.Single(manager.Find(Key(i).Id)));
        });
        Assert.Equal(400, manager.Count);
        Assert.Equal(400, Open(storage.Crash(new Random(2))).Count);
    }

    [Fact]
    public void A_list_begun_before_a_compaction_goes_on_to_its_end()
    {
        using JournalKeyManager manager = Open(Fresh());
        for (int i = 0; i < 20; i++) manager.Put([Key(i)]);
        using IEnumerator<ArchiveKey> keys = manager.List().GetEnumerator();
        Assert.True(keys.MoveNext());
        manager.Compact();
        int count = 1;
        while (keys.MoveNext()) count++;
        Assert.Equal(20, count);
    }

    [Fact]
    public void Compaction_drops_what_no_longer_counts_and_deletes_the_old_journal()
    {
        MemoryStorage storage = Fresh();
        using JournalKeyManager manager = Open(storage);
        for (int i = 0; i < 300; i++) manager.Put([Key(i)]);
        manager.Remove([.. Enumerable.Range(0, 290).Select(i => Key(i).Id)]);
        long before = manager.JournalBytes;
        manager.Compact();
        Assert.InRange(manager.JournalBytes, 1, before / 10);
        Assert.Equal(10, manager.Count);
        Assert.DoesNotContain(Journal, storage.ListFiles(Folder));
        manager.Put([Key(1000)]);
        Assert.Equal(11, Open(storage.Crash(new Random(5))).Count);
    }

    [Fact]
    public void An_image_taken_while_others_write_restores_what_was_there()
    {
        using JournalKeyManager manager = Open(Fresh());
        manager.Put([.. Enumerable.Range(0, 50).Select(i => Key(i))]);
        manager.Remove([Key(7).Id]);
        var image = new MemoryStream();
        bool once = false;
        manager.WriteImage(block =>
        {
            image.Write(block.Span);
            if (!once) manager.Put([Key(99)]);
            once = true;
        });
        image.WriteByte(42);
        image.Position = 0;
        MemoryStorage other = Empty();
        Assert.Equal(49, JournalKeyManager.Restore(other, Folder, image));
        Assert.Equal(42, image.ReadByte());
        using JournalKeyManager restored = Open(other.Crash(new Random(3)));
        Assert.Equal(49, restored.Count);
        Assert.Empty(restored.Find(Key(99).Id));
        Assert.Equal(Key(8), Assert.Single(restored.Find(Key(8).Id)));
        restored.Put([Key(99)]);
    }

    [Fact]
    public void An_image_cut_or_altered_anywhere_is_refused_and_can_be_restored_whole_afterwards()
    {
        using JournalKeyManager manager = Open(Fresh());
        manager.Put([Key(1), Key(2)]);
        manager.Put([Key(3)]);
        var stream = new MemoryStream();
        manager.CopyTo(stream);
        byte[] image = stream.ToArray();
        MemoryStorage other = Empty();
        for (int at = 0; at < image.Length; at++)
        {
            byte[] flipped = [.. image];
            flipped[at] ^= 4;
            Refused(image[..at]);
            // Padding carries nothing; everything else is covered by a checksum.
            if (!Refused(flipped, mayPass: true)) other.DeleteFile(KeySettings.PathIn(Folder));
            other.DeleteFile(Journal);
        }
        Assert.Equal(3, JournalKeyManager.Restore(other, Folder, new MemoryStream(image)));

        bool Refused(byte[] bad, bool mayPass = false)
        {
            Exception? error = Record.Exception(() => JournalKeyManager.Restore(other, Folder, new MemoryStream(bad)));
            if (error is null && mayPass) return false;
            Assert.Contains(Assert.IsType<MessageStoreException>(error).ErrorId, new[] { ErrorIds.BackupDamaged, ErrorIds.BackupFormatTooNew });
            return true;
        }
    }

    [Fact]
    public void A_second_key_manager_in_the_same_folder_is_refused()
    {
        MemoryStorage storage = Fresh();
        MessageStoreException error = Assert.Throws<MessageStoreException>(() => JournalKeyManager.Create(storage, Folder));
        Assert.Equal(ErrorIds.DatabaseExists, error.ErrorId);
    }

    [Fact]
    public void Memory_stays_below_forty_bytes_a_key()
    {
        var table = new PlaceTable<uint>();
        Span<byte> id = stackalloc byte[16];
        for (uint i = 1; i <= 1_000_000; i++)
        {
            KeyEntry.WriteId(id, Guid.CreateVersion7());
            table.Add(IdTag.Of(id), i);
            if (i > 1000) Assert.True(table.Bytes <= 40L * i);
        }
    }

    internal static ArchiveKey Key(int number) => SampleKeys.Key(number);

    internal static JournalKeyManager Open(IStorage storage) => JournalKeyManager.Open(storage, Folder, TimeProvider.System);

    private static MemoryStorage Fresh()
    {
        MemoryStorage storage = Empty();
        JournalKeyManager.Create(storage, Folder);
        return storage;
    }

    private static MemoryStorage Empty()
    {
        var storage = new MemoryStorage();
        storage.CreateFolder(Folder);
        storage.FlushFolder(Path.GetPathRoot(Folder)!);
        return storage;
    }
}
