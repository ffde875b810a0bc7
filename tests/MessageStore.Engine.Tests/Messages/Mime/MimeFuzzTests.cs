using System.Text;
using MessageStore.Messages;
using MessageStore.Messages.Mime;
using MessageStore.Tests.Support;

namespace MessageStore.Tests.Messages.Mime;

public class MimeFuzzTests
{
    private const int Rounds = 3_000;

    private static readonly string[] Pieces =
    [
        "Content-Type: multipart/mixed; boundary=x\n", "Content-Type: multipart/alternative; boundary=\"y z\"\r\n", "Content-Type: message/rfc822\n", "Content-Type: text/html; charset=iso-2022-kr\n",
        "Content-Type: text/plain; charset=hz-gb-2312\n", "Content-Type: text/html; charset=utf-16\n", "Content-Type: text/plain; charset=x-nobody\n", "Content-Type: text/plain; charset=gb18030\n", "Content-Transfer-Encoding: base64\n", "Content-Transfer-Encoding: quoted-printable\n",
        "Content-Transfer-Encoding: x-uuencode\n", "Content-Disposition: attachment; filename*0*=utf-8''%E2; filename*1=\"\n", "\n", "\r\n", "\r", "--x\n", "--x--\n", "--y z\n", "--y z--\r\n", "--", "begin 644 a b\n",
        "#0V%T\n", "`\nend\n", "end\n", "SGVsbG8=", "=", "=4", "=\n", "<", "<!--", "-->", "<script>", "</script", "&#x110000;", "&#0;", "&lt", "&", "\"", "'", ">", "From ", ">From x\n", "\0", "\u001b$B", "é", "📬",
    ];

    [Fact]
    public void Random_and_mutated_messages_are_read_to_their_end_and_the_same_in_any_pieces()
    {
        int seed = Random.Shared.Next();
        var random = new Random(seed);
        for (int round = 0, rounds = Fuzz.Cases(Rounds); round < rounds; round++)
        {
            byte[] message = Message(random, round);
            try
            {
                List<(MimePart Part, byte[] Content)> whole = MimeSamples.Take(message);
                List<(MimePart Part, byte[] Content)> trickled = MimeSamples.Take(message, random);
                Assert.Equal(whole.Select(p => p.Part), trickled.Select(p => p.Part));
                Assert.All(whole.Zip(trickled), p => Assert.Equal(p.First.Content, p.Second.Content));
                Assert.NotEmpty(whole);
                Assert.InRange(whole.Count, 1, MimeLimits.Default.Parts);
                Assert.InRange(whole.Sum(p => (long)p.Content.Length), 0, message.Length);
                foreach ((MimePart part, byte[] content) in whole.Where(p => p.Part.IsText)) Read(part, content, random);
            }
            catch (Exception error)
            {
                throw new InvalidOperationException($"seed {seed}, round {round}: {Convert.ToHexString(message)}", error);
            }
        }
    }

    /// <summary>Every charset that a name can lead to meets bytes that it was not made for.</summary>
    [Fact]
    public void Random_bytes_in_every_charset_never_throw()
    {
        int seed = Random.Shared.Next();
        var random = new Random(seed);
        byte[] bytes = new byte[257];
        foreach (EncodingInfo info in CodePagesEncodingProvider.Instance.GetEncodings())
        {
            for (int round = 0; round < 50; round++)
            {
                random.NextBytes(bytes);
                try
                {
                    Read(new MimePart { Charset = info.Name }, bytes, random);
                }
                catch (Exception error)
                {
                    throw new InvalidOperationException($"seed {seed}, charset {info.Name}: {Convert.ToHexString(bytes)}", error);
                }
            }
        }
    }

    [Theory]
    [InlineData("Content-Type: multipart/mixed; boundary=x\n\n", "--x\n")]
    [InlineData("Content-Type: multipart/mixed; boundary=x\n\n", "--x\n\n")]
    [InlineData("Content-Type: multipart/mixed; boundary=x\n\n", "--x\nContent-Type: message/rfc822\n\n")]
    [InlineData("Content-Type: message/rfc822\n\n", "Content-Type: message/rfc822\n\n")]
    [InlineData("A: b\n\n", "begin 644 a\n#0V%T\n")]
    [InlineData("A: b\n\n", "\r")]
    [InlineData("Content-Type: text/plain", "; a*1=b")]
    [InlineData("Content-Type: text/plain; name=\"", "\\")]
    [InlineData("Content-Type: ", "(")]
    [InlineData("Content-Type: text/html\n\n", "<")]
    [InlineData("Content-Type: text/html\n\n", "&")]
    [InlineData("Content-Type: text/html\n\n", "<a \"")]
    [InlineData("Content-Type: text/html\n\n", "<script></")]
    public void Hostile_messages_are_read_to_their_end(string start, string repeated)
    {
        byte[] message = Encoding.Latin1.GetBytes(start + string.Concat(Enumerable.Repeat(repeated, (2 << 20) / repeated.Length)));
        foreach ((MimePart part, byte[] content) in MimeSamples.Take(message).Where(p => p.Part.IsText)) Read(part, content, new Random(1));
    }

    private static void Read(MimePart part, byte[] content, Random random)
    {
        var text = new MimeSamples.Collector();
        var html = new HtmlText(text);
        var decoder = new TextDecoder(part.Charset);
        for (int at = 0; at < content.Length;)
        {
            int length = Math.Min(random.Next(1, 16 << 10), content.Length - at);
            decoder.Write(content.AsSpan(at, length), html);
            at += length;
        }
        decoder.Complete(html);
        html.Complete();
        Assert.InRange(text.ToString().Length, 0, 8 * content.Length + 16);
    }

    private static byte[] Message(Random random, int round)
    {
        if (round % 3 == 0)
        {
            byte[] bytes = new byte[random.Next(2000)];
            random.NextBytes(bytes);
            return bytes;
        }
        byte[] made = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, random.Next(80)).Select(_ => Pieces[random.Next(Pieces.Length)])));
        if (round % 3 == 1) return made;
        for (int n = random.Next(1, 12); n > 0 && made.Length > 0; n--) made[random.Next(made.Length)] = (byte)random.Next(256);
        return made;
    }
}
