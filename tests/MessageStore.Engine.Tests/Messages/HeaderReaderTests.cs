using System.Text;
using MessageStore.Messages;

namespace MessageStore.Tests.Messages;

public class HeaderReaderTests
{
    [Theory]
    [InlineData("Subject: a\n b\n\tc\n\n", "a b\tc")]
    [InlineData("Subject: a\r\n  b\r\n\r\n", "a  b")]
    [InlineData("Subject:\n a\n \n\n", "a")]
    [InlineData("Subject:a", "a")]
    [InlineData("SUBJECT \t: a\n\n", "a")]
    [InlineData("Subject: a \t \n\n", "a")]
    public void A_folded_subject_is_unfolded(string head, string subject) => AssertSubject(head, subject);

    [Theory]
    [InlineData("=?iso-8859-1?q?J=FCrgen?=", "Jürgen")]
    [InlineData("=?UTF-8?B?SsO8cmdlbg==?=", "Jürgen")]
    [InlineData("=?utf-8?B?SsO8cmdlbg?=", "Jürgen")]
    [InlineData("=?utf-8?Q?a?= =?utf-8?Q?b?=\n =?utf-8?B?Yw==?=", "abc")]
    [InlineData("=?utf-8?Q?=E2=82?= =?utf-8?Q?=AC?=", "€")]
    [InlineData("=?utf-8?Q?=E2=82?= =?UTF-8?B?rA==?=", "€")]
    [InlineData("=?utf-8?Q?a?= b =?utf-8?Q?c?=", "a b c")]
    [InlineData("Re:=?utf-8?Q?_a?=b", "Re: ab")]
    [InlineData("=?iso-8859-1*de?Q?=FC?=", "ü")]
    [InlineData("=?utf-8?Q?what??=", "what?")]
    [InlineData("=?utf-8?Q?a b=_=zz?=", "a b= =zz")]
    [InlineData("=?koi8-r?B?8NLJ18XU?=", "Привет")]
    [InlineData("=?iso-2022-jp?B?GyRCRnxLXBsoQg==?=", "日本")]
    [InlineData("=?cp1251?Q?=CF?=", "П")]
    [InlineData("=?windows-1252?Q?=80?=", "€")]
    [InlineData("=?iso-8859-1?Q?=80?=", "€")]
    [InlineData("=?gb2312?B?1tDOxA==?=", "中文")]
    [InlineData("=?utf-8?Q?a=0D=0Ab=1B[31m?=", "a  b\uFFFD[31m")]
    public void Encoded_words_are_decoded(string value, string text) => AssertSubject($"Subject: {value}\n\n", text);

    [Theory]
    [InlineData("=?utf-8?X?a?=")]
    [InlineData("=?utf-8?Q?a")]
    [InlineData("=??Q?a?=")]
    [InlineData("=?utf 8?Q?a?=")]
    [InlineData("=?utf-8?Q?")]
    [InlineData("=?")]
    [InlineData("=?=?=?=?")]
    public void What_is_no_encoded_word_stays_text(string value) => AssertSubject($"Subject: {value}\n\n", value);

    [Theory]
    [InlineData("=?x-nobody?Q?caf=C3=A9?=", "café")]
    [InlineData("=?x-nobody?Q?caf=E9?=", "café")]
    [InlineData("=?utf-7?Q?a?=", "a")]
    public void An_unknown_charset_is_read_as_unlabelled_and_noted(string value, string text)
    {
        MessageSummary summary = Read($"Subject: {value}\n\n");
        Assert.Equal(text, summary.Subject);
        Assert.True(summary.IsPartial);
    }

    [Fact]
    public void Raw_8_bit_text_is_UTF_8_where_valid_and_else_windows_1252()
    {
        Assert.Equal("café", HeaderReader.Instance.Read(Encoding.UTF8.GetBytes("Subject: café\n\n")).Subject);
        Assert.Equal("café €", HeaderReader.Instance.Read([.. "Subject: caf"u8, 0xE9, 0x20, 0x80, 0x0A, 0x0A]).Subject);
    }

    [Theory]
    [InlineData("Thu, 22 Aug 2002 12:36:23 +0100", "2002-08-22T12:36:23+01:00")]
    [InlineData("22 Aug 2002 12:36 GMT", "2002-08-22T12:36:00Z")]
    [InlineData("Thu, 22 Aug 02 12:36:23 EDT", "2002-08-22T12:36:23-04:00")]
    [InlineData("Thu, 22 Aug 98 12:36:23 PST", "1998-08-22T12:36:23-08:00")]
    [InlineData("Thu, 22 Aug 102 12:36:23 +0000", "2002-08-22T12:36:23Z")]
    [InlineData("Thu, 22 Aug 49 12:36:23 Z", "2049-08-22T12:36:23Z")]
    [InlineData("Thu,22 Aug 2002 12:36:23 -0400 (EDT (really \\) so))", "2002-08-22T12:36:23-04:00")]
    [InlineData("Thu (day), 22 (d) Aug (m) 2002 12 : 36 : 23 +0100", "2002-08-22T12:36:23+01:00")]
    [InlineData("Thu Aug 22 12:36:23 2002", "2002-08-22T12:36:23Z")]
    [InlineData("Thu Aug 22 12:36:23 PDT 2002", "2002-08-22T12:36:23-07:00")]
    [InlineData("22-Aug-2002 12:36:23", "2002-08-22T12:36:23Z")]
    [InlineData("Thursday, 22 August 2002 12:36:60 +0530", "2002-08-22T12:36:59+05:30")]
    [InlineData("Thu, 22 Aug 2002 12:36:23 MESZ", "2002-08-22T12:36:23Z")]
    [InlineData("Thu, 22 Aug 2002 12:36:23 -0000", "2002-08-22T12:36:23Z")]
    [InlineData("Thu, 22 Aug 2002 12:36:23 +2300", "2002-08-21T13:36:23Z")]
    [InlineData("Thu, 22 Aug 2002 12:36:23.123 +01:00", "2002-08-22T12:36:23+01:00")]
    public void Dates_old_and_new_are_read(string value, string date)
    {
        MessageSummary summary = Read($"Date: {value}\n\n");
        Assert.Equal(DateTimeOffset.Parse(date, null), summary.Date);
        Assert.Equal(DateTimeOffset.Parse(date, null).Offset, summary.Date!.Value.Offset);
        Assert.False(summary.IsPartial);
    }

    [Theory]
    [InlineData("")]
    [InlineData("yesterday")]
    [InlineData("Thu, 31 Feb 2002 12:36:23 +0100")]
    [InlineData("Thu, 22 Aug 2002")]
    [InlineData("Thu, 22 Aug 2002 25:00:00 +0100")]
    [InlineData("99999999999999999999 Aug 2002 12:36:23")]
    [InlineData("1 Jan 0001 00:00:00 +1200")]
    [InlineData("((((((((")]
    public void A_date_beyond_understanding_is_null_and_noted(string value)
    {
        MessageSummary summary = Read($"Subject: a\nDate: {value}\n\n");
        Assert.Null(summary.Date);
        Assert.Equal("a", summary.Subject);
        Assert.True(summary.IsPartial);
    }

    [Fact]
    public void The_received_date_is_that_of_the_topmost_Received_field_that_has_one()
    {
        const string Head = """
            Received: by me
            Received: from a (b; c) by d;
             Thu, 22 Aug 2002 12:36:23 +0100 (IST)
            Received: from x by y; Thu, 22 Aug 2002 11:00:00 +0100
            Date: Wed, 21 Aug 2002 10:00:00 +0000

            """;
        Assert.Equal(new DateTimeOffset(2002, 8, 22, 12, 36, 23, TimeSpan.FromHours(1)), Read(Head).ReceivedDate);
    }

    [Fact]
    public void Of_fields_that_are_there_twice_the_first_counts()
    {
        MessageSummary summary = Read("Subject: one\nFrom: a@b\nsubject: two\nFROM: c@d\nMessage-Id: <1>\nMessage-ID: <2>\nTo:\nTo: x\n\nSubject: body\n");
        Assert.Equal(("one", "a@b", "<1>", "", false), (summary.Subject, summary.From, summary.MessageId, summary.To, summary.IsPartial));
    }

    [Theory]
    [InlineData("From joe Thu Aug 22 12:36:23 2002\nSubject: a\n\n")]
    [InlineData(">From joe Thu Aug 22 12:36:23 2002\nSubject: a\n\n")]
    [InlineData("X: y\nFrom joe Thu Aug 22 12:36:23 2002\nSubject: a\n\n")]
    public void Left_over_From_lines_are_passed_over(string head) => AssertSubject(head, "a");

    [Theory]
    [InlineData("Subject: a\rFrom: b\r\rFrom: c", "a", "b")]
    [InlineData("Subject: a\r\r\nFrom: b\r\r\n\r\r\nTo: c", "a", "b")]
    [InlineData("Subject: a\rb c\nFrom: b\n\n", "a b c", "b")]
    [InlineData("Subject: a\r\tb\r\nFrom: b\n\n", "a\tb", "b")]
    [InlineData("Subject: a\r", "a", "")]
    [InlineData("From: b\n\rSubject: c\n", "", "b")]
    public void Bare_CRs_end_lines_only_where_a_line_can_begin(string head, string subject, string from)
    {
        MessageSummary summary = Read(head);
        Assert.Equal((subject, from), (summary.Subject, summary.From));
    }

    [Fact]
    public void A_body_without_an_empty_line_before_it_ends_the_header()
    {
        MessageSummary summary = Read("Subject: a\nhello there\nFrom: b\n");
        Assert.Equal(("a", "", true), (summary.Subject, summary.From, summary.IsPartial));
    }

    [Theory]
    [InlineData("")]
    [InlineData("\n")]
    [InlineData("hello")]
    [InlineData("\0\u0001\u0002")]
    [InlineData(" \n \n")]
    public void What_has_no_header_gives_an_empty_summary(string head) => Assert.Equal(MessageSummary.Empty, Read(head));

    [Fact]
    public void Long_values_are_cut_on_a_character_boundary()
    {
        string text = "x" + string.Concat(Enumerable.Repeat("📬", 600));
        MessageSummary summary = HeaderReader.Instance.Read(Encoding.UTF8.GetBytes($"Subject: {text}\nMessage-ID: <{new string('m', 600)}>\nFrom: a\n\n"));
        Assert.Equal(text[..1023], summary.Subject);
        Assert.Equal(512, summary.MessageId.Length);
        Assert.Equal("a", summary.From);
        Assert.True(summary.IsPartial);
    }

    [Fact]
    public void A_huge_field_costs_no_more_than_reading_past_it()
    {
        string filler = new('é', 300_000);
        MessageSummary summary = HeaderReader.Instance.Read(Encoding.UTF8.GetBytes($"To: {filler}\nSubject: a\n\n"));
        Assert.Equal((filler[..1024], "a", true), (summary.To, summary.Subject, summary.IsPartial));
    }

    [Fact]
    public void A_header_longer_than_the_reader_gets_to_see_is_partial()
    {
        byte[] head = new byte[MessageBody.HeadLimit];
        head.AsSpan().Fill((byte)'x');
        "Subject: a\nX-Long: "u8.CopyTo(head);
        MessageSummary summary = HeaderReader.Instance.Read(head);
        Assert.Equal(("a", true), (summary.Subject, summary.IsPartial));
    }

    [Fact]
    public void Control_characters_cannot_reach_a_terminal()
    {
        Assert.Equal("a\uFFFD[31mb\uFFFD\uFFFD", Read("Subject: a\u001b[31mb\u0007\u0000\n\n").Subject);
        Assert.Equal("a\uFFFDb", HeaderReader.Instance.Read(Encoding.UTF8.GetBytes("Subject: a\u009bb\n\n")).Subject);
    }

    private static void AssertSubject(string head, string subject)
    {
        MessageSummary summary = Read(head);
        Assert.Equal(subject, summary.Subject);
        Assert.False(summary.IsPartial);
    }

    private static MessageSummary Read(string head) => HeaderReader.Instance.Read(Encoding.Latin1.GetBytes(head));
}
