using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text.RegularExpressions;
using MessageStore.Server.Tests.Support;
using MessageStore.Server.Web;
using Xunit.Abstractions;

namespace MessageStore.Server.Tests.Soak;

/// <summary>
/// Everything at once: Postfix and direct sessions deliver, readers search and read over HTTP, archive and backup alternate by the server's schedule, and the server is killed and started again. Looking for every message by way of HTTP
/// takes minutes more, so it runs where <c>MESSAGESTORE_SOAK</c> names a number of seconds.
/// </summary>
public sealed partial class SoakTests(ITestOutputHelper output)
{
    private const string Seconds = "MESSAGESTORE_SOAK";
    private const int Mailboxes = 25;
    private const int Senders = 4;
    private const int Readers = 3;
    private const int Bytes = 4000;
    private const int PostfixSessions = 5;

    [SoakFact]
    public async Task Every_acknowledged_message_is_there_once_however_often_the_server_is_killed()
    {
        TimeSpan length = TimeSpan.FromSeconds(int.Parse(Environment.GetEnvironmentVariable(Seconds)!, CultureInfo.InvariantCulture));
        int kills = length >= TimeSpan.FromMinutes(5) ? 5 : 2;
        using var folder = new TemporaryFolder();
        string database = folder["db"];
        await MessageDatabase.CreateAsync(new MessageDatabaseOptions { Path = database, StorageGroups = ["SG1", "SG2"] });
        MaintenanceSchedules.Register(new MaintenanceSchedule
        {
            Database = database, Scheduler = MaintenanceScheduler.Server, ArchiveEvery = TimeSpan.FromMinutes(1), BackupEvery = TimeSpan.FromMinutes(1), MaximumBackupAge = TimeSpan.FromMinutes(5),
            OlderThan = TimeSpan.FromSeconds(20), PowerShellPath = "pwsh", ModulePath = "MessageStore.psd1",
        });
        var lmtp = new IPEndPoint(IPAddress.Loopback, PostfixInstance.FreePort());
        var web = new IPEndPoint(IPAddress.Loopback, PostfixInstance.FreePort());
        using var server = new ServerProcess(database, $"Listen:Lmtp={lmtp}", "Recipients:Unknown=Create", "Recipients:Domains=example.org", $"Web:Listen={web}");
        await server.StartAsync();
        string key = (await File.ReadAllTextAsync(Path.Combine(database, AccessKey.FileName))).Trim();
        PostfixInstance? postfix = PostfixFactAttribute.WhyNot() is { } reason ? Say<PostfixInstance>($"without Postfix: {reason}") : await PostfixInstance.StartAsync(lmtp);
        LmtpSender[] senders = [.. Enumerable.Range(0, Senders).Select(n => new LmtpSender(lmtp, $"direct{n}", Mailboxes, n))];
        PageReader[] readers = [.. Enumerable.Range(0, Readers).Select(n => new PageReader(new Uri($"http://{web}"), key, Mailboxes, n))];
        int relayed = 0;
        try
        {
            using var stop = new CancellationTokenSource();
            Task[] work = [.. senders.Select(s => Task.Run(() => s.RunAsync(stop.Token))), .. readers.Select(r => Task.Run(() => r.RunAsync(stop.Token))), Task.Run(() => RelayAsync(postfix, count => relayed += count, stop.Token))];
            var recoveries = new List<TimeSpan>();
            var watch = Stopwatch.StartNew();
            for (int kill = 1; kill <= kills; kill++)
            {
                await Task.Delay(length * kill / (kills + 1) - watch.Elapsed is { Ticks: > 0 } rest ? rest : TimeSpan.Zero);
                await server.KillAsync();
                recoveries.Add(await server.StartAsync());
            }
            if (length > watch.Elapsed) await Task.Delay(length - watch.Elapsed);
            await stop.CancelAsync();
            await Task.WhenAll(work);
            using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(5));
            if (postfix is not null) Assert.Empty(await postfix.DrainAsync(relayed, patience.Token));
            (TimeSpan stopping, int code) = await server.StopAsync();
            Assert.Equal(0, code);

            HashSet<string> retried = postfix is null ? [] : Retried(await postfix.LogAsync());
            long messages = await CheckAsync(database, senders, relayed, retried);
            double[] times = [.. readers.SelectMany(static r => r.Milliseconds).Order()];
            Assert.NotEmpty(times);
            Assert.Empty(readers.SelectMany(static r => r.Errors));
            Say<object>(string.Create(CultureInfo.InvariantCulture,
                $"{length.TotalSeconds:0} s: {messages} messages, {relayed} of them through Postfix ({retried.Count} sent twice because a kill cut the answer), {senders.Sum(static s => s.Acknowledged.Count)} acknowledged directly, {senders.Sum(static s => s.Unanswered.Count)} never answered for; {kills} kills, back after {string.Join(", ", recoveries.Select(static r => $"{r.TotalSeconds:0.0}"))} s, stopped in {stopping.TotalSeconds:0.0} s; {times.Length} answers over HTTP, p50 {times[times.Length / 2]:0} ms, p99 {times[times.Length * 99 / 100]:0} ms, {readers.Sum(static r => r.Away)} found nobody"));
        }
        finally
        {
            if (postfix is not null) await postfix.DisposeAsync();
            foreach (PageReader reader in readers) reader.Dispose();
        }
    }

    /// <summary>Compares what is there with what was acknowledged, and reads everything once.</summary>
    private async Task<long> CheckAsync(string database, LmtpSender[] senders, int relayed, HashSet<string> retried)
    {
        await using IMessageStore store = await MessageDatabase.OpenAsync(database);
        var direct = new Dictionary<string, int>(StringComparer.Ordinal);
        var through = new Dictionary<string, int>(StringComparer.Ordinal);
        long messages = 0, archived = 0;
        await foreach (StoredMessage message in store.ListAsync(new MessageQuery()))
        {
            messages++;
            if (message.IsArchived) archived++;
            bool isDirect = message.Subject.StartsWith("direct", StringComparison.Ordinal);
            Dictionary<string, int> book = isDirect ? direct : through;
            string name = isDirect ? message.Subject : $"{message.Subject} {message.MessageIdHeader}"; // the latter alone comes again
            book[name] = book.GetValueOrDefault(name) + 1;
        }
        foreach (string subject in senders.SelectMany(static s => s.Acknowledged)) Assert.True(direct.Remove(subject, out int count) && count == 1, $"{subject} was acknowledged and is there {count} times.");
        foreach (string subject in senders.SelectMany(static s => s.Unanswered)) Assert.True(!direct.Remove(subject, out int count) || count == 1, $"{subject} is there {count} times.");
        Assert.Empty(direct); // nothing that nobody sent whole
        Assert.Equal(relayed, through.Count);
        Assert.All(through, pair => Assert.True(pair.Value == 1 || retried.Contains(pair.Key[(pair.Key.LastIndexOf(' ') + 1)..].Trim('<', '>')), $"{pair.Key} is there {pair.Value} times, and no answer was cut."));

        DatabaseTest test = await store.TestAsync(new DatabaseTestOptions());
        Assert.Equal(DatabaseTestResult.Whole, test.Result);
        Assert.Equal(messages, test.Messages);
        MaintenanceRecord[] history = [.. await store.ListHistoryAsync().ToListAsync()];
        Assert.All(history, static r => Assert.NotEqual("", r.Reason));
        Assert.DoesNotContain(history, static r => r.Decision == MaintenanceDecision.Failed);
        Assert.Contains(history, static r => r is { Task: MaintenanceTask.Backup, Decision: MaintenanceDecision.Ran });
        Assert.Equal(DrillResult.Verified, (await MessageDatabase.TestBackupAsync((await store.GetStatusAsync()).BackupPath)).Result);
        Say<object>($"{archived} of {messages} archived; history: {string.Join(", ", history.GroupBy(static r => (r.Task, r.Decision)).OrderBy(static g => g.Key).Select(static g => $"{g.Key.Task} {g.Key.Decision} {g.Count()}"))}; everything read and whole, the newest backup verified");
        return messages;
    }

    /// <summary>Brings mail to Postfix, which keeps it until it is delivered.</summary>
    private static async Task RelayAsync(PostfixInstance? postfix, Action<int> accepted, CancellationToken cancellationToken)
    {
        const int batch = 50;
        for (int n = 0; postfix is not null && !cancellationToken.IsCancellationRequested; n++)
        {
            await postfix.SendAsync(batch, PostfixSessions, Bytes, $"m{n % Mailboxes}@example.org", $"relayed {n}");
            accepted(batch);
        }
    }

    /// <summary>
    /// Ids of messages whose delivery Postfix began again because the connection broke after it had sent the message: whether it was stored nobody told it, so it may be there twice. That is as much as LMTP promises (RFC 2033 §2).
    /// </summary>
    private static HashSet<string> Retried(string log)
    {
        Dictionary<string, string> ids = MessageId().Matches(log).ToDictionary(static m => m.Groups[1].Value, static m => m.Groups[2].Value, StringComparer.Ordinal);
        return [.. Broken().Matches(log).Select(static m => m.Groups[1].Value).Where(ids.ContainsKey).Select(queue => ids[queue])];
    }

    private T? Say<T>(string what) where T : class
    {
        output.WriteLine(what);
        if (Environment.GetEnvironmentVariable("MESSAGESTORE_PROOF") is { Length: > 0 } path) File.AppendAllText(path, $"soak: {what}\n");
        return null;
    }

    [GeneratedRegex(@"cleanup\[\d+\]: (\w+): message-id=<([^>]*)>")]
    private static partial Regex MessageId();

    [GeneratedRegex(@"lmtp\[\d+\]: (\w+): to=.*status=deferred \(.*(?:lost connection|conversation with|timed out).*while (?:sending end of data|sending message body|receiving)")]
    private static partial Regex Broken();

    private sealed class SoakFactAttribute : FactAttribute
    {
        public SoakFactAttribute()
        {
            if (!int.TryParse(Environment.GetEnvironmentVariable(Seconds), CultureInfo.InvariantCulture, out _)) Skip = $"takes minutes: {Seconds} names how many seconds it is to last.";
        }
    }
}
