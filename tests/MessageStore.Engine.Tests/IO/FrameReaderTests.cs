using MessageStore.IO;
using MessageStore.Tests.Support;

namespace MessageStore.Tests.IO;

public sealed class FrameReaderTests
{
    private const uint Salt = 0xC0FFEE;
    private static readonly string Path = System.IO.Path.GetFullPath("/disk/file");

    [Fact]
    public void Frames_come_back_in_order_with_their_payloads()
    {
        var random = new Random(7);
        byte[][] payloads = [.. Enumerable.Range(0, 300).Select(i => Bytes(random, i % 7 == 0 ? 5000 : random.Next(60)))];
        byte[] file = Join([.. payloads.Select((p, i) => Frame((ulong)i + 10, (ulong)i, p))]);
        foreach (int block in new[] { 48, 64, 4096, 1 << 20 })
        {
            (List<byte[]> read, FrameEnd end) = Walk(file, 10, block);
            Assert.Equal(payloads, read);
            Assert.Equal((FrameEndKind.Clean, file.Length, 310UL), (end.Kind, end.Offset, end.Lsn));
        }
    }

    [Fact]
    public void A_frame_of_the_largest_payload_is_read()
    {
        byte[] payload = Bytes(new Random(1), FrameHeader.MaximumPayload);
        (List<byte[]> read, FrameEnd end) = Walk(Frame(1, 0, payload), 1);
        Assert.Equal(payload, Assert.Single(read));
        Assert.Equal(FrameEndKind.Clean, end.Kind);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(8)]
    [InlineData(4096)]
    [InlineData(3 << 20)]
    public void Zeros_after_the_last_frame_are_a_clean_end(int zeros)
    {
        byte[] frame = Frame(1, 0, [1, 2, 3]);
        (_, FrameEnd end) = Walk([.. frame, .. new byte[zeros]], 1);
        Assert.Equal((FrameEndKind.Clean, (long)frame.Length, 2UL), (end.Kind, end.Offset, end.Lsn));
    }

    [Fact]
    public void Older_frames_of_a_recycled_file_are_a_clean_end()
    {
        byte[] first = Frame(100, 99, [1]);
        (List<byte[]> read, FrameEnd end) = Walk([.. first, .. Frame(41, 40, [2]), .. Frame(42, 41, [3])], 100);
        Assert.Single(read);
        Assert.Equal((FrameEndKind.Clean, (long)first.Length), (end.Kind, end.Offset));
    }

    [Fact]
    public void A_file_cut_anywhere_ends_torn_at_the_last_whole_frame()
    {
        byte[][] frames = [Frame(1, 0, [1]), Frame(2, 1, new byte[50]), Frame(3, 2, [])];
        byte[] file = Join(frames);
        for (int length = 0; length < file.Length; length++)
        {
            (List<byte[]> read, FrameEnd end) = Walk(file[..length], 1);
            Assert.Equal(Join(frames[..read.Count]).Length, end.Offset);
            Assert.Equal((ulong)read.Count + 1, end.Lsn);
            Assert.NotEqual(FrameEndKind.Damaged, end.Kind);
            // Only padding may be missing from a frame that counts as whole.
            int whole = frames.Take(read.Count).Sum(f => f.Length);
            Assert.True(length > whole - FrameHeader.Alignment);
            if (length > whole) Assert.Equal(FrameEndKind.Torn, end.Kind);
        }
    }

    [Fact]
    public void A_hole_before_frames_of_the_same_group_is_torn()
    {
        byte[] first = Frame(1, 0, [1]);
        byte[] lost = new byte[Frame(2, 1, new byte[500]).Length];
        (List<byte[]> read, FrameEnd end) = Walk([.. first, .. lost, .. Frame(3, 1, [3]), .. Frame(4, 1, [4])], 1);
        Assert.Single(read);
        Assert.Equal((FrameEndKind.Torn, (long)first.Length, 2UL), (end.Kind, end.Offset, end.Lsn));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(5 << 20)]
    public void A_bad_frame_that_a_later_one_proves_durable_is_damage(int between)
    {
        byte[] first = Frame(1, 0, [1]);
        byte[] bad = Frame(2, 1, new byte[500]);
        bad[100] ^= 1;
        byte[] file = [.. first, .. bad, .. new byte[between], .. Frame(3, 1, [3]), .. Frame(4, 3, [4])];
        (List<byte[]> read, FrameEnd end) = Walk(file, 1);
        Assert.Single(read);
        Assert.Equal((FrameEndKind.Damaged, (long)first.Length, 2UL), (end.Kind, end.Offset, end.Lsn));
        MessageStoreException error = end.ToException(ErrorIds.LogDamaged, Path);
        Assert.Contains(Path, error.Message, StringComparison.Ordinal);
        Assert.Contains($"offset {first.Length}", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_flipped_byte_of_an_acknowledged_frame_is_damage_and_nothing_wrong_is_read()
    {
        byte[] first = Frame(1, 0, [9, 9]);
        byte[] second = Frame(2, 1, [1, 2, 3, 4, 5, 6, 7, 8]);
        byte[] file = [.. first, .. second, .. Frame(3, 2, [3])];
        for (int at = first.Length; at < first.Length + second.Length; at++)
        {
            byte[] flipped = [.. file];
            flipped[at] ^= 0x10;
            (List<byte[]> read, FrameEnd end) = Walk(flipped, 1);
            Assert.Single(read);
            Assert.Equal(FrameEndKind.Damaged, end.Kind);
        }
    }

    [Fact]
    public void Frames_of_another_database_are_not_ours()
    {
        var other = new byte[FrameHeader.FrameLength(1)];
        new FrameHeader(1, 1, 0, 0, 1, FrameHeader.Checksum([5], Salt + 1)).Write(other, Salt + 1);
        other[FrameHeader.Size] = 5;
        (List<byte[]> read, FrameEnd end) = Walk(other, 1);
        Assert.Empty(read);
        Assert.Equal(FrameEndKind.Torn, end.Kind);
    }

    [Fact]
    public void Recycled_space_full_of_small_frames_is_judged_in_one_pass()
    {
        byte[] old = Join([.. Enumerable.Range(1, 40_000).Select(i => Frame((ulong)i, (ulong)i - 1, [1]))]);
        var storage = new MemoryStorage();
        storage.Put(Path, old);
        using IStorageFile file = storage.Open(Path, FileAccessKind.Read);
        long before = storage.Operations;
        Assert.Equal(FrameEndKind.Clean, FrameScanner.Judge(file, Salt, 0, 50_000).Kind);
        Assert.InRange(storage.Operations - before, 1, 20);
    }

    private static byte[] Frame(ulong lsn, ulong durable, byte[] payload)
    {
        var frame = new byte[FrameHeader.FrameLength(payload.Length)];
        new FrameHeader(1, lsn, durable, 0, payload.Length, FrameHeader.Checksum(payload, Salt)).Write(frame, Salt);
        payload.CopyTo(frame, FrameHeader.Size);
        return frame;
    }

    private static (List<byte[]> Payloads, FrameEnd End) Walk(byte[] content, ulong expected, int block = FrameReader.DefaultBlockSize)
    {
        var storage = new MemoryStorage();
        storage.Put(Path, content);
        using IStorageFile file = storage.Open(Path, FileAccessKind.Read);
        using var reader = new FrameReader(file, Salt, 0, expected, block);
        var payloads = new List<byte[]>();
        while (reader.TryRead(out _, out ReadOnlySpan<byte> payload)) payloads.Add(payload.ToArray());
        Assert.False(reader.TryRead(out _, out _));
        return (payloads, reader.End);
    }

    private static byte[] Join(byte[][] parts) => [.. parts.SelectMany(p => p)];

    private static byte[] Bytes(Random random, int length)
    {
        var bytes = new byte[length];
        random.NextBytes(bytes);
        return bytes;
    }
}
