using System.Diagnostics;
using System.Globalization;
using System.Text;
using MessageStore.IO;
using MessageStore.Messages;
using MessageStore.Storage;

namespace MessageStore.Bench;

/// <summary>
/// The search index over real mail repeated with varied words: what it costs those who store, how large it is, how soon the first hits come. The mail is the corpus that MESSAGESTORE_CORPUS names, else the samples.
/// </summary>
internal static class SearchBench
{
    private const int Window = 512;

    /// <summary>One word in so many is another one in each repetition.</summary>
    private const int VariedShare = 50;

    private const int ShortestVaried = 4;

    private static readonly string[] Queries = ["the", "linux", "the linux kernel", "subject:re from:com", "exmh -linux", "comput*", "\"operating system\"", "zzznothing"];

    public static async Task<IReadOnlyList<BenchRow>> RunAsync(BenchArguments arguments)
    {
        byte[][] mail = Load();
        var rows = new List<BenchRow>();
        foreach (int messages in arguments.Messages)
        {
            (double plainSeconds, double plainCpu) = await StoreAsync(arguments.Path, mail, messages, index: false, null).ConfigureAwait(false);
            (double seconds, double cpu) = await StoreAsync(arguments.Path, mail, messages, index: true, store => AskAsync(store, messages, arguments.Rounds, rows)).ConfigureAwait(false);
            rows.Add(Row($"store {messages:N0} with index", messages / seconds, messages / plainSeconds, "messages/s", $"CPU {cpu / messages * 1e6:N0} and {plainCpu / messages * 1e6:N0} us/message; Peer is without index"));
        }
        return rows;
    }

    private static async Task AskAsync(EmbeddedMessageStore store, int messages, int rounds, List<BenchRow> rows)
    {
        var watch = Stopwatch.StartNew();
        TimeSpan before = Process.GetCurrentProcess().TotalProcessorTime;
        SearchIndexStatus status = await store.UpdateSearchIndexAsync(new SearchIndexOptions()).SingleAsync().ConfigureAwait(false);
        TimeSpan cpu = Process.GetCurrentProcess().TotalProcessorTime - before;
        rows.Add(Row($"index the rest of {messages:N0}", watch.Elapsed.TotalSeconds, null, "s", $"{cpu.TotalSeconds:N1} s of CPU"));
        rows.Add(Row("index beside text", 100.0 * status.FileBytes / Math.Max(status.TextLength, 1), null, "%", $"{status.FileBytes / 1e6:N1} MB in {status.FileCount} files for {status.TextLength / 1e6:N1} M characters"));
        foreach (string query in Queries)
        {
            var first = new List<double>();
            var ten = new List<double>();
            int found = 0;
            for (int round = 0; round <= rounds; round++)
            {
                found = 0;
                double toFirst = 0;
                watch.Restart();
                await foreach (StoredMessage message in store.FindAsync(new MessageSearch { Query = query }).ConfigureAwait(false))
                {
                    if (found++ == 0) toFirst = watch.Elapsed.TotalMilliseconds;
                    if (found == 10) break;
                }
                if (found == 0) toFirst = watch.Elapsed.TotalMilliseconds;
                if (round == 0) continue;
                first.Add(toFirst);
                ten.Add(watch.Elapsed.TotalMilliseconds);
            }
            rows.Add(Row($"first of '{query}'", BenchRow.Median(first), null, "ms", $"{found} after {BenchRow.Median(ten):N1} ms"));
        }
    }

    private static async Task<(double Seconds, double Cpu)> StoreAsync(string path, byte[][] mail, int messages, bool index, Func<EmbeddedMessageStore, Task>? then)
    {
        if (Directory.Exists(path)) Directory.Delete(path, recursive: true);
        MessageDatabase.CreateNow(DiskStorage.Instance, new MessageDatabaseOptions { Path = path }, TimeProvider.System);
        await using var store = new EmbeddedMessageStore(OpenDatabase.OpenNow(DiskStorage.Instance, path, new GroupOptions()));
        await store.CreateMailboxAsync("m0").ConfigureAwait(false);
        if (!index) store.Database.Mail.Groups[0].Observe(null);
        var window = new Task[Window];
        Array.Fill(window, Task.CompletedTask);
        var watch = new Stopwatch();
        double cpu = 0;
        byte[][] varied = [];
        for (int i = 0; i < messages; i++)
        {
            if (i % mail.Length == 0)
            {
                // Making the mail is no part of storing it.
                await Task.WhenAll(window).ConfigureAwait(false);
                watch.Stop();
                varied = [.. mail.Select(m => Vary(m, i / mail.Length))];
                watch.Start();
                cpu -= Process.GetCurrentProcess().TotalProcessorTime.TotalSeconds;
            }
            await window[i % Window].ConfigureAwait(false);
            window[i % Window] = AppendAsync(store, varied[i % mail.Length], i);
            if (i % mail.Length == mail.Length - 1 || i == messages - 1)
            {
                await Task.WhenAll(window).ConfigureAwait(false);
                cpu += Process.GetCurrentProcess().TotalProcessorTime.TotalSeconds;
            }
        }
        watch.Stop();
        if (then is not null) await then(store).ConfigureAwait(false);
        return (watch.Elapsed.TotalSeconds, cpu);
    }

    private static async Task AppendAsync(EmbeddedMessageStore store, byte[] message, int number)
    {
        using MessageBody body = MessageBody.FromMemory(message);
        await store.AppendAsync(new MessageToAppend { Mailbox = "m0", Body = body, ReceivedDate = DateTimeOffset.UnixEpoch.AddMinutes(number) }).ConfigureAwait(false);
    }

    private static byte[][] Load()
    {
        string corpus = Path.Combine(Environment.GetEnvironmentVariable("MESSAGESTORE_CORPUS") ?? "", "ham.mbox.gz");
        IEnumerable<SourceMessage> messages = File.Exists(corpus) ? MailFiles.Open(corpus).Select(item => item.Message!) : SampleMail.Open();
        var mail = new List<byte[]>();
        foreach (SourceMessage message in messages)
        {
            using MessageBody body = message.Body;
            mail.Add(body.Head.ToArray());
        }
        return [.. mail];
    }

    /// <summary>The same message with some of its words lengthened, others in each repetition.</summary>
    private static byte[] Vary(byte[] message, int repetition)
    {
        if (repetition == 0) return message;
        string suffix = string.Concat(repetition.ToString("x", CultureInfo.InvariantCulture).Select(c => (char)(char.IsAsciiDigit(c) ? c - '0' + 'g' : c)));
        var result = new MemoryStream(message.Length + 256);
        int at = 0;
        while (at < message.Length)
        {
            int end = at;
            uint hash = 2166136261 ^ (uint)repetition;
            while (end < message.Length && char.IsAsciiLetter((char)message[end])) hash = (hash ^ message[end++]) * 16777619;
            result.Write(message, at, end - at);
            if (end - at >= ShortestVaried && hash % VariedShare == 0) result.Write(Encoding.ASCII.GetBytes(suffix));
            if (end < message.Length) result.WriteByte(message[end++]);
            at = end;
        }
        return result.ToArray();
    }

    private static BenchRow Row(FormattableString name, double ours, double? peer, string unit, FormattableString note) =>
        new(name.ToString(CultureInfo.InvariantCulture), ours, peer, unit, note.ToString(CultureInfo.InvariantCulture));

    private static BenchRow Row(string name, double ours, double? peer, string unit, FormattableString note) => new(name, ours, peer, unit, note.ToString(CultureInfo.InvariantCulture));
}
