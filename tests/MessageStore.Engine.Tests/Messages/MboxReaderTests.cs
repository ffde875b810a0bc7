using System.IO.Compression;
using System.Text;
using MessageStore.Messages;
using MessageStore.Tests.Support;

namespace MessageStore.Tests.Messages;

public class MboxReaderTests
{
    private const string Line = "From joe@example.org Thu Aug 22 12:36:23 2002\n";
    private const int Seed = 822;

    [Theory]
    [InlineData(Line + "Subject: a\n\nx\n\n" + Line + "Subject: b\n\ny\n\n", "Subject: a\n\nx\n", "Subject: b\n\ny\n")]
    [InlineData(Line + "Subject: a\n\nx\n\n\n" + Line + "b", "Subject: a\n\nx\n\n", "b")]
    [InlineData(Line + "\n" + Line + "\n\n" + Line, "", "\n", "")]
    [InlineData("\n\n" + Line + "a\n", "a\n")]
    [InlineData(Line + "a\n" + Line + "b\n\n", "a\n" + Line + "b\n")]
    [InlineData(Line + "a\n\nFrom here at 12:30 it is text\n\n", "a\n\nFrom here at 12:30 it is text\n")]
    [InlineData(Line + "a\n\n>From x\n>>From y\n> From z\n\n", "a\n\nFrom x\n>From y\n> From z\n")]
    [InlineData("From nobody\na\n\n", "a\n")]
    public void Messages_lie_between_From_lines_behind_empty_lines(string mbox, params string[] messages) => Assert.Equal(messages, Read(mbox));

    [Fact]
    public void A_CRLF_file_is_read_as_an_LF_file_is()
    {
        string line = Line.Replace("\n", "\r\n");
        Assert.Equal(["a: b\r\n\r\nx\r\n", "c\r\n"], Read($"{line}a: b\r\n\r\nx\r\n\r\n{line}c\r\n\r\n"));
        Assert.Equal(["a: b\r\n\r\n", ""], Read($"{Line}a: b\r\n\r\n\n{Line}\n"));
    }

    [Fact]
    public void What_was_written_comes_back_whatever_it_is_and_wherever_the_buffer_ends()
    {
        var random = new Random(Seed);
        string[] pieces = ["\n", "\n", "\r\n", Line, "\n" + Line, ">", "From ", "x", new string('y', 3000), "\n\n", "\nFrom \n"];
        using var file = new MemoryStream();
        var writer = new MboxWriter(file);
        var messages = new List<string>();
        for (int n = 0; n < 3000; n++)
        {
            string message = string.Concat(Enumerable.Range(0, random.Next(12)).Select(_ => pieces[random.Next(pieces.Length)]));
            if (message.Length > 0) message += "\n";
            messages.Add(message);
            writer.Write(Encoding.Latin1.GetBytes(message), "joe@example.org", DateTimeOffset.UnixEpoch);
        }
        file.Position = 0;
        Assert.Equal(messages, Read(file));
        file.Position = 0;
        Assert.Equal(messages, Read(new TrickleStream(file, random)));
    }

    [Fact]
    public void An_mbox_cut_anywhere_gives_what_is_whole_and_the_rest_as_the_last_message()
    {
        string mbox = $"{Line}a: 1\n\nfirst\n\n{Line}b: 2\n\nsecond\n\n";
        int second = mbox.LastIndexOf(Line, StringComparison.Ordinal) + Line.Length;
        for (int length = second; length <= mbox.Length; length++)
        {
            string[] found = Read(mbox[..length]);
            Assert.Equal(2, found.Length);
            Assert.Equal("a: 1\n\nfirst\n", found[0]);
            Assert.StartsWith(found[1], "b: 2\n\nsecond\n", StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_packed_mbox_cut_anywhere_gives_what_is_whole_and_then_says_so()
    {
        using var folder = new TemporaryFolder();
        byte[] one = Pack($"{Line}a: 1\n\nfirst\n\n");
        byte[] all = [.. one, .. Pack($"{Line}b: 2\n\nsecond\n\n")];
        for (int length = one.Length + 1; length < all.Length; length++)
        {
            string path = folder.Write("x.mbox.gz", all.AsSpan(0, length));
            SourceItem[] items = [.. MailFiles.Open(path)];
            foreach (SourceItem item in items) item.Message?.Body.Dispose();
            MessageStoreException? error = items[^1].Error;
            Assert.True(error is not null, $"cut at {length}: no error");
            Assert.True(error.ErrorId == ErrorIds.MailTruncated, $"cut at {length}: {error.Message}");
            Assert.Contains(path, error.Message, StringComparison.Ordinal);
            Assert.Contains($"offset {length}", error.Message, StringComparison.Ordinal);
            Assert.Contains($"{items.Length - 1} message", error.Message, StringComparison.Ordinal);
            Assert.InRange(items.Length, 1, 2);
        }
        Assert.Equal(["a: 1\n\nfirst\n"], Read(new GzipMemberStream(new MemoryStream(one))));
    }

    [Fact]
    public void Any_altered_byte_of_a_packed_mbox_is_an_error_or_harmless()
    {
        var random = new Random(Seed);
        string text = string.Concat(Enumerable.Range(0, 40).Select(n => $"{Line}n: {n}\n\n{random.NextInt64()}\n\n"));
        byte[] packed = [.. Pack(text), .. Pack(text)];
        string[] messages = [.. Read(text), .. Read(text)];
        using var folder = new TemporaryFolder();
        for (int at = 0; at < packed.Length; at++)
        {
            byte[] altered = [.. packed];
            altered[at] ^= (byte)(1 << random.Next(8));
            SourceItem[] items = [.. MailFiles.Open(folder.Write("x.mbox.gz", altered))];
            foreach (SourceItem item in items) item.Message?.Body.Dispose();
            if (items.All(item => item.IsMessage)) Assert.True(messages.Length == items.Length, $"byte {at} of {packed.Length}: {items.Length}");
            else Assert.True(items[^1].Error!.ErrorId is ErrorIds.MailDamaged or ErrorIds.MailTruncated or ErrorIds.NotMail, $"byte {at}: {items[^1].Error!.Message}");
        }
    }

    [Fact]
    public void Zeros_behind_a_packed_file_are_padding_and_other_bytes_are_damage()
    {
        byte[] packed = Pack($"{Line}a: 1\n\n");
        Assert.Equal(["a: 1\n"], Read(new GzipMemberStream(new MemoryStream([.. packed, .. new byte[512]]))));
        var error = Assert.Throws<BrokenGzipException>(() => new GzipMemberStream(new MemoryStream([.. packed, 1, 2, 3])).CopyTo(Stream.Null));
        Assert.False(error.IsCut);
        Assert.Equal(packed.Length, error.Offset);
    }

    [Fact]
    public void A_message_beyond_the_limit_is_an_error_and_the_next_one_comes()
    {
        using var folder = new TemporaryFolder();
        string path = folder.Write("x.mbox", Encoding.ASCII.GetBytes($"{Line}short\n\n{Line}{new string('x', 500_000)}\n\n{Line}short\n\n"));
        SourceItem[] items = [.. MailFiles.Open(path, 1000)];
        Assert.Equal([true, false, true], items.Select(item => item.IsMessage));
        Assert.Equal(ErrorIds.MessageTooLarge, items[1].Error!.ErrorId);
        Assert.Contains(path + "#2", items[1].Error!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Random_and_mutated_files_never_throw()
    {
        int seed = Random.Shared.Next();
        var random = new Random(seed);
        byte[] model = Encoding.ASCII.GetBytes($"{Line}a: 1\n\nfirst\n>From x\n\n{Line}b: 2\r\n\r\nsecond\r\n\r\n{Line}");
        for (int round = 0; round < 20_000; round++)
        {
            byte[] bytes = [.. model];
            for (int n = random.Next(6); n > 0; n--) bytes[random.Next(bytes.Length)] = (byte)(random.Next(2) == 0 ? '\n' : random.Next(256));
            try
            {
                long length = 0;
                foreach (SourceItem item in new MboxReader(new MemoryStream(bytes), "x").Read())
                {
                    length += item.Message?.Body.Length ?? 0;
                    item.Message?.Body.Dispose();
                }
                Assert.InRange(length, 0, bytes.Length);
            }
            catch (Exception error)
            {
                throw new InvalidOperationException($"seed {seed}, round {round}: {Convert.ToHexString(bytes)}", error);
            }
        }
    }

    private static byte[] Pack(string text)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Fastest, leaveOpen: true)) gzip.Write(Encoding.Latin1.GetBytes(text));
        return packed.ToArray();
    }

    private static string[] Read(string mbox) => Read(new MemoryStream(Encoding.Latin1.GetBytes(mbox)));

    private static string[] Read(Stream mbox) => [.. new MboxReader(mbox, "x").Read().Select(item =>
    {
        using MessageBody body = item.Message!.Body;
        return Encoding.Latin1.GetString(body.Head.Span);
    })];
}
