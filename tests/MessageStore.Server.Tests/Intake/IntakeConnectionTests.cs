using System.Net.Sockets;
using MessageStore.Server.Intake;
using MessageStore.Tests.Support;

namespace MessageStore.Server.Tests.Intake;

/// <summary>What a connection may do to a server that holds up threads for those who answer at once.</summary>
public sealed class IntakeConnectionTests
{
    /// <summary>More than there are threads.</summary>
    private const int Crowd = 50;

    private const string Begin = "MAIL FROM:<x@y>\r\nRCPT TO:<alice@example.org>\r\nDATA\r\n";

    [Fact]
    public async Task More_sessions_than_there_are_threads_all_bring_their_mail()
    {
        await using IntakeFixture server = await IntakeFixture.StartAsync();
        await Task.WhenAll(Enumerable.Range(0, Crowd).Select(async i =>
        {
            await using LineClient client = await IntakeFixture.HelloAsync(server.Lmtp, "LHLO");
            for (int message = 0; message < 4; message++)
            {
                if (message == 2) await Task.Delay(IntakeCrew.HoldTime * 4); // the rest without a thread
                foreach (string line in (string[])["MAIL FROM:<x@y>", "RCPT TO:<alice@example.org>"]) Assert.StartsWith("250", await client.AskAsync(line), StringComparison.Ordinal);
                Assert.StartsWith("354", await client.AskAsync("DATA"), StringComparison.Ordinal);
                Assert.StartsWith("250", await client.AskAsync($"Subject: {i} {message}\r\n\r\nhi\r\n."), StringComparison.Ordinal);
            }
            Assert.StartsWith("221", await client.AskAsync("QUIT"), StringComparison.Ordinal);
            Assert.Equal("", await client.ReadAsync());
        }));
        Assert.Equal(Crowd * 4, (await server.MailAsync()).Distinct().Count());
    }

    [Fact]
    public async Task Whoever_takes_no_replies_holds_up_nobody_else()
    {
        await using IntakeFixture server = await IntakeFixture.StartAsync(new IntakeLimits { Commands = int.MaxValue });
        var deaf = new List<Socket>();
        byte[] help = System.Text.Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat("HELP\r\n", 10_000)));
        try
        {
            for (int i = 0; i < Crowd; i++)
            {
                var client = new Socket(SocketType.Stream, ProtocolType.Tcp) { SendTimeout = 50, ReceiveBufferSize = 4096 };
                deaf.Add(client);
                await client.ConnectAsync(server.Lmtp);
                // Until the server does not take any more, since its replies do not go out.
                while (true)
                {
                    client.Send(help, SocketFlags.None, out SocketError error);
                    if (error != SocketError.Success) break;
                }
            }
            await using LineClient other = await IntakeFixture.HelloAsync(server.Lmtp, "LHLO");
            Assert.StartsWith("250", await other.AskAsync("NOOP"), StringComparison.Ordinal);
        }
        finally
        {
            foreach (Socket client in deaf) client.Dispose();
        }
    }

    /// <summary>What went out before the time was up has gone out, and is not to be sent again.</summary>
    [Fact]
    public async Task A_send_that_ends_in_the_middle_says_how_far_it_came()
    {
        byte[] bytes = new byte[32 << 20];
        using var listening = new Socket(SocketType.Stream, ProtocolType.Tcp);
        listening.Bind(new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, 0));
        listening.Listen();
        using var client = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await client.ConnectAsync(listening.LocalEndPoint!);
        using Socket taken = await listening.AcceptAsync();
        var sent = new TaskCompletionSource<int>();
        bool isBegun = false;
        IntakeCrew crew = null!;
        crew = new IntakeCrew(2, () =>
        {
            if (!Interlocked.Exchange(ref isBegun, true)) crew.Run(socket => sent.TrySetResult(new SocketLine((Socket)socket).TrySend(bytes)), taken);
            return false;
        });
        crew.Start();
        int count = await sent.Task.WaitAsync(TimeSpan.FromSeconds(120));
        taken.Shutdown(SocketShutdown.Send);
        using var heard = new MemoryStream();
        await new NetworkStream(client).CopyToAsync(heard);
        Assert.Equal(heard.Length, count);
        Assert.InRange(count, OperatingSystem.IsLinux() ? 1 : 0, bytes.Length - 1);
    }

    /// <summary>A reply that comes twice would be taken for that of the next command, and mail for stored that is not.</summary>
    [Fact]
    public async Task Whoever_listens_late_hears_every_reply_once()
    {
        const int commands = 1_000_000;
        await using IntakeFixture server = await IntakeFixture.StartAsync(new IntakeLimits { Commands = int.MaxValue });
        using var client = new Socket(SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = 4096 };
        byte[] asked = System.Text.Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat("NOOP\r\n", commands)) + "QUIT\r\n"); // at once, so that its thread is held up
        await client.ConnectAsync(server.Lmtp);
        Task<int> asking = client.SendAsync(asked);
        await Task.Delay(IntakeCrew.HoldTime * 40); // until replies are stuck that have gone out in part
        using var heard = new MemoryStream();
        await new NetworkStream(client).CopyToAsync(heard);
        await asking;
        string ok = System.Text.Encoding.ASCII.GetString(Reply.Ok.Line.Span).TrimEnd();
        string[] replies = System.Text.Encoding.ASCII.GetString(heard.ToArray()).Split("\r\n");
        Assert.StartsWith("220 ", replies[0], StringComparison.Ordinal);
        Assert.Equal(commands, replies.Count(r => r == ok));
        Assert.StartsWith("221 ", replies[^2], StringComparison.Ordinal);
        Assert.Equal(commands + 3, replies.Length); // the greeting, the goodbye, and nothing behind it
    }

    [Fact]
    public async Task A_connection_that_is_reset_within_a_message_leaves_nothing_and_makes_room()
    {
        await using IntakeFixture server = await IntakeFixture.StartAsync(new IntakeLimits { Sessions = 1, MessagesAtOnce = 1 });
        for (int i = 0; i < 2; i++)
        {
            await using LineClient client = await HelloWhenThereIsRoomAsync(server);
            await client.SendAsync(Begin);
            while (!(await client.ReadAsync()).StartsWith("354", StringComparison.Ordinal))
            {
            }
            await client.SendAsync("Subject: half\r\n");
            if (i == 1) await Task.Delay(IntakeCrew.HoldTime * 4); // once within the time for which a thread is held up, once behind it
            client.Reset();
        }
        await using LineClient next = await HelloWhenThereIsRoomAsync(server);
        await next.SendAsync(Begin + "Subject: whole\r\n.\r\n");
        string reply = "";
        while (!reply.StartsWith("250 2.0.0", StringComparison.Ordinal)) reply = await next.ReadAsync();
        Assert.Equal(["Subject: whole\r\n"], await server.MailAsync());
    }

    [Fact]
    public async Task Whoever_goes_while_he_waits_for_a_place_is_not_waited_for()
    {
        await using IntakeFixture server = await IntakeFixture.StartAsync(new IntakeLimits { Sessions = 2, MessagesAtOnce = 1 });
        await using LineClient first = await IntakeFixture.HelloAsync(server.Lmtp, "LHLO");
        await first.SendAsync(Begin);
        while (!(await first.ReadAsync()).StartsWith("354", StringComparison.Ordinal))
        {
        }
        await using (LineClient second = await IntakeFixture.HelloAsync(server.Lmtp, "LHLO"))
        {
            await second.SendAsync(Begin);
            for (int i = 0; i < 2; i++) Assert.StartsWith("250", await second.ReadAsync(), StringComparison.Ordinal);
        }
        // Its session ends although the first still has the place that it waited for.
        await using LineClient third = await HelloWhenThereIsRoomAsync(server);
        Assert.StartsWith("250", await first.AskAsync("hi\r\n."), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_last_reply_arrives_also_where_more_was_sent_than_was_listened_to()
    {
        await using IntakeFixture server = await IntakeFixture.StartAsync();
        await using LineClient client = await IntakeFixture.HelloAsync(server.Smtp, "EHLO");
        await client.SendAsync(Begin);
        while (!(await client.ReadAsync()).StartsWith("354", StringComparison.Ordinal))
        {
        }
        // In one piece, more than is received at once: the rest lies there when the session ends.
        await client.SendAsync("a\r\n.\nb\r\n.\r\n" + new string('x', 40_000));
        Assert.StartsWith("550 5.5.2", await client.ReadAsync(), StringComparison.Ordinal);
        Assert.Equal("", await client.ReadAsync());
    }

    [Fact]
    public async Task Whoever_has_not_ended_when_the_grace_is_over_is_cut_off_and_the_database_closes()
    {
        var clock = new SteppedClock(DateTimeOffset.UtcNow);
        await using IntakeFixture server = await IntakeFixture.StartAsync(clock: clock);
        await using LineClient client = await IntakeFixture.HelloAsync(server.Lmtp, "LHLO");
        await client.SendAsync(Begin);
        while (!(await client.ReadAsync()).StartsWith("354", StringComparison.Ordinal))
        {
        }
        await client.SendAsync("Subject: half\r\n");
        Assert.True(await clock.UntilAsync(StoppedAsync(), TimeSpan.FromSeconds(5)));
        await Assert.ThrowsAnyAsync<IOException>(async () =>
        {
            if ((await client.ReadAsync()).Length == 0) throw new IOException("It hung up.");
        });
        await using IMessageStore store = await MessageDatabase.OpenAsync(Path.Combine(server.Folder, "db"));
        Assert.Equal(0, (await store.GetStatusAsync()).MessageCount);

        async Task<bool> StoppedAsync()
        {
            await server.StopAsync();
            return true;
        }
    }

    /// <summary>Whoever was there before may need a moment to leave.</summary>
    private static async Task<LineClient> HelloWhenThereIsRoomAsync(IntakeFixture server)
    {
        while (true)
        {
            LineClient client = await LineClient.ConnectAsync(server.Lmtp);
            if ((await client.ReadAsync()).StartsWith("220", StringComparison.Ordinal))
            {
                Assert.StartsWith("250", await client.AskAsync("LHLO x"), StringComparison.Ordinal);
                return client;
            }
            await client.DisposeAsync();
        }
    }
}
