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
