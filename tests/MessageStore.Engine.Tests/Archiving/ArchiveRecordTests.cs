using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using MessageStore.Archiving;
using MessageStore.IO;
using MessageStore.Messages;
using MessageStore.Tests.Support;

namespace MessageStore.Tests.Archiving;

public sealed class ArchiveRecordTests
{
    private static readonly string File = Path.GetFullPath("/nas/archive/k/2026-07.mbox.gz");

    [Theory]
    [InlineData(ArchiveCompression.Stored)]
    [InlineData(ArchiveCompression.Fastest)]
    [InlineData(ArchiveCompression.Optimal)]
    public void Random_messages_come_back_byte_for_byte_with_their_metadata(ArchiveCompression level)
    {
        var random = new Random(11);
        int[] lengths = [0, 1, 2, 5, 6, 100, 4096, 65_500, 65_535, 65_536, 200_000, 1 << 20, .. Enumerable.Range(0, 60).Select(_ => random.Next(3000))];
        MemoryStorage storage = ArchiveSamples.Fresh();
        using var writer = new ArchiveRecordWriter(level, storage, ArchiveSamples.Spool);
        using var batch = new ArchiveBatch(writer);
        var entries = new List<(ArchiveEntry Entry, byte[] Body)>();
        foreach (int length in lengths)
        {
            byte[] body = ArchiveSamples.Body(random, length);
            entries.Add((ArchiveSamples.Entry(body, entries.Count), body));
            if (length > 1) entries.Add((ArchiveSamples.LargeEntry(body, entries.Count), body));
        }
        foreach ((ArchiveEntry entry, _) in entries) batch.Add(entry);

        using IStorageFile file = Save(storage, batch);
        Assert.Equal(file.Length, batch.Length);
        for (int i = 0; i < entries.Count; i++)
        {
            (ArchiveEntry entry, byte[] body) = entries[i];
            ArchivedRecordInfo info = ArchiveRecordReader.TryReadInfo(file, batch.Records[i].Offset)!;
            Assert.Equal(batch.Records[i], info);
            Assert.Equal((entry.Id, entry.Mailbox, entry.Folder, entry.Flags), (info.Id, info.Mailbox, info.Folder, info.Flags));
            Assert.Equal((entry.ReceivedDate, entry.StorageDate, entry.DeletionDate), (info.ReceivedDate, info.StorageDate, info.DeletionDate));
            Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(body)), info.Sha256);
            ArchiveRecordReader.Verify(file, info);
            Assert.Equal(body, ArchiveSamples.ReadAll(ArchiveRecordReader.OpenBody(file, info)));
        }
        Assert.Equal(batch.Records, ArchiveWalker.Walk(file, 0));
        Assert.Equal(entries.Sum(e => (long)e.Body.Length), batch.Records.Sum(r => r.BodyLength));
    }

    [Theory]
    [InlineData(ArchiveCompression.Stored)]
    [InlineData(ArchiveCompression.Fastest)]
    public void A_message_of_three_mebibytes_goes_through_a_spool_file_and_leaves_none(ArchiveCompression level)
    {
        byte[] body = ArchiveSamples.Body(new Random(5), 3 << 20);
        MemoryStorage storage = ArchiveSamples.Fresh();
        using var writer = new ArchiveRecordWriter(level, storage, ArchiveSamples.Spool);
        using var batch = new ArchiveBatch(writer);
        batch.Add(ArchiveSamples.Entry([1, 2, 3], 1));
        batch.Add(ArchiveSamples.LargeEntry(body, 2));
        batch.Add(ArchiveSamples.Entry([4], 3));
        Assert.InRange(batch.MemoryLength, 1, 10_000);
        Assert.Single(storage.ListFiles(ArchiveSamples.Spool));
        using IStorageFile file = Save(storage, batch);
        batch.Clear();
        Assert.Empty(storage.ListFiles(ArchiveSamples.Spool));
        ArchivedRecordInfo[] infos = [.. ArchiveWalker.Walk(file, 0)];
        Assert.Equal(3, infos.Length);
        Assert.Equal(body, ArchiveSamples.ReadAll(ArchiveRecordReader.OpenBody(file, infos[1])));
    }

    [Theory]
    [InlineData(ArchiveCompression.Stored)]
    [InlineData(ArchiveCompression.Fastest)]
    [InlineData(ArchiveCompression.Optimal)]
    public void A_body_that_cannot_be_read_to_its_end_leaves_nothing_in_the_records_that_follow(ArchiveCompression level)
    {
        var random = new Random(9); // text that shrinks: what does not ends at whole bytes anyway
        byte[] body = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Range(0, 20_000).Select(_ => $"line {random.Next(1000)} of a message\n")));
        MemoryStorage storage = ArchiveSamples.Fresh();
        using var writer = new ArchiveRecordWriter(level, storage, ArchiveSamples.Spool);
        using var batch = new ArchiveBatch(writer);
        batch.Add(ArchiveSamples.Entry([1, 2, 3], 1));
        // Where a stream is broken off, in its last byte too, depends on how much was read.
        for (int readable = 100_000; readable < 300_000; readable += 20_000) Assert.Throws<IOException>(() => batch.Add(ArchiveSamples.BrokenEntry(body, readable)));
        batch.Add(ArchiveSamples.Entry(body, 2));
        Assert.Throws<IOException>(() => batch.Add(ArchiveSamples.BrokenEntry(body, 300_000)));
        batch.Add(ArchiveSamples.LargeEntry(body, 3));
        Assert.Single(storage.ListFiles(ArchiveSamples.Spool));
        using IStorageFile file = Save(storage, batch);
        ArchivedRecordInfo[] infos = [.. ArchiveWalker.Walk(file, 0)];
        Assert.Equal(batch.Records, infos);
        Assert.Equal(body, ArchiveSamples.ReadAll(ArchiveRecordReader.OpenBody(file, infos[1])));
        Assert.Equal(body, ArchiveSamples.ReadAll(ArchiveRecordReader.OpenBody(file, infos[2])));
    }

    [Fact]
    public void A_file_of_records_is_a_plain_mbox_for_any_gzip_reader()
    {
        MemoryStorage storage = ArchiveSamples.Fresh();
        using var writer = new ArchiveRecordWriter(ArchiveCompression.Fastest, storage, ArchiveSamples.Spool);
        using var batch = new ArchiveBatch(writer);
        batch.Add(ArchiveSamples.Entry(Encoding.ASCII.GetBytes("Subject: a\r\n\r\nFrom here\r\n>From there\r\n"), 1));
        batch.Add(ArchiveSamples.Entry("no end"u8.ToArray(), 2) with { Sender = "" });
        using var gzip = new GZipStream(new MemoryStream(Bytes(batch)), CompressionMode.Decompress);
        string mbox = Encoding.ASCII.GetString(ArchiveSamples.ReadAll(gzip));
        Assert.Equal(
            "From joe@example.org Sun Feb  3 02:05:06 2019\nSubject: a\r\n\r\n>From here\r\n>>From there\r\n\n"
            + "From MAILER-DAEMON Sun Feb  3 02:05:06 2019\nno end\n\n", mbox);
    }

    [Fact]
    public void What_does_not_shrink_is_stored()
    {
        var noise = new byte[5000];
        new Random(1).NextBytes(noise);
        MemoryStorage storage = ArchiveSamples.Fresh();
        using var writer = new ArchiveRecordWriter(ArchiveCompression.Fastest, storage, ArchiveSamples.Spool);
        using var batch = new ArchiveBatch(writer);
        batch.Add(ArchiveSamples.Entry(noise));
        Assert.Equal(ArchiveCompression.Stored, batch.Records[0].Compression);
        Assert.InRange(batch.Length, 5000, 5300);
    }

    [Theory]
    [InlineData(ArchiveCompression.Stored, false)]
    [InlineData(ArchiveCompression.Fastest, false)]
    [InlineData(ArchiveCompression.Stored, true)]
    [InlineData(ArchiveCompression.Optimal, true)]
    public void With_any_bit_flipped_reading_never_gives_wrong_bytes(ArchiveCompression level, bool large)
    {
        MemoryStorage storage = ArchiveSamples.Fresh();
        using var writer = new ArchiveRecordWriter(level, storage, ArchiveSamples.Spool);
        using var batch = new ArchiveBatch(writer);
        byte[][] bodies = [.. Enumerable.Range(0, 3).Select(i => Encoding.ASCII.GetBytes($"Subject: number {i}\n\nFrom the start, text text text text text\n"))];
        for (int i = 0; i < 3; i++) batch.Add(large ? ArchiveSamples.LargeEntry(bodies[i], i) : ArchiveSamples.Entry(bodies[i], i));
        ArchivedRecordInfo[] records = [.. batch.Records];
        ArchiveKey[] keys = [.. records.Select(r => r.ToKey("files", "u", "v"))];
        using IStorageFile file = Save(storage, batch);
        int damaged = 0;
        for (int at = 0; at < file.Length; at++)
        {
            byte mask = (byte)(1 << (at % 8));
            storage.Corrupt(File, at, mask);
            for (int i = 0; i < 3; i++)
            {
                try
                {
                    ArchivedRecordInfo info = ArchiveRecordReader.ReadInfo(file, keys[i]);
                    Assert.Equal(records[i], info);
                    Assert.Equal(bodies[i], ArchiveSamples.ReadAll(ArchiveRecordReader.OpenBody(file, info)));
                    if (large) Assert.Equal(bodies[i], ArchiveSamples.ReadAll(new ArchiveBodyStream(file, info)));
                }
                catch (MessageStoreException error)
                {
                    Assert.Equal(ErrorIds.ArchiveDamaged, error.ErrorId);
                    Assert.Contains(File, error.Message, StringComparison.Ordinal);
                    Assert.Contains($"offset {keys[i].Offset}", error.Message, StringComparison.Ordinal);
                    Assert.InRange(at, keys[i].Offset, keys[i].Offset + keys[i].Length - 1);
                    damaged++;
                }
            }

            // A walk loses at most the record that was hit, and says where.
            var lost = new List<ArchiveDamage>();
            ArchivedRecordInfo[] walked = [.. ArchiveWalker.Walk(file, 0, lost.Add)];
            Assert.Subset(records.ToHashSet(), walked.ToHashSet());
            Assert.InRange(walked.Length, 2, 3);
            if (walked.Length == 2) Assert.Equal((records.Except(walked).Single().Offset, records.Except(walked).Single().Length), (lost.Single().Offset, lost.Single().Length));
            storage.Corrupt(File, at, mask);
        }
        Assert.True(damaged > file.Length * 9 / 10);
    }

    /// <summary>
    /// The bits that end the compressed bytes carry nothing of the message: where they are damaged it still unpacks to its digest, and any other reader of the file is lost from there on.
    /// </summary>
    [Theory]
    [InlineData(ArchiveCompression.Fastest, false)]
    [InlineData(ArchiveCompression.Optimal, false)]
    [InlineData(ArchiveCompression.Optimal, true)]
    public void A_record_that_other_readers_cannot_pass_is_damaged_also_where_its_message_can_be_read(ArchiveCompression level, bool large)
    {
        MemoryStorage storage = ArchiveSamples.Fresh();
        using var writer = new ArchiveRecordWriter(level, storage, ArchiveSamples.Spool);
        int passed = 0, lost = 0;
        for (int number = 0; number < 40; number++)
        {
            byte[] body = ArchiveSamples.Body(new Random(number), 200 + number * 37);
            using var batch = new ArchiveBatch(writer);
            batch.Add(large ? ArchiveSamples.LargeEntry(body, number) : ArchiveSamples.Entry(body, number));
            batch.Add(ArchiveSamples.Entry("Subject: the next\n"u8.ToArray(), number + 1));
            ArchivedRecordInfo record = batch.Records[0];
            using IStorageFile file = Save(storage, batch);
            byte[] mbox = Gunzip(Bytes(batch))!;
            for (int bit = 0; bit < 16; bit++)
            {
                long at = record.Length - ArchiveRecordHeader.TrailerLength - 1 - bit / 8;
                byte mask = (byte)(1 << bit % 8);
                storage.Corrupt(File, at, mask);
                bool others = Gunzip(storage.Content(File)) is { } seen && seen.AsSpan().SequenceEqual(mbox);
                Assert.Equal(others, Reads(() => ArchiveRecordReader.Verify(file, record)));
                Assert.Equal(others, Reads(() => ArchiveSamples.ReadAll(new ArchiveBodyStream(file, record))));
                if (others) passed++; // bits that fill the last byte up
                else if (Inflate(storage.Content(File).AsSpan(0, (int)record.Length)[record.HeaderLength..^ArchiveRecordHeader.TrailerLength]).AsSpan().StartsWith(mbox.AsSpan(0, (int)record.EntryLength))) lost++;
                storage.Corrupt(File, at, mask);
            }
        }
        Assert.True(passed > 0 && lost > 0, $"{passed} and {lost}: one of the two was not tried");

        static bool Reads(Action read)
        {
            try
            {
                read();
                return true;
            }
            catch (MessageStoreException error) when (error.ErrorId == ErrorIds.ArchiveDamaged)
            {
                return false;
            }
        }

        static byte[]? Gunzip(byte[] members)
        {
            try
            {
                return ArchiveSamples.ReadAll(new GZipStream(new MemoryStream(members), CompressionMode.Decompress));
            }
            catch (InvalidDataException)
            {
                return null;
            }
        }

        static byte[] Inflate(ReadOnlySpan<byte> deflated)
        {
            try
            {
                return ArchiveSamples.ReadAll(new DeflateStream(new MemoryStream(deflated.ToArray()), CompressionMode.Decompress));
            }
            catch (InvalidDataException)
            {
                return [];
            }
        }
    }

    [Fact]
    public void A_file_cut_anywhere_gives_whole_messages_or_errors()
    {
        MemoryStorage storage = ArchiveSamples.Fresh();
        using var writer = new ArchiveRecordWriter(ArchiveCompression.Fastest, storage, ArchiveSamples.Spool);
        using var batch = new ArchiveBatch(writer);
        for (int i = 0; i < 2; i++) batch.Add(ArchiveSamples.LargeEntry(ArchiveSamples.Body(new Random(i), 300), i));
        ArchivedRecordInfo[] records = [.. batch.Records];
        byte[] whole = Bytes(batch);
        for (int length = 0; length < whole.Length; length++)
        {
            storage.Put(File, whole.AsSpan(0, length));
            using IStorageFile file = storage.Open(File, FileAccessKind.Read);
            Assert.Equal(records.Where(r => r.Offset + r.Length <= length), ArchiveWalker.Walk(file, 0));
            foreach (ArchivedRecordInfo record in records.Where(r => r.Offset + r.Length > length))
            {
                Assert.Throws<MessageStoreException>(() => ArchiveRecordReader.Verify(file, record));
                Assert.Throws<MessageStoreException>(() => ArchiveSamples.ReadAll(new ArchiveBodyStream(file, record)));
            }
        }
    }

    [Fact]
    public void Random_bytes_are_no_records_and_do_no_harm()
    {
        var random = new Random(17);
        MemoryStorage storage = ArchiveSamples.Fresh();
        for (int round = 0; round < 200; round++)
        {
            byte[] noise = ArchiveSamples.Body(random, random.Next(5000));
            for (int i = 0; i + 4 < noise.Length; i += random.Next(1, 900)) ArchiveRecordHeader.Magic.CopyTo(noise.AsSpan(i));
            storage.Put(File, noise);
            using IStorageFile file = storage.Open(File, FileAccessKind.Read);
            var damage = new List<ArchiveDamage>();
            Assert.Empty(ArchiveWalker.Walk(file, 0, damage.Add));
            Assert.Equal(noise.Length, damage.Sum(d => d.Length));
        }
    }

    private static byte[] Bytes(ArchiveBatch batch)
    {
        var bytes = new MemoryStream();
        batch.CopyTo(block => bytes.Write(block.Span));
        return bytes.ToArray();
    }

    private static IStorageFile Save(MemoryStorage storage, ArchiveBatch batch)
    {
        storage.Put(File, Bytes(batch));
        return storage.Open(File, FileAccessKind.Read);
    }
}
