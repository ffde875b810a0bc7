using System.Text;
using MessageStore.Server.Intake;
using MessageStore.Tests.Support;

namespace MessageStore.Server.Tests.Intake;

public sealed class IntakeSessionTests
{
    private const string Text = "Subject: hi\r\n\r\nHello.\r\n";

    private static readonly IntakeLimits Limits = new();

    [Fact]
    public async Task Lmtp_answers_for_each_recipient_and_keeps_the_bytes_as_they_came()
    {
        await using IntakeFixture server = await IntakeFixture.StartAsync();
        await using LineClient client = await IntakeFixture.HelloAsync(server.Lmtp, "LHLO");
        // All at once: RFC 2920.
        await client.SendAsync($"MAIL FROM:<x@y>\r\nRCPT TO:<alice@example.org>\r\nRCPT TO:<nobody@example.org>\r\nRCPT TO:<bob+Old@example.org>\r\nDATA\r\n");
        Assert.Equal(["250 2.1.0", "250 2.1.5", "550 5.1.1", "250 2.1.5", "354 End d"], await ReadAsync(client, 5));
        await client.SendAsync(Text + "..dot\r\n\xff\r\n.\r\nQUIT\r\n");
        Assert.Equal(["250 2.0.0", "250 2.0.0", "221 2.0.0"], await ReadAsync(client, 3));
        Assert.Equal("", await client.ReadAsync());
        string expected = Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(Text + ".dot\r\n\xff\r\n"));
        Assert.Equal([expected], await server.MailAsync());
        Assert.Equal([expected], await server.MailAsync("bob@example.org", "Old"));
    }

    [Fact]
    public async Task Smtp_answers_once_and_puts_its_trace_in_front()
    {
        await using IntakeFixture server = await IntakeFixture.StartAsync();
        await using LineClient client = await IntakeFixture.HelloAsync(server.Smtp, "EHLO");
        await AskAllAsync(client, "250", "MAIL FROM:<x@y> BODY=8BITMIME SIZE=20", "RCPT TO:<alice@example.org>", "RCPT TO:<bob@example.org>");
        await AskAllAsync(client, "354", "DATA");
        await AskAllAsync(client, "250 2.0.0", Text + ".");
        string mail = Assert.Single(await server.MailAsync());
        Assert.StartsWith("Return-Path: <x@y>\r\nReceived: from client.example ([127.0.0.1])\r\n\tby mx.example.org with ESMTP; ", mail, StringComparison.Ordinal);
        Assert.EndsWith("+0000\r\n" + Text, mail, StringComparison.Ordinal);
        Assert.Equal([mail], await server.MailAsync("bob@example.org"));
    }

    [Fact]
    public async Task Chunks_keep_every_byte_and_need_no_dots()
    {
        await using IntakeFixture server = await IntakeFixture.StartAsync();
        await using LineClient client = await IntakeFixture.HelloAsync(server.Lmtp, "LHLO");
        byte[] bytes = Support.Sample.Bytes(300_000);
        ".\r\n"u8.CopyTo(bytes);
        await client.SendAsync("MAIL FROM:<>\r\nRCPT TO:<alice@example.org>\r\nBDAT 100000\r\n");
        await client.SendAsync(bytes[..100_000]);
        await client.SendAsync("BDAT 200000 LAST\r\n");
        await client.SendAsync(bytes[100_000..]);
        Assert.Equal(["250 2.1.0", "250 2.1.5", "250 2.0.0", "250 2.0.0"], await ReadAsync(client, 4));
        Assert.Equal([Encoding.Latin1.GetString(bytes)], await server.MailAsync());
    }

    [Theory]
    [InlineData("a\r\n\n.\r\nMAIL FROM:<evil@x>\r\n")]
    [InlineData("a\r\n.\nMAIL FROM:<evil@x>\r\n")]
    [InlineData("a\r.\rMAIL FROM:<evil@x>\r\n")]
    public async Task A_smuggled_message_is_refused_and_the_session_ended(string text)
    {
        await using IntakeFixture server = await IntakeFixture.StartAsync();
        await using LineClient client = await IntakeFixture.HelloAsync(server.Smtp, "EHLO");
        await AskAllAsync(client, "250", "MAIL FROM:<x@y>", "RCPT TO:<alice@example.org>");
        await AskAllAsync(client, "354", "DATA");
        await client.SendAsync(text + ".\r\nMAIL FROM:<x@y>\r\n");
        Assert.StartsWith("550 5.5.2", await client.ReadAsync(), StringComparison.Ordinal);
        Assert.Equal("", await client.ReadAsync());
        Assert.Empty(await server.MailAsync());
    }

    [Fact]
    public async Task What_does_not_belong_is_refused_and_does_no_harm()
    {
        await using IntakeFixture server = await IntakeFixture.StartAsync();
        await using LineClient client = await LineClient.ConnectAsync(server.Smtp);
        await client.ReadAsync();
        await AskAllAsync(client, "503", "MAIL FROM:<x@y>", "DATA", "RCPT TO:<alice@example.org>");
        await AskAllAsync(client, "500", "LHLO x", "FOO", "NOOP\nNOOP", "NOOP\rNOOP", new string('x', 20_000), "NOOP\0", "AUTH PLAIN");
        await AskAllAsync(client, "250", "EHLO x");
        await AskAllAsync(client, "501", "MAIL FROM:x@y", "MAIL FROM:<x@>", "MAIL FROM:<x@y> SIZE=x");
        await AskAllAsync(client, "553 5.6.7", "MAIL FROM:<ж@y>");
        await AskAllAsync(client, "555", "MAIL FROM:<x@y> RET=FULL");
        await AskAllAsync(client, "552", "MAIL FROM:<x@y> SIZE=999999999");
        await AskAllAsync(client, "250", "MAIL FROM:<ж@y> SMTPUTF8");
        await AskAllAsync(client, "550 5.7.1", "RCPT TO:<alice@elsewhere.example>");
        await AskAllAsync(client, "503", "DATA", "MAIL FROM:<x@y>");
        await AskAllAsync(client, "250", "RCPT TO:<alice@example.org>", "RSET");
        await AskAllAsync(client, "252", "VRFY alice");
        await AskAllAsync(client, "503", "DATA");
        await AskAllAsync(client, "221", "QUIT");
        Assert.Empty(await server.MailAsync());
    }

    [Fact]
    public async Task Limits_hold()
    {
        await using IntakeFixture server = await IntakeFixture.StartAsync(new IntakeLimits { MessageBytes = 2000, Recipients = 2, LineBytes = 1000, Errors = 4, Sessions = 2, Commands = 50 });
        await using LineClient client = await IntakeFixture.HelloAsync(server.Lmtp, "LHLO");
        await AskAllAsync(client, "250", "MAIL FROM:<x@y>", "RCPT TO:<alice@example.org>", "RCPT TO:<bob@example.org>");
        await AskAllAsync(client, "452 4.5.3", "RCPT TO:<alice@example.org>");
        await AskAllAsync(client, "354", "DATA");
        await client.SendAsync(string.Concat(Enumerable.Repeat("0123456789\r\n", 1000)) + ".\r\n");
        Assert.Equal(["552 5.3.4", "552 5.3.4"], await ReadAsync(client, 2));
        await AskAllAsync(client, "250", "MAIL FROM:<x@y>", "RCPT TO:<alice@example.org>");
        await AskAllAsync(client, "354", "DATA");
        await AskAllAsync(client, "550 5.6.0", new string('x', 1500) + "\r\n.");
        Assert.Empty(await server.MailAsync());

        await using LineClient second = await IntakeFixture.HelloAsync(server.Lmtp, "LHLO");
        await using LineClient third = await LineClient.ConnectAsync(server.Lmtp);
        Assert.StartsWith("421 4.7.0", await third.ReadAsync(), StringComparison.Ordinal);
        await client.SendAsync("FOO\r\n");
        Assert.StartsWith("500", await client.ReadAsync(), StringComparison.Ordinal);
        Assert.StartsWith("421 4.7.0", await client.ReadAsync(), StringComparison.Ordinal);
        for (int i = 0; i < 49; i++) await AskAllAsync(second, "250", "NOOP");
        await AskAllAsync(second, "250", "NOOP");
        Assert.StartsWith("421 4.7.0", await second.ReadAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Whoever_says_nothing_is_let_go()
    {
        var clock = new SteppedClock(DateTimeOffset.UtcNow);
        await using IntakeFixture server = await IntakeFixture.StartAsync(clock: clock);
        await using LineClient client = await LineClient.ConnectAsync(server.Smtp);
        await client.ReadAsync();
        Assert.StartsWith("421 4.4.2", await clock.UntilAsync(client.ReadAsync(), Limits.IdleTime), StringComparison.Ordinal);
        Assert.Equal("", await client.ReadAsync());
        // In the middle of a message: it came to nothing, and nothing is kept.
        await using LineClient slow = await LineClient.ConnectAsync(server.Smtp);
        await slow.SendAsync("EHLO x\r\nMAIL FROM:<x@y>\r\nRCPT TO:<alice@example.org>\r\nDATA\r\n");
        string last = "";
        while (!last.StartsWith("354", StringComparison.Ordinal)) last = await slow.ReadAsync();
        await slow.SendAsync(Text);
        Assert.StartsWith("421 4.4.2", await clock.UntilAsync(slow.ReadAsync(), Limits.DataIdleTime), StringComparison.Ordinal);
        Assert.Equal("", await slow.ReadAsync());
        Assert.Empty(await server.MailAsync());
    }

    [Fact]
    public async Task A_connection_that_breaks_in_a_message_leaves_nothing()
    {
        await using IntakeFixture server = await IntakeFixture.StartAsync();
        await using (LineClient client = await IntakeFixture.HelloAsync(server.Smtp, "EHLO"))
        {
            await AskAllAsync(client, "250", "MAIL FROM:<x@y>", "RCPT TO:<alice@example.org>");
            await AskAllAsync(client, "354", "DATA");
            await client.SendAsync(Text);
        }
        await using LineClient next = await IntakeFixture.HelloAsync(server.Smtp, "EHLO");
        Assert.Empty(await server.MailAsync());
    }

    [Fact]
    public async Task Tls_begins_anew_and_what_was_sent_too_early_is_not_taken_for_said_in_it()
    {
        await using IntakeFixture server = await IntakeFixture.StartAsync();
        await using LineClient client = await IntakeFixture.HelloAsync(server.Smtp, "EHLO");
        await AskAllAsync(client, "250", "MAIL FROM:<x@y>");
        await AskAllAsync(client, "220 2.0.0", "STARTTLS");
        await client.StartTlsAsync();
        await AskAllAsync(client, "503", "MAIL FROM:<x@y>");
        string hello = await client.AskAsync("EHLO x");
        Assert.DoesNotContain("STARTTLS", hello, StringComparison.Ordinal);
        await AskAllAsync(client, "250", "MAIL FROM:<x@y>", "RCPT TO:<alice@example.org>");
        await AskAllAsync(client, "354", "DATA");
        await AskAllAsync(client, "250", Text + ".");
        Assert.Contains("with ESMTPS;", Assert.Single(await server.MailAsync()), StringComparison.Ordinal);

        await using LineClient early = await IntakeFixture.HelloAsync(server.Smtp, "EHLO");
        await early.SendAsync("STARTTLS\r\nRSET\r\n");
        Assert.StartsWith("503", await early.ReadAsync(), StringComparison.Ordinal);
        Assert.Equal("", await early.ReadAsync());
    }

    [Fact]
    public async Task Submission_wants_tls_and_then_a_password()
    {
        await using IntakeFixture server = await IntakeFixture.StartAsync();
        await using LineClient client = await IntakeFixture.HelloAsync(server.Submission, "EHLO");
        await AskAllAsync(client, "530", "MAIL FROM:<x@y>", "AUTH PLAIN " + Plain("carol", "secret"));
        await AskAllAsync(client, "220", "STARTTLS");
        await client.StartTlsAsync();
        Assert.Contains("AUTH PLAIN", await client.AskAsync("EHLO x"), StringComparison.Ordinal);
        await AskAllAsync(client, "530", "MAIL FROM:<x@y>");
        await AskAllAsync(client, "504", "AUTH LOGIN");
        await AskAllAsync(client, "535", "AUTH PLAIN " + Plain("carol", "wrong"), "AUTH PLAIN " + Plain("dave", "secret"), "AUTH PLAIN ???");
        await AskAllAsync(client, "334", "AUTH PLAIN");
        await AskAllAsync(client, "235", Plain("carol", "secret"));
        await AskAllAsync(client, "250", "MAIL FROM:<x@y>", "RCPT TO:<alice@example.org>");
    }

    [Fact]
    public async Task A_stopping_server_takes_the_message_that_has_begun_and_no_other()
    {
        // The clock stands still: however slow the machine, the grace does not end.
        await using IntakeFixture server = await IntakeFixture.StartAsync(clock: new SteppedClock(DateTimeOffset.UtcNow));
        await using LineClient idle = await IntakeFixture.HelloAsync(server.Lmtp, "LHLO");
        await using LineClient busy = await IntakeFixture.HelloAsync(server.Lmtp, "LHLO");
        await AskAllAsync(busy, "250", "MAIL FROM:<x@y>", "RCPT TO:<alice@example.org>");
        await AskAllAsync(busy, "354", "DATA");
        Task stopped = server.StopAsync();
        Assert.StartsWith("421 4.3.2", await idle.ReadAsync(), StringComparison.Ordinal);
        await busy.SendAsync(Text + ".\r\n");
        Assert.StartsWith("250 2.0.0", await busy.ReadAsync(), StringComparison.Ordinal);
        await stopped;
        await using IMessageStore store = await MessageDatabase.OpenAsync(Path.Combine(server.Folder, "db"));
        Assert.Equal(1, (await store.GetStatusAsync()).MessageCount);
    }

    private static string Plain(string name, string password) => Convert.ToBase64String(Encoding.UTF8.GetBytes($"\0{name}\0{password}"));

    private static async Task AskAllAsync(LineClient client, string expected, params string[] lines)
    {
        foreach (string line in lines) Assert.StartsWith(expected, await client.AskAsync(line), StringComparison.Ordinal);
    }

    /// <summary>The beginnings of so many replies.</summary>
    private static async Task<List<string>> ReadAsync(LineClient client, int count)
    {
        var replies = new List<string>();
        for (int i = 0; i < count; i++) replies.Add((await client.ReadAsync())[..9]);
        return replies;
    }
}
