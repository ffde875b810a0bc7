using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using MessageStore.IO;

namespace MessageStore.Tests.IO;

public sealed class Crc32Tests
{
    [Fact]
    public void The_standard_check_value_comes_out() =>
        Assert.Equal(0xCBF43926u, Crc32.Compute(Encoding.ASCII.GetBytes("123456789")));

    [Fact]
    public void Folding_and_tables_agree_at_every_length_and_alignment()
    {
        var bytes = new byte[700];
        new Random(3).NextBytes(bytes);
        for (int start = 0; start < 17; start++)
        {
            for (int length = 0; length <= 680; length++)
            {
                ReadOnlySpan<byte> part = bytes.AsSpan(start, length);
                Assert.Equal(Crc32.ComputeByTables(part, (uint)length), Crc32.Compute(part, (uint)length));
            }
        }
    }

    [Fact]
    public void Calls_chain_wherever_the_data_is_cut()
    {
        var bytes = new byte[1000];
        new Random(4).NextBytes(bytes);
        uint whole = Crc32.Compute(bytes);
        for (int cut = 0; cut <= bytes.Length; cut++) Assert.Equal(whole, Crc32.Compute(bytes.AsSpan(cut), Crc32.Compute(bytes.AsSpan(0, cut))));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(63)]
    [InlineData(64)]
    [InlineData(100_003)]
    public void It_is_the_checksum_in_a_gzip_trailer(int length)
    {
        var bytes = new byte[length];
        new Random(length).NextBytes(bytes);
        var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Fastest, leaveOpen: true)) gzip.Write(bytes);
        uint trailer = BinaryPrimitives.ReadUInt32LittleEndian(packed.ToArray().AsSpan(^8..));
        Assert.Equal(trailer, Crc32.Compute(bytes));
        Assert.Equal(trailer, Crc32.ComputeByTables(bytes));
    }
}
