using System.Security.Cryptography;
using MessageStore.Messages;
using MessageStore.Tests.Support;

namespace MessageStore.Tests.Messages;

public class BodyWriterTests
{
    [Theory]
    [InlineData(0, true)]
    [InlineData(1, true)]
    [InlineData(MessageBody.MemoryLimit - 1, true)]
    [InlineData(MessageBody.MemoryLimit, true)]
    [InlineData(MessageBody.MemoryLimit + 1, false)]
    [InlineData(3 * MessageBody.MemoryLimit + 12345, false)]
    public async Task A_body_lies_in_memory_up_to_the_limit_and_in_a_file_beyond(int length, bool inMemory)
    {
        byte[] bytes = new byte[length];
        var random = new Random(length);
        random.NextBytes(bytes);
        using MessageBody body = await MessageBody.FromStreamAsync(new TrickleStream(new MemoryStream(bytes), random));
        Assert.Equal(length, body.Length);
        Assert.Equal(inMemory, body.IsInMemory);
        Assert.Equal(SHA256.HashData(bytes), body.Sha256.ToArray());
        Assert.Equal(bytes[..Math.Min(length, inMemory ? length : MessageBody.HeadLimit)], body.Head.ToArray());
        byte[] read = new byte[length + 1];
        int total = 0;
        while (body.Read(read.AsSpan(total), total) is int count and > 0) total += count;
        Assert.Equal(bytes, read[..total]);
        Assert.Equal(0, body.Read(read, length + 5L));
    }

    [Fact]
    public void A_body_beyond_the_limit_is_refused_at_its_end_and_keeps_nothing()
    {
        using var writer = new BodyWriter("x", 10);
        writer.Write(new byte[10]);
        writer.Write(new byte[5_000_000]);
        Assert.Equal(5_000_010, writer.Length);
        Assert.Equal(ErrorIds.MessageTooLarge, Assert.Throws<MessageStoreException>(writer.Complete).ErrorId);
    }

    [Fact]
    public void One_large_piece_is_spooled_as_many_small_ones_are()
    {
        byte[] bytes = new byte[(2 << 20) + 7];
        Random.Shared.NextBytes(bytes);
        using var writer = new BodyWriter("x");
        writer.Write(bytes);
        using MessageBody body = writer.Complete();
        Assert.IsType<SpooledBody>(body);
        Assert.Equal(SHA256.HashData(bytes), body.Sha256.ToArray());
    }
}
