using System.Text;
using MessageStore.Messages;

namespace MessageStore.Tests.Messages;

public class FromLineTests
{
    [Theory]
    [InlineData("From joe@example.org  Thu Aug 22 12:36:23 2002", "2002-08-22T12:36:23Z")]
    [InlineData("From joe@example.org Fri Aug  2 12:36 2002", "2002-08-02T12:36:00Z")]
    [InlineData("From - Thu Aug 22 12:36:23 2002", "2002-08-22T12:36:23Z")]
    [InlineData("From 159@xxx Thu Aug 22 12:36:23 +0100 2002", "2002-08-22T11:36:23Z")]
    [InlineData("From joe Thu Aug 22 12:36:23 EDT 2002 remote from host", "2002-08-22T16:36:23Z")]
    [InlineData("From joe@example.org Thu, 22 Aug 2002 12:36:23 -0400", "2002-08-22T16:36:23Z")]
    [InlineData("From \"joe b\"@[IPv6:2001:db8::1] Thu Aug 22 12:36:23 2002", "2002-08-22T12:36:23Z")]
    public void A_From_line_is_known_by_its_date(string line, string date)
    {
        Assert.True(FromLine.TryParse(Encoding.Latin1.GetBytes(line), out DateTimeOffset found));
        Assert.Equal(DateTimeOffset.Parse(date, null), found);
    }

    [Theory]
    [InlineData("From what I saw at 12:30 on Aug 2 2002 it rained")]
    [InlineData("From here on: nothing")]
    [InlineData("From ")]
    [InlineData("From joe")]
    [InlineData("From joe Thu Aug 32 12:36:23 2002")]
    [InlineData("From:joe Thu Aug 22 12:36:23 2002")]
    [InlineData("From ::::::::")]
    public void Other_lines_are_text(string line) => Assert.False(FromLine.TryParse(Encoding.Latin1.GetBytes(line), out _));

    [Theory]
    [InlineData(null, "MAILER-DAEMON")]
    [InlineData("Joe\n <joe@example.org>", "joe@example.org")]
    [InlineData("joe@example.org, ann@example.org", "joe@example.org")]
    [InlineData("<a b@c>", "MAILER-DAEMON")]
    [InlineData("Jo\u00e9 \u2603", "MAILER-DAEMON")]
    public void The_sender_in_a_From_line_is_one_word(string? sender, string word)
    {
        string line = Encoding.ASCII.GetString(FromLine.Format(sender, DateTimeOffset.UnixEpoch));
        Assert.Equal($"From {word} Thu Jan  1 00:00:00 1970\n", line);
        Assert.True(FromLine.TryParse(Encoding.ASCII.GetBytes(line.TrimEnd()), out DateTimeOffset date));
        Assert.Equal(DateTimeOffset.UnixEpoch, date);
    }
}
