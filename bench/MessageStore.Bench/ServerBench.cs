using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using MessageStore.Messages;

namespace MessageStore.Bench;

/// <summary>What a server costs that stands by: memory of idle sessions, the page's first load, and a call through the socket beside one in the same process.</summary>
internal static class ServerBench
{
    private const int IdleSessions = 2000;
    private const int Messages = 1000;
    private const int Calls = 200;

    /// <summary>What a browser loads to show the page, in the steps in which it learns of it.</summary>
    private static readonly string[][] Loads = [["/"], ["/style.css", "/charts.js", "/app.js"], ["/api/status", "/api/series"]];

    public static async Task<IReadOnlyList<BenchRow>> RunAsync(BenchArguments arguments)
    {
        string database = Path.Combine(Directory.CreateDirectory(arguments.Path).FullName, $"server-{Environment.ProcessId}");
        await MessageDatabase.CreateAsync(new MessageDatabaseOptions { Path = database }).ConfigureAwait(false);
        try
        {
            double inProcess;
            await using (IMessageStore store = await MessageDatabase.OpenAsync(database).ConfigureAwait(false))
            {
                await store.CreateMailboxAsync("alice").ConfigureAwait(false);
                using var body = MessageBody.FromMemory("Subject: x\r\n\r\nhello\r\n"u8.ToArray());
                for (int i = 0; i < Messages; i++) await store.AppendAsync(new MessageToAppend { Mailbox = "alice", Body = body }).ConfigureAwait(false);
                inProcess = await CallsAsync(database, arguments.Rounds).ConfigureAwait(false);
            }
            int lmtp = BenchServer.FreePort(), web = BenchServer.FreePort();
            await using BenchServer server = await BenchServer.StartAsync(database, web, $"Listen:Lmtp=127.0.0.1:{lmtp}", $"Web:Listen=127.0.0.1:{web}").ConfigureAwait(false);
            double answers = await AnswersAsync(database, web, arguments.Rounds).ConfigureAwait(false);
            double throughSocket = await CallsAsync(database, arguments.Rounds).ConfigureAwait(false);
            (double before, double with) = await IdleAsync(server.Process, lmtp).ConfigureAwait(false);
            await server.DisposeAsync().ConfigureAwait(false);
            return
            [
                .. await PageBench.RunAsync(database, arguments.Rounds).ConfigureAwait(false),
                new BenchRow("server, 2,000 idle LMTP sessions", with, null, "MB", string.Create(CultureInfo.InvariantCulture, $"working set; {before:N0} MB without them")),
                new BenchRow("server, page, all its answers", answers, null, "ms", "without a browser, once everything is compiled"),
                new BenchRow("server, 50 messages by the socket", throughSocket, inProcess, "ms", "open, list 50 of 1,000, close; beside it: in the process that has the database open"),
            ];
        }
        finally
        {
            Directory.Delete(database, recursive: true);
        }
    }

    /// <summary>Median time of what a cmdlet does: opens, lists, closes.</summary>
    private static async Task<double> CallsAsync(string database, int rounds)
    {
        var times = new List<double>();
        for (int i = 0; i < Calls * rounds; i++)
        {
            var watch = Stopwatch.StartNew();
            await using (IMessageStore store = await MessageDatabase.OpenAsync(database).ConfigureAwait(false))
            {
                int count = 0;
                await foreach (StoredMessage _ in store.ListAsync(new MessageQuery { Mailbox = "alice" }).ConfigureAwait(false))
                    if (++count == 50) break;
            }
            if (i >= Calls / 10) times.Add(watch.Elapsed.TotalMilliseconds); // after some to warm up
        }
        return BenchRow.Median(times);
    }

    private static async Task<double> AnswersAsync(string database, int port, int rounds)
    {
        string key = (await File.ReadAllTextAsync(Path.Combine(database, "web.key")).ConfigureAwait(false)).Trim();
        using var client = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}"), DefaultRequestHeaders = { Authorization = new("Bearer", key) } };
        var times = new List<double>();
        for (int i = 0; i <= 20 * rounds; i++)
        {
            var watch = Stopwatch.StartNew();
            foreach (string[] step in Loads) await Task.WhenAll(step.Select(path => client.GetByteArrayAsync(new Uri(path, UriKind.Relative)))).ConfigureAwait(false);
            times.Add(watch.Elapsed.TotalMilliseconds);
        }
        return BenchRow.Median(times.Skip(1)); // in the first, this program compiles its own
    }

    /// <summary>Opens the sessions, says hello in each, and lets them stand for a while.</summary>
    private static async Task<(double Before, double With)> IdleAsync(Process server, int port)
    {
        double before = Megabytes(server);
        var sessions = new List<TcpClient>();
        try
        {
            byte[] answer = new byte[1024];
            for (int i = 0; i < IdleSessions; i++)
            {
                var session = new TcpClient();
                sessions.Add(session);
                await session.ConnectAsync(IPAddress.Loopback, port).ConfigureAwait(false);
                NetworkStream stream = session.GetStream();
                if (await stream.ReadAsync(answer).ConfigureAwait(false) == 0) throw new IOException("The server has hung up.");
                await stream.WriteAsync("LHLO bench\r\n"u8.ToArray()).ConfigureAwait(false);
                if (await stream.ReadAsync(answer).ConfigureAwait(false) == 0) throw new IOException("The server has hung up.");
            }
            await Task.Delay(TimeSpan.FromSeconds(2)).ConfigureAwait(false);
            return (before, Megabytes(server));
        }
        finally
        {
            foreach (TcpClient session in sessions) session.Dispose();
        }
    }

    private static double Megabytes(Process server)
    {
        server.Refresh();
        return server.WorkingSet64 / 1e6;
    }
}
