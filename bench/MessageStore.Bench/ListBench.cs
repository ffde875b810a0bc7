using System.Diagnostics;
using System.Globalization;
using MessageStore.Storage;

namespace MessageStore.Bench;

/// <summary>Listing one mailbox of 100,000 messages, with the summary of each.</summary>
internal static class ListBench
{
    private const int Messages = 100_000;
    private const int BodyBytes = 2000;

    public static async Task<IReadOnlyList<BenchRow>> RunAsync(BenchArguments arguments)
    {
        if (Directory.Exists(arguments.Path)) Directory.Delete(arguments.Path, recursive: true);
        await MessageDatabase.CreateAsync(new MessageDatabaseOptions { Path = arguments.Path }).ConfigureAwait(false);
        await using IMessageStore store = await MessageDatabase.OpenAsync(arguments.Path).ConfigureAwait(false);
        StorageGroup group = ((EmbeddedMessageStore)store).Database.Mail.Groups[0];
        await BenchGroup.FillAsync(group, Messages, BodyBytes, mailboxes: 1).ConfigureAwait(false);
        var all = new List<double>();
        var first = new List<double>();
        for (int round = 0; round <= arguments.Rounds; round++)
        {
            int count = 0;
            double toFirst = 0;
            var watch = Stopwatch.StartNew();
            await foreach (StoredMessage message in store.ListAsync(new MessageQuery { Mailbox = "m0" }).ConfigureAwait(false))
            {
                if (count++ == 0) toFirst = watch.Elapsed.TotalMilliseconds;
            }
            if (count != Messages) throw new InvalidOperationException($"{count} of {Messages} messages were listed.");
            if (round == 0) continue;
            all.Add(watch.Elapsed.TotalMilliseconds);
            first.Add(toFirst);
        }
        double median = BenchRow.Median(all);
        return
        [
            new BenchRow("list a mailbox of 100,000", median, null, "ms",
                string.Create(CultureInfo.InvariantCulture, $"{Messages / median * 1000:N0} messages/s, the first after {BenchRow.Median(first):N2} ms")),
        ];
    }
}
