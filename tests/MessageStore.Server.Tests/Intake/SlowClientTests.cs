using MessageStore.Server.Intake;

namespace MessageStore.Server.Tests.Intake;

/// <summary>Those who come in crowds, and those who take their time, on purpose.</summary>
public sealed class SlowClientTests
{
    private const string Begin = "LHLO x\r\nMAIL FROM:<x@y>\r\nRCPT TO:<alice@example.org>\r\n";

    private static readonly IntakeLimits Limits = new();

    [Fact]
    public Task A_command_that_comes_byte_by_byte_is_not_waited_for_without_end() => AloneAsync(Limits, async intake =>
    {
        await using var session = new MemorySession(intake);
        Assert.StartsWith("220", await session.SendAsync("L"), StringComparison.Ordinal);
        for (int i = 0; i < 4; i++)
        {
            Assert.Equal("", session.Wait(Limits.IdleTime / 5));
            Assert.Equal("", await session.SendAsync("H"));
        }
        Assert.Equal("421 4.4.2 Nothing came for too long\r\n", session.Wait(Limits.IdleTime / 5));
        Assert.True(session.Ended.IsCompleted);
    });

    [Fact]
    public Task A_message_slower_than_the_lowest_rate_is_given_up_and_its_place_is_free() => AloneAsync(new IntakeLimits { MessagesAtOnce = 1 }, async intake =>
    {
        await using var session = new MemorySession(intake);
        Assert.EndsWith("354 End data with <CR><LF>.<CR><LF>\r\n", await session.SendAsync(Begin + "DATA\r\n"), StringComparison.Ordinal);
        // A line every minute is never idle; on the average it is less than two bytes a second.
        string reply = "";
        int minutes = 0;
        for (; reply.Length == 0; minutes++)
        {
            Assert.Equal("", session.Wait(TimeSpan.FromMinutes(1)));
            reply = await session.SendAsync(new string('x', 98) + "\r\n");
        }
        Assert.Equal("421 4.4.2 The message comes too slowly\r\n", reply);
        Assert.Equal(4, minutes); // the beginning may be slow
        Assert.Empty(intake.Stored);
        await using var next = new MemorySession(intake); // it needs the only place there is
        Assert.EndsWith("250 2.0.0 Stored\r\n", await next.SendAsync(Begin + "DATA\r\nhi\r\n.\r\n"), StringComparison.Ordinal);
    });

    [Theory]
    [InlineData("DATA\r\n")]
    [InlineData("BDAT 4 LAST\r\nhi\r\n")]
    public Task Whoever_gets_no_place_in_time_is_told_to_come_again_and_the_session_goes_on(string text) => AloneAsync(Limits with { MessagesAtOnce = 1 }, async intake =>
    {
        await using var first = new MemorySession(intake);
        Assert.EndsWith("<CR><LF>.<CR><LF>\r\n", await first.SendAsync(Begin + "DATA\r\n"), StringComparison.Ordinal);
        await using var second = new MemorySession(intake);
        Assert.DoesNotContain("354", await second.SendAsync(Begin + text), StringComparison.Ordinal);
        Assert.Equal("", second.Wait(Limits.PlaceTime - TimeSpan.FromSeconds(1)));
        intake.Clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal("451 4.3.2 Too many messages at once, try again later\r\n", await second.NextAsync());
        Assert.Equal("250 2.0.0 Stored\r\n", await first.SendAsync("one\r\n.\r\n"));
        const string Stored = "250 2.0.0 Stored\r\n"; // since it was told to come again the second session is on a thread of its own
        Assert.EndsWith(Stored, await second.SendAsync("MAIL FROM:<x@y>\r\nRCPT TO:<alice@example.org>\r\nDATA\r\nhi\r\n.\r\n", Stored), StringComparison.Ordinal);
        await second.DisposeAsync();
        Assert.Equal(2, intake.Stored.Count);
        Assert.Equal(1, intake.Server.Messages.CurrentCount);
    });

    [Fact]
    public Task A_message_in_chunks_has_a_limit_on_its_time_as_a_whole() => AloneAsync(Limits with { BytesPerSecond = 0 }, async intake =>
    {
        await using var session = new MemorySession(intake);
        await session.SendAsync(Begin);
        for (int i = 0; i < 8; i++)
        {
            Assert.Equal("250 2.0.0 Ok\r\n", await session.SendAsync("BDAT 5\r\n12345"));
            if (i < 7) Assert.Equal("", session.Wait(TimeSpan.FromMinutes(2)));
        }
        Assert.Equal("421 4.4.2 Nothing came for too long\r\n", session.Wait(TimeSpan.FromMinutes(1))); // the fifteenth
        Assert.True(session.Ended.IsCompleted);
        Assert.Empty(intake.Stored);
        Assert.Equal(intake.Server.Settings.Limits.MessagesAtOnce, intake.Server.Messages.CurrentCount);
    });

    [Fact]
    public Task A_chunk_that_drips_is_given_up_too() => AloneAsync(Limits, async intake =>
    {
        await using var session = new MemorySession(intake);
        await session.SendAsync(Begin);
        Assert.Equal("", await session.SendAsync("BDAT 100000\r\n1"));
        string reply = "";
        for (int i = 0; reply.Length == 0 && i < 10; i++)
        {
            Assert.Equal("", session.Wait(TimeSpan.FromMinutes(1)));
            reply = await session.SendAsync("2");
        }
        Assert.Equal("421 4.4.2 The message comes too slowly\r\n", reply);
    });

    [Fact]
    public async Task A_flood_of_connections_is_refused_and_those_within_go_on()
    {
        const int Most = 20, Flood = 400;
        await using IntakeFixture server = await IntakeFixture.StartAsync(new IntakeLimits { Sessions = Most });
        await using LineClient inside = await BeginAsync(server);
        var flood = new List<LineClient>();
        try
        {
            int refused = 0;
            for (int i = 0; i < Flood; i++)
            {
                LineClient client = await LineClient.ConnectAsync(server.Lmtp);
                flood.Add(client);
                string greeting = await client.ReadAsync();
                if (greeting.StartsWith("421 4.7.0", StringComparison.Ordinal)) refused++;
                else Assert.StartsWith("220", greeting, StringComparison.Ordinal);
            }
            Assert.Equal(Flood - (Most - 1), refused);
            Assert.StartsWith("250", await inside.AskAsync("Subject: x\r\n\r\nhi\r\n."), StringComparison.Ordinal);
        }
        finally
        {
            foreach (LineClient client in flood) await client.DisposeAsync();
        }
        // When they have gone there is room again.
        while (true)
        {
            await using LineClient again = await LineClient.ConnectAsync(server.Lmtp);
            if ((await again.ReadAsync()).StartsWith("220", StringComparison.Ordinal)) break;
        }
    }

    private static async Task<LineClient> BeginAsync(IntakeFixture server)
    {
        LineClient client = await IntakeFixture.HelloAsync(server.Lmtp, "LHLO");
        Assert.StartsWith("250", await client.AskAsync("MAIL FROM:<x@y>"), StringComparison.Ordinal);
        Assert.StartsWith("250", await client.AskAsync("RCPT TO:<alice@example.org>"), StringComparison.Ordinal);
        Assert.StartsWith("354", await client.AskAsync("DATA"), StringComparison.Ordinal);
        return client;
    }

    /// <summary>On a thread without a context, where everything goes on at once.</summary>
    private static Task AloneAsync(IntakeLimits limits, Func<MemoryIntake, Task> test) => Task.Run(async () =>
    {
        using var intake = new MemoryIntake(limits);
        await test(intake);
    });
}
