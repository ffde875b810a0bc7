using System.Diagnostics;
using System.IO.Compression;
using MessageStore.Archiving;
using MessageStore.IO;
using MessageStore.Messages;
using MessageStore.Tests.Support;

namespace MessageStore.Tests.Archiving;

/// <summary>Our own deflate, unpacked by the platform's.</summary>
public sealed class FastDeflateTests : IDisposable
{
    private const int Window = 32 << 10;
    private readonly PooledBuffer packed = new();

    public void Dispose() => packed.Dispose();

    [Fact]
    public void Bytes_of_every_kind_come_back_however_they_are_cut()
    {
        var deflate = new FastDeflate(); // one for all: what it remembers of one stream must not get into the next
        for (int seed = 0; seed < 1500; seed++)
        {
            var random = new Random(seed);
            byte[] bytes = Bytes(random, seed < 40 ? seed : random.Next(1 << random.Next(1, 18)));
            packed.Truncate(0);
            int at = 0;
            for (bool last = false; !last;)
            {
                int count = random.Next(2) == 0 ? bytes.Length - at : random.Next(bytes.Length - at + 1);
                last = at + count == bytes.Length && random.Next(3) > 0;
                deflate.Write(bytes.AsSpan(at, count), last, packed);
                at += count;
            }
            Assert.True(bytes.AsSpan().SequenceEqual(Unpack(packed.Span)), $"Seed {seed}, {bytes.Length} bytes.");
        }
    }

    [Fact]
    public void A_match_of_every_length_and_distance_comes_back()
    {
        var random = new Random(3);
        var noise = new byte[2 * Window + 400];
        random.NextBytes(noise);
        int[] distances = [.. Enumerable.Range(1, 300), .. Enumerable.Range(9, 7).SelectMany(power => new[] { -2, -1, 0, 1, 2 }.Select(d => (1 << power) + d)), 3 << 13, Window - 1, Window, Window + 1];
        foreach (int distance in distances)
        {
            foreach (int length in (int[])[3, 4, 5, 6, 17, 66, 257, 258, 259, 300])
            {
                byte[] bytes = noise.AsSpan(0, distance + length + 20).ToArray();
                for (int i = 0; i < length; i++) bytes[distance + i] = bytes[i];
                Assert.Equal(bytes, Unpack(Pack(bytes)));
            }
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(65_535)]
    [InlineData(65_536)]
    [InlineData(1_000_003)]
    public void What_does_not_shrink_grows_by_five_bytes_a_block_and_no_more(int length)
    {
        var bytes = new byte[length];
        new Random(8).NextBytes(bytes);
        byte[] stream = Pack(bytes);
        Assert.Equal(bytes, Unpack(stream));
        Assert.InRange(stream.Length, 0, length + 5 * (length / Window + 1) + 1);
    }

    [Fact]
    public void One_byte_again_and_again_takes_a_hundredth_or_less()
    {
        var bytes = new byte[10_000_000];
        byte[] stream = Pack(bytes);
        Assert.Equal(bytes, Unpack(stream));
        Assert.InRange(stream.Length, 1, bytes.Length / 100);
    }

    [Fact]
    public void Two_gigabytes_of_earlier_messages_are_no_match_for_the_next()
    {
        var deflate = new FastDeflate();
        byte[] bytes = Bytes(new Random(4), 3000);
        deflate.Write(bytes, last: true, packed);
        // Places are numbers that grow by the window at least with every call, up to 2^31.
        for (int call = 0; call < (int)(1.5 * int.MaxValue / Window); call++)
        {
            deflate.Write([], last: false, packed);
            if (call % 10_000 != 0) continue;
            packed.Truncate(0);
            deflate.Write(bytes, last: true, packed);
            Assert.Equal(bytes, Unpack(packed.Span));
        }
    }

    [Fact]
    public void Packing_allocates_nothing_for_a_message()
    {
        var deflate = new FastDeflate();
        byte[] bytes = Bytes(new Random(5), 20_000);
        deflate.Write(bytes, last: true, packed);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100; i++)
        {
            packed.Truncate(0);
            deflate.Write(bytes, last: true, packed);
        }
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1000);
    }

    [CorpusFact]
    public void Real_mail_comes_back_and_takes_less_than_by_the_platforms_fastest()
    {
        var deflate = new FastDeflate();
        long ours = 0, platforms = 0;
        foreach (byte[] bytes in CorpusMessages())
        {
            packed.Truncate(0);
            deflate.Write(bytes, last: true, packed);
            Assert.Equal(bytes, Unpack(packed.Span));
            ours += packed.Length;
            using var other = new MemoryStream();
            using (var stream = new DeflateStream(other, CompressionLevel.Fastest, leaveOpen: true)) stream.Write(bytes);
            platforms += other.Length;
        }
        Assert.InRange(ours, 1, platforms);
    }

    [ToolFact("gzip")]
    public void Gzip_finds_nothing_wrong()
    {
        using var folder = new TemporaryFolder();
        string path = Path.Combine(folder.Path, "all.gz");
        using (FileStream file = File.Create(path))
        {
            for (int seed = 0; seed < 300; seed++)
            {
                var random = new Random(seed);
                byte[] bytes = Bytes(random, random.Next(1 << random.Next(1, 20)));
                file.Write([0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 4, 255]);
                file.Write(Pack(bytes));
                file.Write(BitConverter.GetBytes(Crc32.Compute(bytes)));
                file.Write(BitConverter.GetBytes(bytes.Length));
            }
        }
        using Process gzip = Process.Start(new ProcessStartInfo("gzip", ["-t", path]) { RedirectStandardError = true })!;
        string errors = gzip.StandardError.ReadToEnd();
        gzip.WaitForExit();
        Assert.True(gzip.ExitCode == 0 && errors.Length == 0, errors);
    }

    private byte[] Pack(ReadOnlySpan<byte> bytes)
    {
        packed.Truncate(0);
        new FastDeflate().Write(bytes, last: true, packed);
        return packed.Span.ToArray();
    }

    private static byte[] Unpack(ReadOnlySpan<byte> stream)
    {
        using var inflate = new DeflateStream(new MemoryStream(stream.ToArray()), CompressionMode.Decompress);
        return ArchiveSamples.ReadAll(inflate);
    }

    /// <summary>Noise, one byte, few letters, skewed letters, and pieces that come again.</summary>
    private static byte[] Bytes(Random random, int length)
    {
        var bytes = new byte[length];
        int kind = random.Next(5);
        for (int i = 0; i < length; i++)
        {
            bytes[i] = kind switch
            {
                0 => (byte)random.Next(256),
                1 => (byte)'a',
                2 => (byte)('a' + random.Next(4)),
                3 => (byte)Math.Min(255, -Math.Log(1 - random.NextDouble()) * (1 + i % 40)),
                _ => (byte)(i > 100 && random.Next(8) != 0 ? bytes[i - random.Next(1, 100)] : random.Next(256)),
            };
        }
        if (kind != 4) return bytes;
        for (int i = 300; i < length - 300; i += random.Next(1, 400))
        {
            int piece = random.Next(3, 300);
            bytes.AsSpan(random.Next(i - piece), piece).CopyTo(bytes.AsSpan(i));
        }
        return bytes;
    }

    private static IEnumerable<byte[]> CorpusMessages()
    {
        using var all = new MemoryStream();
        using (var file = new GZipStream(File.OpenRead(Corpus.MboxPath), CompressionMode.Decompress)) file.CopyTo(all);
        byte[] mbox = all.ToArray();
        for (int at = 0; at < mbox.Length;)
        {
            int next = mbox.AsSpan(at + 1).IndexOf("\nFrom "u8);
            int end = next < 0 ? mbox.Length : at + 1 + next + 1;
            yield return mbox[at..end];
            at = end;
        }
    }
}
