using System.Text;
using MessageStore.Messages;
using MessageStore.Server.Intake;

namespace MessageStore.Server.Tests.Intake;

public sealed class DotReaderTests
{
    [Theory]
    [InlineData("a\r\n.\r\n", "a\r\n")]
    [InlineData(".\r\n", "")]
    [InlineData("..\r\n.\r\n", ".\r\n")]
    [InlineData("..a\r\n.b\r\n...\r\n.\r\n", ".a\r\nb\r\n..\r\n")]
    [InlineData("\r\n\r\n.\r\n", "\r\n\r\n")]
    [InlineData("a.\r\n.\r\n", "a.\r\n")]
    [InlineData("a\nb\r\n.\r\n", "a\nb\r\n")]
    [InlineData("a\rb\r\r\n.\r\n", "a\rb\r\r\n")]
    [InlineData("a\n.b\r\n.\r\n", "a\n.b\r\n")]
    public void Text_ends_at_the_dot_and_loses_the_dots_that_were_put_before_it(string sent, string expected) => AssertEverySplit(sent, expected, isSmuggled: false);

    [Theory]
    [InlineData("a\n.\n")]
    [InlineData("a\n.\r\n")]
    [InlineData("a\r\n.\n")]
    [InlineData("a\r.\r")]
    [InlineData("a\r.\r\n")]
    [InlineData("a\r\n.\rb")]
    [InlineData("a\r\n.\r\r\n")]
    [InlineData("a\r.\n")]
    [InlineData("a\r\r.\r\n")]
    public void A_dot_alone_between_other_line_ends_is_no_end_and_is_told(string sent)
    {
        AssertEverySplit(sent + "MAIL FROM:<x@y>\r\n.\r\n", null, isSmuggled: true);
    }

    [Fact]
    public void Any_text_that_a_sender_stuffs_comes_back_byte_for_byte()
    {
        var random = new Random(1);
        for (int round = 0; round < 2000; round++)
        {
            string text = string.Concat(Enumerable.Range(0, random.Next(12)).Select(_ => new string([.. Enumerable.Range(0, random.Next(6)).Select(_ => "..ab"[random.Next(4)])]) + "\r\n"));
            string stuffed = text.Length == 0 ? "" : string.Concat(text.Split("\r\n").SkipLast(1).Select(l => (l.StartsWith('.') ? "." : "") + l + "\r\n"));
            Assert.Equal((text, false), Read(stuffed + ".\r\n", random.Next(1, 7)));
        }
    }

    [Fact]
    public void The_longest_line_is_counted_with_its_end()
    {
        using var body = new BodyWriter("The message");
        var reader = new DotReader();
        Assert.True(reader.Read(Encoding.ASCII.GetBytes($"ab\r\n{new string('x', 998)}\r\n.c\r\n.\r\n"), body, out _));
        Assert.Equal(1000, reader.LongestLine);
    }

    private static void AssertEverySplit(string sent, string? expected, bool isSmuggled)
    {
        for (int size = 1; size <= sent.Length; size++)
        {
            (string text, bool smuggled) = Read(sent, size);
            if (expected is not null) Assert.Equal(expected, text);
            Assert.Equal(isSmuggled, smuggled);
        }
    }

    /// <summary>Reads in pieces of a size; everything must be consumed.</summary>
    private static (string Text, bool IsSmuggled) Read(string sent, int size)
    {
        byte[] bytes = Encoding.ASCII.GetBytes(sent);
        using var body = new BodyWriter("The message");
        var reader = new DotReader();
        for (int at = 0; at < bytes.Length; at += size)
        {
            int count = Math.Min(size, bytes.Length - at);
            bool ended = reader.Read(bytes.AsSpan(at, count), body, out int consumed);
            Assert.Equal(at + count == bytes.Length, ended);
            Assert.Equal(count, consumed);
        }
        using MessageBody complete = body.Complete();
        return (Encoding.ASCII.GetString(complete.Head.Span), reader.IsSmuggled);
    }
}
