using System.Diagnostics;
using System.Threading.Channels;
using MessageStore.IO;
using MessageStore.Keys;
using MessageStore.Storage;

namespace MessageStore.Archiving;

/// <summary>
/// The Old Email Archiver of figure 4: makes the queue, the archivers that follow it, a list of all users partitioned without overlap, and a seeker for each
/// partition; waits for all of them.
/// </summary>
internal sealed class ArchiveAgent(IReadOnlyList<StorageGroup> groups, IArchiveTarget target, IKeyManager keys, TimeProvider clock, IStorage storage, string spoolFolder)
{
    private const int MostWorkers = 64;

    /// <summary>An archiver mostly waits for its flushes, and what many wait for the disk does together, so there are more of them than cores.</summary>
    private const int FewestArchivers = 4, EnoughArchivers = 16;

    /// <summary>What all archivers together gather in memory, in bytes.</summary>
    private const int MemoryBudget = 128 << 20;

    /// <exception cref="MessageStoreException">ArchiveUnavailable: nothing was tagged then.</exception>
    /// <param name="policies">By mailbox name, the database's own under <c>*</c>.</param>
    public async Task<ArchiveRun> RunAsync(string database, ArchiveOptions options, IReadOnlyDictionary<string, ArchivePolicy> policies, IProgress<RunProgress>? progress, CancellationToken cancellationToken)
    {
        var watch = Stopwatch.StartNew();
        DateTimeOffset started = clock.GetUtcNow();
        if (!options.DryRun) await target.CheckAsync(cancellationToken).ConfigureAwait(false);
        var rules = new ArchiveRules(options, policies, started);
        List<(StorageGroup Group, string Mailbox)> users = [.. groups.SelectMany(g => g.MailboxNames().Where(m => rules.For(m) is not null).Select(m => (g, m)))];
        string note = options.TargetBytes is { } bytes ? AimAt(bytes, users, rules, started, cancellationToken) : "";
        int seekerCount = Workers(options.Seekers, Environment.ProcessorCount, users.Count);
        // As many as can gather what serves the target best.
        int good = Math.Clamp(MemoryBudget / target.BatchBytes, FewestArchivers, Math.Max(EnoughArchivers, Environment.ProcessorCount));
        int archiverCount = Workers(options.Archivers, good, users.Count);

        var receipts = new ReceiptBook();
        using var pace = new ArchivePace(groups, options.Priority, clock);
        var queue = Channel.CreateBounded<ArchiveTask>(archiverCount * 2); // 420
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        long done = 0;
        Task[] archivers = [.. Enumerable.Range(1, archiverCount).Select(n => Guarded(async () => // 440
        {
            using var quiet = new QuietThread($"archiver {n}");
            using var archiver = new Archiver(target, keys, options.Compression, started, receipts, storage, spoolFolder, Math.Min(target.BatchBytes, MemoryBudget / archiverCount), quiet, pace);
            await foreach (ArchiveTask task in queue.Reader.ReadAllAsync(stop.Token).ConfigureAwait(false))
            {
                await archiver.MoveAsync(task, stop.Token).ConfigureAwait(false);
                progress?.Report(new RunProgress("Archiving", task.Mailbox, Interlocked.Increment(ref done), users.Count));
            }
        }, stop))];
        var seeker = new ArchiveSeeker(rules, options.DryRun, receipts, queue.Writer);
        // Every n-th user to the same seeker: no overlap, and neighbours of one group, often alike in size, spread over all.
        Task[] seekers = [.. Enumerable.Range(0, seekerCount).Select(n => Guarded( // 450, 460
            () => seeker.RunAsync([.. users.Where((_, i) => i % seekerCount == n)], stop.Token), stop))];
        try
        {
            await Task.WhenAll(seekers).ConfigureAwait(false);
        }
        finally
        {
            queue.Writer.Complete();
            // After an error, and after Ctrl+C, too: nothing goes on behind the back of whoever gives up the maintenance lock next.
            await Task.WhenAll(archivers).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        await Task.WhenAll(archivers).ConfigureAwait(false); // 470

        List<ArchiveReceipt> book = receipts.Receipts();
        return new ArchiveRun
        {
            Id = Guid.CreateVersion7(started),
            Database = database,
            Started = started,
            Matched = book.Sum(r => r.Matched),
            Moved = book.Sum(r => r.Moved),
            Skipped = book.Sum(r => r.Skipped),
            Failed = book.Sum(r => r.Failed),
            Bytes = book.Sum(r => r.Bytes),
            ArchiveBytes = book.Sum(r => r.ArchiveBytes),
            Duration = watch.Elapsed,
            Seekers = seekerCount,
            Archivers = archiverCount,
            Yields = pace.Yields,
            YieldDuration = pace.YieldDuration,
            DryRun = options.DryRun,
            Limit = rules.Limit is { } limit && limit > DateTimeOffset.MinValue && limit < DateTimeOffset.MaxValue ? limit : null,
            Note = note,
            Receipts = book,
        };
    }

    private string AimAt(long bytes, List<(StorageGroup Group, string Mailbox)> users, ArchiveRules rules, DateTimeOffset now, CancellationToken cancellationToken)
    {
        (DateTimeOffset limit, string note) = TargetSize.Find(users, rules, groups.Sum(g => g.GetStatus().HotBytes), bytes, now, cancellationToken);
        rules.Limit = limit;
        return note;
    }

    private static int Workers(int wanted, int good, int users) => Math.Clamp(wanted > 0 ? wanted : Math.Min(good, users), 1, MostWorkers);

    /// <summary>Runs on the pool; an unexpected end of one worker ends the others, so that nobody waits for it for ever.</summary>
    private static Task Guarded(Func<Task> work, CancellationTokenSource stop) => Task.Run(async () =>
    {
        try
        {
            await work().ConfigureAwait(false);
        }
        catch
        {
            await stop.CancelAsync().ConfigureAwait(false);
            throw;
        }
    });
}
