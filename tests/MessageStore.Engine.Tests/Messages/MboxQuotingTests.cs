using System.Buffers;
using System.Text;
using System.Text.RegularExpressions;
using MessageStore.Messages;

namespace MessageStore.Tests.Messages;

public class MboxQuotingTests
{
    private const int Seed = 20020822;
    private static readonly string[] Pieces = ["\n", "\r\n", ">", ">>>>", "From ", "From", "Fro", "F", " ", "x", "From \n", "\nFrom ", "\n>From ", "rom "];

    [Theory]
    [InlineData("From me\n", ">From me\n")]
    [InlineData(">From me\n", ">>From me\n")]
    [InlineData("a\n>>From me", "a\n>>>From me")]
    [InlineData("a\r\nFrom me\r\n", "a\r\n>From me\r\n")]
    [InlineData("From:\nfrom me\n From me\n>x From me\n", "From:\nfrom me\n From me\n>x From me\n")]
    [InlineData("a\nFrom", "a\nFrom")]
    [InlineData("a\rFrom ", "a\rFrom ")]
    [InlineData("", "")]
    public void Lines_that_look_like_From_lines_get_one_more_mark(string message, string quoted)
    {
        Assert.Equal(quoted, Text(w => MboxQuoting.Quote(Bytes(message), w)));
        Assert.Equal(message, Text(w => MboxQuoting.Unquote(Bytes(quoted), w)));
    }

    [Fact]
    public void Random_messages_are_quoted_as_the_rule_says_wherever_the_chunks_end()
    {
        var random = new Random(Seed);
        for (int round = 0; round < 20_000; round++)
        {
            string message = string.Concat(Enumerable.Range(0, random.Next(30)).Select(_ => Pieces[random.Next(Pieces.Length)]));
            string expected = Regex.Replace(message, @"(?<=^|\n)(>*From )", ">$1");
            string quoted = Text(w => InChunks(Bytes(message), random, w, quote: true));
            Assert.True(expected == quoted, $"seed {Seed}, round {round}: {message}");
            string back = Text(w => InChunks(Bytes(quoted), random, w, quote: false));
            Assert.True(message == back, $"seed {Seed}, round {round}: {message}");

            string loose = Regex.Replace(message, @"(?<=^|\n)>(>*From )", "$1");
            Assert.True(loose == Text(w => InChunks(Bytes(message), random, w, quote: false)), $"seed {Seed}, round {round}: {message}");
        }
    }

    [Fact]
    public async Task A_written_message_comes_back_exactly_given_its_length()
    {
        string[] messages = ["", "\n", "no end", "From here\n\n>From there", "a\r\n\r\nFrom b\r\n"];
        foreach (string message in messages)
        {
            var date = new DateTimeOffset(2002, 8, 2, 1, 2, 3, TimeSpan.FromHours(1));
            using var file = new MemoryStream();
            var writer = new MboxWriter(file);
            writer.Write(Bytes(message), "Joe <joe@example.org>", date);
            byte[] direct = file.ToArray();
            file.SetLength(0);
            Assert.Equal(message.Length, await writer.WriteAsync(new MemoryStream(Bytes(message)), "joe@example.org (Joe)", date));
            Assert.Equal(direct, file.ToArray());

            const string Line = "From joe@example.org Fri Aug  2 00:02:03 2002\n";
            string text = Encoding.Latin1.GetString(direct);
            Assert.StartsWith(Line, text, StringComparison.Ordinal);
            Assert.EndsWith("\n", text, StringComparison.Ordinal);
            string unquoted = Text(w => MboxQuoting.Unquote(Bytes(text[Line.Length..]), w));
            Assert.Equal(message, unquoted[..message.Length]);
            Assert.InRange(unquoted.Length - message.Length, 1, 2);
        }
    }

    [Fact]
    public void Endless_marks_are_held_back_by_one_only()
    {
        var unquoter = new MboxUnquoter();
        var output = new ArrayBufferWriter<byte>();
        byte[] marks = Bytes(new string('>', 1000));
        for (int n = 0; n < 100; n++) unquoter.Write(marks, output);
        Assert.Equal(99_999, output.WrittenCount);
        unquoter.Write("From x"u8, output);
        unquoter.Complete(output);
        Assert.Equal(99_999 + 6, output.WrittenCount);
    }

    private static void InChunks(byte[] bytes, Random random, IBufferWriter<byte> output, bool quote)
    {
        var quoter = new MboxQuoter();
        var unquoter = new MboxUnquoter();
        for (int at = 0; at < bytes.Length;)
        {
            int length = Math.Min(random.Next(0, 9), bytes.Length - at);
            if (quote) quoter.Write(bytes.AsSpan(at, length), output);
            else unquoter.Write(bytes.AsSpan(at, length), output);
            at += length;
        }
        if (quote) quoter.Complete(output);
        else unquoter.Complete(output);
    }

    private static byte[] Bytes(string text) => Encoding.Latin1.GetBytes(text);

    private static string Text(Action<IBufferWriter<byte>> write)
    {
        var output = new ArrayBufferWriter<byte>();
        write(output);
        return Encoding.Latin1.GetString(output.WrittenSpan);
    }
}
