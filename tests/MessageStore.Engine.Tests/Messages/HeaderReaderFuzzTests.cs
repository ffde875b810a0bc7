using System.Diagnostics;
using System.Text;
using MessageStore.Messages;
using MessageStore.Tests.Support;

namespace MessageStore.Tests.Messages;

public class HeaderReaderFuzzTests
{
    private const int Rounds = 20_000;

    private static readonly string[] Pieces =
    [
        "From", "To", "Subject", "Date", "Message-ID", "Received", ":", ": ", ";", "\n", "\r", "\r\n", "\n ", "\r\r\n", " ", "\t", "=?", "?=", "?Q?", "?b?",
        "utf-8", "iso-2022-jp", "=?utf-8?Q?=E2=82?=", "=?big5?B?pKQ=?=", "=?iso-2022-kr?B?GyQpQw==?=", "=?hz-gb-2312?Q?~{VP~}?=", "=", "(", ")", "\\", "\"", "<a@b>", "Thu, 22 Aug 2002 12:36:23 +0100",
        "Aug", "12:", "+9999", "0", "99999999999", "From ", ">From ", "\0", "\u001b", "é", "\u00ff", "📬",
    ];

    [Fact]
    public void Random_and_mutated_headers_never_throw_and_give_bounded_results()
    {
        int seed = Random.Shared.Next();
        var random = new Random(seed);
        byte[] model = Encoding.UTF8.GetBytes(
            "Received: from a by b; Thu, 22 Aug 2002 12:36:23 +0100 (IST)\r\nFrom: =?iso-8859-1?Q?J=FCrgen?= <j@example.org>\nTo: a@b,\n\tc@d\nSubject: =?utf-8?B?SsO8?=\n =?utf-8?B?cmdlbg==?=\nDate: Thu, 22 Aug 2002 12:36:23 +0100\nMessage-ID: <1@x>\n\nbody\n");
        for (int round = 0, rounds = Fuzz.Cases(Rounds); round < rounds; round++)
        {
            byte[] head = (round % 3) switch
            {
                0 => RandomBytes(random),
                1 => Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, random.Next(60)).Select(_ => Pieces[random.Next(Pieces.Length)]))),
                _ => Mutate(model, random),
            };
            try
            {
                MessageSummary summary = HeaderReader.Instance.Read(head);
                Assert.InRange(summary.From.Length, 0, HeaderReader.TextLimit);
                Assert.InRange(summary.To.Length, 0, HeaderReader.TextLimit);
                Assert.InRange(summary.Subject.Length, 0, HeaderReader.TextLimit);
                Assert.InRange(summary.MessageId.Length, 0, HeaderReader.MessageIdLimit);
                Assert.DoesNotContain(summary.Subject, c => char.IsControl(c) && c != '\t');
            }
            catch (Exception error)
            {
                throw new InvalidOperationException($"seed {seed}, round {round}: {Convert.ToHexString(head)}", error);
            }
        }
    }

    /// <summary>Each input is one that a careless reader needs quadratic time for; ours reads megabytes of them a second.</summary>
    [Theory]
    [InlineData("Subject: ", "=?a?Q?")]
    [InlineData("Subject: ", "=?=?")]
    [InlineData("Subject: ", "=?a?Q??=")]
    [InlineData("Subject: ", "\r")]
    [InlineData("Subject: ", "\rx")]
    [InlineData("Subject: ", "\r\n ")]
    [InlineData("Date: ", "(")]
    [InlineData("Date: ", "1 ")]
    [InlineData("", "Received: ;(\n")]
    [InlineData("", "a")]
    [InlineData("", ">From \n")]
    [InlineData("", "From \n")]
    [InlineData("", "a:\r")]
    public void Hostile_headers_are_read_in_linear_time(string start, string repeated)
    {
        string text = start + string.Concat(Enumerable.Repeat(repeated, MessageBody.HeadLimit / repeated.Length));
        byte[] head = Encoding.Latin1.GetBytes(text)[..Math.Min(text.Length, MessageBody.HeadLimit)];
        HeaderReader.Instance.Read(head);
        var watch = Stopwatch.StartNew();
        HeaderReader.Instance.Read(head);
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(2), $"{watch.Elapsed}");
    }

    private static byte[] RandomBytes(Random random)
    {
        byte[] bytes = new byte[random.Next(400)];
        random.NextBytes(bytes);
        if (random.Next(2) == 0) "Subject: "u8[..Math.Min(9, bytes.Length)].CopyTo(bytes);
        return bytes;
    }

    private static byte[] Mutate(byte[] model, Random random)
    {
        byte[] bytes = [.. model];
        for (int n = random.Next(1, 12); n > 0; n--) bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
        return bytes[..random.Next(bytes.Length / 2, bytes.Length)];
    }
}
