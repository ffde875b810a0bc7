using System.Text;
using MessageStore.Messages.Mime;

namespace MessageStore.Tests.Messages.Mime;

public class MimeReaderTests
{
    [Fact]
    public void Parts_come_in_order_with_their_place_and_content()
    {
        List<(MimePart Part, byte[] Content)> parts = MimeSamples.Take("""
            From: a@example.org
            Content-Type: multipart/mixed; boundary="outer"

            nobody reads this
            --outer
            Content-Type: multipart/alternative; boundary=inner

            --inner
            Content-Type: text/plain; charset=iso-8859-1
            Content-Transfer-Encoding: quoted-printable

            caf=E9 and=
             more =3D
            --inner
            Content-Type: text/html

            <p>hello
            --inner--
            between
            --outer  
            Content-Type: application/pdf; name="a.pdf"
            Content-Disposition: attachment; filename="report.pdf"
            Content-Transfer-Encoding: base64

            SGVsbG8s
            IHdvcmxk
            --outer
            Content-Type: message/rfc822

            Subject: inside

            deep
            --outer--
            after
            """);
        Assert.Equal(
            ["multipart/mixed", "multipart/alternative", "text/plain", "text/html", "application/pdf", "message/rfc822", "text/plain"], parts.Select(p => p.Part.MediaType));
        Assert.Equal([0, 1, 2, 3, 4, 5, 6], parts.Select(p => p.Part.Number));
        Assert.Equal([-1, 0, 1, 1, 0, 0, 5], parts.Select(p => p.Part.Parent));
        Assert.Equal([0, 1, 2, 2, 1, 1, 2], parts.Select(p => p.Part.Depth));
        Assert.Equal("café and more =", parts[2].Text());
        Assert.Equal("<p>hello", parts[3].Text());
        Assert.Equal("Hello, world", parts[4].Text());
        Assert.Equal("report.pdf", parts[4].Part.FileName);
        Assert.True(parts[4].Part.IsAttachment);
        Assert.Equal("deep", parts[6].Text());
    }

    [Theory]
    [InlineData("\n")]
    [InlineData("\r\n")]
    [InlineData("\r\r\n")]
    [InlineData("\r")]
    public void Line_ends_of_every_kind_part_and_the_last_belongs_to_the_boundary(string end)
    {
        string message = string.Join(end, "A: b", "Content-Type: multipart/mixed;", " boundary=x", "", "--x", "", "one", "", "--x", "B: c", "--x", "", "", "--x--", "");
        List<(MimePart Part, byte[] Content)> parts = MimeSamples.Take(message);
        Assert.Equal(["", "one" + end, "", ""], parts.Select(p => p.Text()));
    }

    [Fact]
    public void A_boundary_that_another_begins_with_is_not_it()
    {
        List<(MimePart Part, byte[] Content)> parts = MimeSamples.Take(
            "Content-Type: multipart/mixed; boundary=x\n\n--x\nContent-Type: multipart/mixed; boundary=xy\n\n--xy\n\n--xyz\nin\n--xy--\n--x\n\nlast\n--x--\n");
        Assert.Equal(["", "", "--xyz\nin", "last"], parts.Select(p => p.Text()));
    }

    [Fact]
    public void An_outer_boundary_ends_what_was_never_closed()
    {
        List<(MimePart Part, byte[] Content)> parts = MimeSamples.Take(
            "Content-Type: multipart/mixed; boundary=out\n\n--out\nContent-Type: multipart/mixed; boundary=in\n\n--in\n\none\n--out\n\ntwo");
        Assert.Equal(["", "", "one", "two"], parts.Select(p => p.Text()));
        Assert.Equal([0, 1, 2, 1], parts.Select(p => p.Part.Depth));
    }

    [Theory]
    [InlineData("Content-Type: multipart/mixed\n\ntext", "text")]
    [InlineData("Content-Type: multipart/mixed; boundary=\"\"\n\ntext", "text")]
    [InlineData("Content-Type: nonsense\n\ntext", "text")]
    [InlineData("no header at all\ntext", "no header at all\ntext")]
    [InlineData("\ntext\n", "text\n")]
    [InlineData("", "")]
    [InlineData("A: b", "")]
    public void What_is_no_MIME_is_plain_text(string message, string content)
    {
        (MimePart Part, byte[] Content) part = Assert.Single(MimeSamples.Take(message));
        Assert.Equal("text/plain", part.Part.MediaType);
        Assert.Equal(content, part.Text());
    }

    [Fact]
    public void Parts_of_a_digest_are_messages()
    {
        List<(MimePart Part, byte[] Content)> parts = MimeSamples.Take("Content-Type: multipart/digest; boundary=x\n\n--x\n\nSubject: one\n\nbody\n--x--\n");
        Assert.Equal(["multipart/digest", "message/rfc822", "text/plain"], parts.Select(p => p.Part.MediaType));
        Assert.Equal("body", parts[2].Text());
    }

    [Fact]
    public void A_uuencoded_file_is_a_part_and_the_text_goes_on_behind_it()
    {
        List<(MimePart Part, byte[] Content)> parts = MimeSamples.Take("A: b\n\nbefore\nbegin 644 cat.txt\n#0V%T\n`\nend\nafter\nbegin 644 the day with a walk\nlast\n");
        Assert.Equal(["before\n", "Cat", "after\nbegin 644 the day with a walk\nlast\n"], parts.Select(p => p.Text()));
        Assert.Equal(["", "cat.txt", ""], parts.Select(p => p.Part.FileName));
        Assert.True(parts[2].Part.IsContinuation);
    }

    [Fact]
    public void Depth_and_number_of_parts_are_limited()
    {
        var deep = new StringBuilder();
        for (int level = 0; level < 100; level++) deep.Append(null, $"Content-Type: multipart/mixed; boundary=b{level}x\n\n--b{level}x\n");
        deep.Append("\nbottom\n");
        Assert.Equal(MimeLimits.Default.Depth + 1, MimeSamples.Take(deep.ToString()).Count);
        string many = "Content-Type: multipart/mixed; boundary=x\n\n" + string.Concat(Enumerable.Repeat("--x\n\na\n", 10_000));
        Assert.Equal(MimeLimits.Default.Parts, MimeSamples.Take(many).Count);
    }

    [Fact]
    public void A_long_message_takes_no_more_memory_than_a_short_one()
    {
        const long Length = 150L << 20;
        using var reader = new MimeReader(new Endless("Content-Type: multipart/mixed; boundary=x\n\n--x\nContent-Transfer-Encoding: base64\n\n", Length));
        long before = GC.GetAllocatedBytesForCurrentThread();
        long total = 0;
        while (reader.Read())
            while (reader.NextContent() is { IsEmpty: false } piece)
                total += piece.Length;
        Assert.Equal(Length / 77 * 57, total, tolerance: 100);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
    }

    /// <summary>A start, then lines of base64 up to a length in all.</summary>
    private sealed class Endless(string start, long length) : Stream
    {
        private static readonly byte[] Line = Encoding.ASCII.GetBytes(new string('Q', 76) + "\n");
        private readonly byte[] head = Encoding.ASCII.GetBytes(start);
        private long position;

        public override bool CanRead => true;
        public override bool CanSeek => false;
        public override bool CanWrite => false;
        public override long Length => length;
        public override long Position { get => position; set => throw new NotSupportedException(); }

        public override int Read(byte[] buffer, int offset, int count)
        {
            int read = 0;
            for (; read < count && position < length; read++, position++)
                buffer[offset + read] = position < head.Length ? head[position] : Line[(position - head.Length) % Line.Length];
            return read;
        }

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
        public override void SetLength(long value) => throw new NotSupportedException();
        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
