using System.Text;
using MessageStore.Backups;
using MessageStore.IO;
using MessageStore.Tests.Support;

namespace MessageStore.Tests.Backups;

/// <summary>Compression and encryption of backup files: what goes in comes out, and nothing else ever does.</summary>
public class LayerTests
{
    private const int ChunkBytes = 1 << 10;
    private const string File = "/b/set.msbackup";
    private const string KeyFile = "/b/key";

    private static readonly Guid Id = Guid.Parse("0198f0aa-0000-7000-8000-000000000001");

    public static TheoryData<BackupCompression, bool> Ways => new() { { BackupCompression.Fastest, false }, { BackupCompression.None, true }, { BackupCompression.Optimal, true } };

    [Theory]
    [MemberData(nameof(Ways))]
    public void What_goes_in_comes_out_wherever_one_reads(BackupCompression compression, bool encrypted)
    {
        var random = new Random(4);
        foreach (int length in (int[])[1, 2, ChunkBytes - 1, ChunkBytes, ChunkBytes + 1, 7 * ChunkBytes, 40 * ChunkBytes + 123])
        {
            byte[] content = Content(random, length);
            MemoryStorage disk = Write(content, compression, encrypted);
            disk.ShortReads = true;
            using BackupKey? key = Key(disk, encrypted);
            using IStorageFile file = BackupFile.Open(disk, File, key);
            Assert.Equal(length, file.Length);
            byte[] whole = new byte[length + 1];
            Assert.Equal(length, file.ReadFully(whole, 0));
            Assert.Equal(content, whole[..length]);
            for (int i = 0; i < 60; i++)
            {
                int at = random.Next(length), count = random.Next(1, length - at + 1);
                byte[] some = new byte[count];
                Assert.Equal(count, file.ReadFully(some, at));
                Assert.True(content.AsSpan(at, count).SequenceEqual(some), $"{count} bytes at {at} of {length}");
            }
            Assert.Equal(0, file.Read(whole, length));
        }
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public void Every_flipped_byte_and_every_cut_is_found_and_is_damage(BackupCompression compression, bool encrypted)
    {
        byte[] content = Content(new Random(5), 2 * ChunkBytes + 300);
        byte[] good = Write(content, compression, encrypted).Content(File);
        for (int at = 0; at < good.Length; at++)
        {
            byte[] bad = (byte[])good.Clone();
            bad[at] ^= (byte)(1 << (at % 8));
            Refuses(bad, encrypted, $"byte {at}");
            Refuses(good[..at], encrypted, $"cut at {at}");
        }
        Refuses([.. good, 0], encrypted, "a byte more");
    }

    [Fact]
    public void Chunks_that_were_moved_repeated_or_left_out_are_found_even_where_every_checksum_was_made_anew()
    {
        byte[] content = Content(new Random(6), 4 * ChunkBytes), good = Write(content, BackupCompression.None, encrypted: true).Content(File);
        const int chunk = LayerChunk.HeaderSize + ChunkBytes;
        byte[][] chunks = [.. Enumerable.Range(0, 4).Select(n => good[(LayerHeader.Size + n * chunk)..(LayerHeader.Size + (n + 1) * chunk)])];
        foreach (int[] order in (int[][])[[1, 0, 2, 3], [0, 1, 1, 3], [0, 1, 2], [0, 1, 2, 2], [3, 3, 3, 3]])
        {
            // Without the key somebody can still compute checksums, and call chunk n what it should be.
            for (int renamed = 0; renamed < 2; renamed++)
            {
                var forged = new List<byte>(good[..LayerHeader.Size]);
                for (int n = 0; n < order.Length; n++)
                {
                    byte[] one = (byte[])chunks[order[n]].Clone();
                    if (renamed == 1)
                    {
                        BitConverter.TryWriteBytes(one.AsSpan(16), (long)n);
                        BitConverter.TryWriteBytes(one.AsSpan(12), n == order.Length - 1 ? 2 : 0);
                    }
                    forged.AddRange(one);
                }
                byte[] end = [.. Label(order.Length * ChunkBytes), .. Enumerable.Repeat(BitConverter.GetBytes(ChunkBytes), order.Length).SelectMany(b => b)];
                var tail = new LayerTail(Id, order.Length * ChunkBytes, order.Length, forged.Count, Label(order.Length * ChunkBytes).Length);
                byte[] bad = [.. forged, .. end, .. tail.ToBytes(end, null)];
                Refuses(bad, encrypted: true, string.Join(',', order));
                HasEachInItsPlaceOrNotAtAll(bad, content, string.Join(',', order));
            }
        }
    }

    [Fact]
    public void A_wrong_key_says_so_and_is_no_damage()
    {
        MemoryStorage disk = Write([1, 2, 3], BackupCompression.None, encrypted: true);
        disk.Put("/b/other", new byte[32]);
        disk.Put("/b/short", new byte[31]);
        Assert.Equal(ErrorIds.BackupKeyWrong, ErrorOf(disk, new BackupKeySource { KeyFile = "/b/other" }));
        Assert.Equal(ErrorIds.BackupKeyRequired, ErrorOf(disk, null));
        Assert.Equal(ErrorIds.BackupKeyRequired, ErrorOf(disk, new BackupKeySource { Password = "hunter2"u8.ToArray() }));
        Assert.Equal(ErrorIds.InvalidParameter, ErrorOf(disk, new BackupKeySource { KeyFile = "/b/short" }));
        Assert.Equal(ErrorIds.InvalidParameter, ErrorOf(disk, new BackupKeySource { KeyFile = KeyFile, Password = [1] }));
        Assert.Equal(ErrorIds.InvalidParameter, ErrorOf(disk, new BackupKeySource { Password = [] }));
        Assert.Equal(ErrorIds.PathNotFound, ErrorOf(disk, new BackupKeySource { KeyFile = "/b/nowhere" }));
        Assert.Null(ErrorOf(disk, new BackupKeySource { KeyFile = KeyFile }));
    }

    [Fact]
    public void A_password_opens_what_it_closed_and_is_derived_once_for_a_chain()
    {
        var disk = new MemoryStorage();
        disk.CreateFolder("/b");
        using (BackupKey first = BackupKey.Open(disk, new BackupKeySource { Password = "correct horse"u8.ToArray() })!)
            disk.Put(File, Bytes([9, 8, 7], BackupCompression.None, first));
        Assert.Equal(ErrorIds.BackupKeyWrong, ErrorOf(disk, new BackupKeySource { Password = "correct house"u8.ToArray() }));
        using BackupKey later = BackupKey.Open(disk, new BackupKeySource { Password = "correct horse"u8.ToArray() })!;
        using (IStorageFile file = BackupFile.Open(disk, File, later)) Assert.Equal(3, file.Length);
        byte[] next = Bytes([6], BackupCompression.None, later);
        Assert.Equal(disk.Content(File)[64..84], next[64..84]); // salt and rounds of the password
        Assert.NotEqual(disk.Content(File)[32..64], next[32..64]); // and yet keys of its own
    }

    /// <summary>Whoever passes over damage gets zeros for what is not the right chunk.</summary>
    private static void HasEachInItsPlaceOrNotAtAll(byte[] bad, byte[] content, string what)
    {
        var disk = new MemoryStorage();
        disk.Put(KeyFile, KeyBytes);
        disk.Put(File, bad);
        using BackupKey? key = Key(disk, encrypted: true);
        using IStorageFile file = BackupFile.OpenDamaged(disk, File, key, [], CancellationToken.None);
        byte[] found = new byte[ChunkBytes];
        for (int at = 0; at < file.Length; at += ChunkBytes)
        {
            Assert.Equal(ChunkBytes, file.ReadFully(found, at));
            Assert.True(!found.AsSpan().ContainsAnyExcept((byte)0) || content.AsSpan(at, ChunkBytes).SequenceEqual(found), $"{what}: chunk at {at}");
        }
    }

    private static string? ErrorOf(MemoryStorage disk, BackupKeySource? source) => Record.Exception(() =>
    {
        using BackupKey? key = BackupKey.Open(disk, source);
        BackupFile.Open(disk, File, key).Dispose();
    }) is MessageStoreException error ? error.ErrorId : null;

    private static void Refuses(byte[] bad, bool encrypted, string what)
    {
        var disk = new MemoryStorage();
        disk.Put(KeyFile, KeyBytes);
        disk.Put(File, bad);
        using BackupKey? key = Key(disk, encrypted);
        Exception? error = Record.Exception(() =>
        {
            using IStorageFile file = BackupFile.Open(disk, File, key);
            // What does not even begin as a layer is for the reader of frames to refuse.
            if (file is LayerFile) file.ReadFully(new byte[file.Length], 0);
            else throw new MessageStoreException(ErrorIds.BackupDamaged, ErrorKind.Damaged, $"{File}: no frames");
        });
        Assert.True(error is MessageStoreException { ErrorId: ErrorIds.BackupDamaged or ErrorIds.BackupIncomplete }, $"{what}: {error?.Message ?? "nothing was noticed"}");
        Assert.Contains(File, error!.Message, StringComparison.Ordinal);
    }

    /// <summary>Half of it shrinks, half does not.</summary>
    private static byte[] Content(Random random, int length)
    {
        byte[] content = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat("Received: from somewhere\r\n", length / 26 + 1)))[..length];
        random.NextBytes(content.AsSpan(length / 2));
        return content;
    }

    private static readonly byte[] KeyBytes = [.. Enumerable.Range(1, 40).Select(i => (byte)i)];

    private static BackupKey? Key(MemoryStorage disk, bool encrypted) => encrypted ? BackupKey.Open(disk, new BackupKeySource { KeyFile = KeyFile }) : null;

    private static MemoryStorage Write(byte[] content, BackupCompression compression, bool encrypted)
    {
        var disk = new MemoryStorage();
        disk.Put(KeyFile, KeyBytes);
        using BackupKey? key = Key(disk, encrypted);
        disk.Put(File, Bytes(content, compression, key));
        return disk;
    }

    private static byte[] Bytes(byte[] content, BackupCompression compression, BackupKey? key)
    {
        var bytes = new List<byte>();
        var pool = new BlockPool(1, 3000);
        using var writer = new LayerWriter(block => { using (block) bytes.AddRange(block.Span); }, Id, compression, key, isQuiet: false, CancellationToken.None, ChunkBytes);
        foreach (byte[] piece in content.Chunk(3000))
        {
            Block block = pool.Rent(CancellationToken.None);
            piece.CopyTo(block.Bytes, 0);
            block.Length = piece.Length;
            writer.Add(block);
        }
        writer.Finish(BackupLabel.Decode(Label(content.Length), Id, File, 0));
        return [.. bytes];
    }

    private static byte[] Label(long length) =>
        new BackupLabel(Id, BackupKind.Full, null, Id, 0, DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch, "/db", Guid.Empty, 1, 0, length, "00", []).Encode();
}
