using System.Text;
using MessageStore.Messages;
using MessageStore.Tests.Support;

namespace MessageStore.Tests.Messages.Mime;

public class MessageContentReaderTests
{
    private const string Mail = """
        From: =?utf-8?Q?J=C3=BCrgen?= <j@example.org>
        Subject: two
         lines
        Content-Type: multipart/mixed; boundary=m

        --m
        Content-Type: multipart/related; boundary=r

        --r
        Content-Type: multipart/alternative; boundary=a

        --a
        Content-Type: text/plain; charset=utf-8
        Content-Transfer-Encoding: quoted-printable

        caf=C3=A9
        --a
        Content-Type: text/html; charset=utf-8

        <p onclick="x">hello <img src="cid:pic"></p>
        --a--
        --r
        Content-Type: image/png; name=pic.png
        Content-ID: <pic>
        Content-Transfer-Encoding: base64

        iVBORw==
        --r--
        --m
        Content-Type: message/rfc822

        Subject: forwarded

        inside
        --m
        Content-Type: text/plain; name=notes.txt

        notes
        --m--
        """;

    [Fact]
    public void A_message_is_header_text_page_and_attachments()
    {
        MessageContent content = Read(Mail, n => $"parts/{n}");
        Assert.Equal(new MessageField("From", "Jürgen <j@example.org>"), content.Headers[0]);
        Assert.Equal(new MessageField("Subject", "two lines"), content.Headers[1]);
        Assert.Equal("café", content.Text);
        Assert.Equal("<p>hello <img src=\"parts/5\"></p>", content.Html);
        Assert.False(content.IsCut);
        Assert.Equal(
            [("pic.png", "image/png", 4L), ("", "message/rfc822", 26L), ("notes.txt", "text/plain", 5L)], content.Attachments.Select(a => (a.FileName, a.MediaType, a.Size)));
        Assert.Equal("pic", content.Attachments[0].ContentId);
    }

    [Fact]
    public void A_part_is_opened_decoded()
    {
        foreach (MessageAttachment attachment in Read(Mail).Attachments)
        {
            using Stream? part = MessageContentReader.OpenPart(Stream(Mail), attachment.Number);
            using var copy = new MemoryStream();
            part!.CopyTo(copy);
            Assert.Equal(attachment.Size, copy.Length);
            if (attachment.MediaType == "message/rfc822") Assert.Equal("Subject: forwarded\n\ninside", Encoding.ASCII.GetString(copy.ToArray()));
        }
        Assert.Null(MessageContentReader.OpenPart(Stream(Mail), 99));
        Assert.Null(MessageContentReader.OpenPart(Stream(Mail), 0));
    }

    [Fact]
    public void A_page_alone_gives_the_text_too()
    {
        MessageContent content = Read("Content-Type: text/html\n\n<meta charset=iso-8859-1><p>caf\u00e9</p><style>p {}</style>");
        Assert.Equal("café", content.Text.Trim());
        Assert.Equal("<p>caf&#233;</p>", content.Html);
    }

    [Fact]
    public void A_mailing_lists_footer_stands_below_the_text() =>
        Assert.Equal("one\n\ntwo", Read("Content-Type: multipart/mixed; boundary=x\n\n--x\n\none\n--x\n\ntwo\n--x--").Text);

    [Fact]
    public void A_long_text_is_cut_and_says_so()
    {
        MessageContent content = Read("A: b\n\n" + new string('x', MessageContentReader.TextLimit + 1));
        Assert.True(content.IsCut);
        Assert.Equal(MessageContentReader.TextLimit, content.Text.Length);
    }

    [CorpusFact]
    public void Every_message_of_the_corpus_is_read_and_its_attachments_open()
    {
        int attachments = 0, pages = 0, empty = 0;
        foreach (SourceItem item in MailFiles.Open(Corpus.MboxPath))
        {
            using MessageBody body = item.Message!.Body;
            byte[] raw = body.Head.ToArray();
            MessageContent content = MessageContentReader.Read(new MemoryStream(raw));
            Assert.NotEmpty(content.Headers);
            if (content.Html.Length > 0) pages++;
            if (string.IsNullOrWhiteSpace(content.Text)) empty++;
            foreach (MessageAttachment attachment in content.Attachments)
            {
                using Stream part = MessageContentReader.OpenPart(new MemoryStream(raw), attachment.Number)!;
                using var copy = new MemoryStream();
                part.CopyTo(copy);
                Assert.Equal(attachment.Size, copy.Length);
                attachments++;
            }
        }
        Assert.Equal((22, 0), (pages, empty));
        Assert.True(attachments > 100, $"{attachments}");
    }

    private static MemoryStream Stream(string mail) => new(Encoding.Latin1.GetBytes(mail.Replace("\r\n", "\n", StringComparison.Ordinal)));

    private static MessageContent Read(string mail, Func<int, string>? link = null) => MessageContentReader.Read(Stream(mail), link);
}
