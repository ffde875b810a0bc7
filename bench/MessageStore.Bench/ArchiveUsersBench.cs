using System.Diagnostics;
using System.Globalization;
using MessageStore.Messages;
using MessageStore.Storage;

namespace MessageStore.Bench;

/// <summary>What users' appends of 4 KiB take while the archive agent moves other mail, and while it does not, in turn.</summary>
internal static class ArchiveUsersBench
{
    private const int UserMessage = 4096;
    private const int OldMessage = 16 << 10;

    /// <summary>Between two messages of a user: work goes on, and nobody hammers.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(2);

    public static async Task<List<BenchRow>> RunAsync(BenchArguments arguments)
    {
        await using IMessageStore store = await ArchiveBench.CreateAsync(arguments.Path).ConfigureAwait(false);
        StorageGroup group = ((EmbeddedMessageStore)store).Database.Mail.Groups[0];
        var rows = new List<BenchRow>();
        foreach (int users in arguments.Writers)
        {
            for (int i = 0; i < users; i++)
                if (!await store.ListMailboxesAsync($"u{i}").AnyAsync().ConfigureAwait(false)) await store.CreateMailboxAsync($"u{i}").ConfigureAwait(false);
            List<double> without = [], with = [], rates = [];
            for (int round = 0; round < arguments.Rounds; round++)
            {
                string prefix = string.Create(CultureInfo.InvariantCulture, $"old{users}-{round}-");
                await BenchMail.FillAsync(group, arguments.Messages[0], OldMessage, Math.Min(arguments.Mailboxes, arguments.Messages[0]), prefix).ConfigureAwait(false);
                await store.UpdateSearchIndexAsync(new SearchIndexOptions()).SingleAsync().ConfigureAwait(false); // reading them for the index is part of storing them
                without.Add(await P99Async(store, users, Task.Delay(TimeSpan.FromSeconds(arguments.Seconds))).ConfigureAwait(false));
                Task<ArchiveRun> run = Task.Run(() => store.ArchiveAsync(new ArchiveOptions { Before = DateTimeOffset.UnixEpoch.AddYears(1), Mailboxes = [prefix + "*"] }));
                with.Add(await P99Async(store, users, run).ConfigureAwait(false));
                ArchiveRun done = await run.ConfigureAwait(false);
                rates.Add(done.Bytes / done.Duration.TotalSeconds / 1e6);
            }
            rows.Add(new BenchRow(string.Create(CultureInfo.InvariantCulture, $"users' p99, {users} users, archiving"), BenchRow.Median(with), BenchRow.Median(without), "ms",
                string.Create(CultureInfo.InvariantCulture, $"the agent moved {BenchRow.Median(rates):N0} MB/s meanwhile; beside it: no agent")));
        }
        return rows;
    }

    /// <returns>Milliseconds.</returns>
    private static async Task<double> P99Async(IMessageStore store, int users, Task until)
    {
        byte[] message = BenchGroup.Body(UserMessage);
        List<double>[] waits = await Task.WhenAll(Enumerable.Range(0, users).Select(u => Task.Run(async () =>
        {
            var mine = new List<double>();
            while (!until.IsCompleted)
            {
                long start = Stopwatch.GetTimestamp();
                using MessageBody body = MessageBody.FromMemory(message);
                await store.AppendAsync(new MessageToAppend { Mailbox = $"u{u}", Body = body }).ConfigureAwait(false);
                mine.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
                await Task.Delay(Pause).ConfigureAwait(false);
            }
            return mine;
        }))).ConfigureAwait(false);
        double[] all = [.. waits.SelectMany(w => w).Order()];
        return all.Length == 0 ? 0 : all[(int)(all.Length * 0.99)];
    }
}
