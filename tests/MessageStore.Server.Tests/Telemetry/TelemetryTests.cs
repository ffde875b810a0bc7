using System.Collections.Concurrent;
using System.Net;
using System.Text;
using MessageStore.Messages;
using MessageStore.Server.Serving;
using MessageStore.Server.Telemetry;
using MessageStore.Server.Tests.Support;
using MessageStore.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;

namespace MessageStore.Server.Tests.Telemetry;

public sealed class TelemetryTests
{
    /// <summary>A guard against hanging, no measure of speed.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);

    [Fact]
    public void A_quantile_is_within_a_tenth_and_forgets_after_five_minutes()
    {
        var clock = new SteppedClock(DateTimeOffset.UnixEpoch.AddDays(1));
        var window = new LatencyWindow(clock);
        Assert.Null(window.Quantile(0.99));
        for (int i = 1; i <= 1000; i++)
        {
            window.Add(TimeSpan.FromMilliseconds(i));
            if (i % 250 == 0) clock.Advance(TimeSpan.FromMinutes(1));
        }
        Assert.InRange(window.Quantile(0.5)!.Value.TotalMilliseconds, 500, 550);
        Assert.InRange(window.Quantile(0.99)!.Value.TotalMilliseconds, 990, 1089);
        clock.Advance(TimeSpan.FromMinutes(3));
        Assert.InRange(window.Quantile(0)!.Value.TotalMilliseconds, 750, 830); // the last quarter
        clock.Advance(TimeSpan.FromMinutes(2));
        Assert.Null(window.Quantile(0.99));
        window.Add(TimeSpan.Zero);
        window.Add(TimeSpan.FromDays(1));
        Assert.InRange(window.Quantile(0.5)!.Value, TimeSpan.Zero, TimeSpan.FromMicroseconds(2));
    }

    [Fact]
    public async Task A_collector_gets_traces_and_figures_and_nothing_of_a_message()
    {
        var bodies = new ConcurrentDictionary<string, ConcurrentBag<string>>();
        var traced = new TaskCompletionSource();
        var measured = new TaskCompletionSource();
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.ConfigureKestrel(static kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        await using WebApplication collector = builder.Build();
        collector.MapPost("/v1/{signal}", async (string signal, HttpRequest request) =>
        {
            if (request.Headers["x-collector-key"] != "let-me-in") throw new InvalidOperationException("What the standard's variable says did not come.");
            using var body = new MemoryStream();
            await request.Body.CopyToAsync(body);
            string text = Encoding.Latin1.GetString(body.ToArray());
            bodies.GetOrAdd(signal, static _ => []).Add(text);
            if (signal == "traces" && text.Contains("AppendAsync", StringComparison.Ordinal)) traced.TrySetResult();
            if (signal == "metrics" && text.Contains("messagestore.messages", StringComparison.Ordinal)) measured.TrySetResult();
        });
        await collector.StartAsync();

        using var folder = new TemporaryFolder();
        string path = folder["db"];
        await MessageDatabase.CreateAsync(new MessageDatabaseOptions { Path = path });
        Environment.SetEnvironmentVariable("OTEL_EXPORTER_OTLP_HEADERS", "x-collector-key=let-me-in");
        await using MessageServer server = await MessageServer.StartAsync(new ServerOptions
        {
            Database = path, Telemetry = new TelemetryOptions { Otlp = new Uri(collector.Urls.Single()), ServiceName = "mail-7", Interval = TimeSpan.FromMilliseconds(100) },
        });
        await using IMessageStore store = (await MessageStore.Remote.RemoteMessageStore.ConnectAsync(path, server.SocketPath))!;
        await store.CreateMailboxAsync("alice.secret");
        await store.AppendAsync(new MessageToAppend { Mailbox = "alice.secret", Body = MessageBody.FromMemory("Subject: top secret\r\n\r\nsecret text\r\n"u8.ToArray()) });
        await measured.Task.WaitAsync(Patience);
        await traced.Task.WaitAsync(Patience);
        string all = string.Concat(bodies.Values.SelectMany(static b => b));
        Assert.Contains("mail-7", all, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", all, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_log_holds_nothing_of_a_message_and_no_secret()
    {
        using var folder = new TemporaryFolder();
        string path = folder["db"], log = folder["server.log"];
        await MessageDatabase.CreateAsync(new MessageDatabaseOptions { Path = path });
        await using (MessageServer server = await MessageServer.StartAsync(new ServerOptions { Database = path, LogPath = log, Web = new Server.Web.WebOptions { EndPoint = new IPEndPoint(IPAddress.Loopback, 0) } }))
        {
            await using IMessageStore store = (await MessageStore.Remote.RemoteMessageStore.ConnectAsync(path, server.SocketPath))!;
            await store.CreateMailboxAsync("alice");
            StoredMessage message = await store.AppendAsync(new MessageToAppend { Mailbox = "alice", Body = MessageBody.FromMemory("Subject: top confidential\r\n\r\nconfidential text\r\n"u8.ToArray()) });
            string key = (await File.ReadAllTextAsync(Path.Combine(path, Server.Web.AccessKey.FileName))).Trim();
            using var client = new HttpClient { BaseAddress = new Uri(server.Addresses.Single()), DefaultRequestHeaders = { Authorization = new("Bearer", key) } };
            Assert.Contains("confidential", await client.GetStringAsync(new Uri($"/api/messages/{message.Id}/raw", UriKind.Relative)), StringComparison.Ordinal);
            await Assert.ThrowsAsync<MessageStoreException>(() => store.DeleteAsync(Guid.NewGuid()));
            await store.BackupAsync(new BackupOptions());
            string text;
            using (var reader = new StreamReader(new FileStream(log, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete))) text = await reader.ReadToEndAsync();
            Assert.NotEqual("", text);
            Assert.DoesNotContain("confidential", text, StringComparison.Ordinal);
            Assert.DoesNotContain(key, text, StringComparison.Ordinal);
        }
    }
}
