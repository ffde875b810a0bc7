using System.Diagnostics;
using System.Globalization;
using MessageStore.Storage;

namespace MessageStore.Bench;

/// <summary>
/// The archive run, from the criteria to the last key: stored and fastest levels, for each size, over many mailboxes. With <c>--peer</c>, beside it and on the same messages: Dovecot's
/// <c>altmove</c> (stored) and <c>gzip -1</c> (fastest), each with as many processes as there are processors. Then memory with one large mailbox, and what users' appends take with and
/// without the agent.
/// </summary>
internal static class ArchiveBench
{
    private const int Processes = 2;
    private const int WarmUpMessages = 20_000;
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(300);
    private static readonly TimeSpan MemoryLook = TimeSpan.FromMilliseconds(10);
    private static readonly ArchiveOptions All = new() { Before = DateTimeOffset.MaxValue };

    public static async Task<IReadOnlyList<BenchRow>> RunAsync(BenchArguments arguments)
    {
        var rows = new List<BenchRow>();
        foreach (int size in arguments.Sizes.Where(s => s > 0)) rows.AddRange(await SpeedAsync(arguments, size).ConfigureAwait(false));
        if (arguments.Large > 0) rows.AddRange(await MemoryAsync(arguments).ConfigureAwait(false));
        if (arguments.Seconds > 0) rows.AddRange(await ArchiveUsersBench.RunAsync(arguments).ConfigureAwait(false));
        Clean(arguments.Path);
        return rows;
    }

    private static async Task<List<BenchRow>> SpeedAsync(BenchArguments arguments, int size)
    {
        int messages = arguments.Messages[0];
        Figures stored = new(), fastest = new();
        foreach (ArchiveCompression level in (ArchiveCompression[])[ArchiveCompression.Stored, ArchiveCompression.Fastest])
            await MoveAsync(arguments, size, Math.Min(messages, WarmUpMessages), level, new Figures()).ConfigureAwait(false); // the first finds cold code
        var altmove = new List<double>();
        var gzip = new List<double>();
        for (int round = 0; round < arguments.Rounds; round++)
        {
            await MoveAsync(arguments, size, messages, ArchiveCompression.Stored, stored).ConfigureAwait(false);
            if (arguments.Peer) altmove.Add(ArchivePeers.Altmove(Path.Combine(Clean(arguments.Path), "dovecot"), BenchMail.Bodies(size), messages, arguments.Mailboxes, Processes));
            await MoveAsync(arguments, size, messages, ArchiveCompression.Fastest, fastest).ConfigureAwait(false);
            if (arguments.Peer) gzip.Add(ArchivePeers.Gzip(Path.Combine(Clean(arguments.Path), "gzip"), BenchMail.Bodies(size), messages, Processes));
        }
        string what = string.Create(CultureInfo.InvariantCulture, $"{messages:N0} of {size} B, {arguments.Mailboxes:N0} mailboxes");
        return
        [
            new BenchRow($"archive, stored, {size} B", stored.Rate(messages), Median(altmove), "messages/s", $"{what}; {stored.Note(messages, size)}{(arguments.Peer ? "; beside it: altmove" : "")}"),
            new BenchRow($"archive, fastest, {size} B", fastest.Rate(messages) * size / 1e6, Median(gzip), "MB/s", $"{what}; {fastest.Note(messages, size)}{(arguments.Peer ? $"; beside it: {Processes} gzip -1" : "")}"),
        ];
    }

    private static async Task MoveAsync(BenchArguments arguments, int size, int messages, ArchiveCompression level, Figures figures)
    {
        await using IMessageStore store = await CreateAsync(arguments.Path).ConfigureAwait(false);
        StorageGroup group = ((EmbeddedMessageStore)store).Database.Mail.Groups[0];
        await BenchMail.FillAsync(group, messages, size, arguments.Mailboxes).ConfigureAwait(false);
        await store.UpdateSearchIndexAsync(new SearchIndexOptions()).SingleAsync().ConfigureAwait(false); // reading them for the index is part of storing them
        group.Checkpoint(CancellationToken.None);
        GC.Collect();
        await RestAsync().ConfigureAwait(false); // the index is still merging what it has read
        TimeSpan before = Environment.CpuUsage.TotalTime;
        (ArchiveRun run, long peak) = await WithPeakAsync(() => store.ArchiveAsync(All with { Compression = level })).ConfigureAwait(false);
        if (run.Moved != messages) throw new InvalidOperationException($"{run.Moved} of {messages} messages were moved: {run.Receipts.FirstOrDefault(r => r.Failed > 0)?.Reason}");
        figures.Add(run.Duration, Environment.CpuUsage.TotalTime - before, peak);
    }

    /// <summary>
    /// One mailbox of a tenth, and one of all: what a run takes beyond what was there must not grow with it. What was there is all that the messages need, their words included, which are
    /// indexed behind the import and put a hundred MB into memory of their own until they are written out; and without what the garbage collector had not given back yet, or the run would be
    /// hidden in it. The table of keys stays, and is no part of the run.
    /// </summary>
    private static async Task<List<BenchRow>> MemoryAsync(BenchArguments arguments)
    {
        var rows = new List<BenchRow>();
        foreach (int messages in (int[])[arguments.Large / 10, arguments.Large])
        {
            await using IMessageStore store = await CreateAsync(arguments.Path).ConfigureAwait(false);
            await BenchMail.FillAsync(((EmbeddedMessageStore)store).Database.Mail.Groups[0], messages, 1024, mailboxes: 1).ConfigureAwait(false);
            await store.UpdateSearchIndexAsync(new SearchIndexOptions()).SingleAsync().ConfigureAwait(false);
            await RestAsync().ConfigureAwait(false);
            Settle();
            (ArchiveRun run, long peak) = await WithPeakAsync(() => store.ArchiveAsync(All)).ConfigureAwait(false);
            if (run.Moved != messages) throw new InvalidOperationException($"{run.Moved} of {messages} messages were moved.");
            long table = ((EmbeddedMessageStore)store).Database.KeyJournal!.TableBytes;
            rows.Add(new BenchRow(string.Create(CultureInfo.InvariantCulture, $"memory, a mailbox of {messages:N0}"), (peak - table) / 1e6, null, "MB", string.Create(CultureInfo.InvariantCulture,
                $"the run at its peak; beyond that the key table, which stays: {table / 1e6:N0} MB, {(double)table / messages:N1} bytes a message; {run.Moved / run.Duration.TotalSeconds:N0} messages/s of 1 KiB")));
        }
        return rows;
    }

    /// <summary>Gives back to the system whatever nothing holds.</summary>
    private static void Settle() => GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);

    /// <summary>Waits until the process does nothing.</summary>
    private static async Task RestAsync()
    {
        TimeSpan before, used;
        do
        {
            before = Environment.CpuUsage.TotalTime;
            await Task.Delay(Look).ConfigureAwait(false);
            used = Environment.CpuUsage.TotalTime - before;
        }
        while (used > Look / 20);
    }

    internal static async Task<IMessageStore> CreateAsync(string path)
    {
        Clean(path);
        await MessageDatabase.CreateAsync(new MessageDatabaseOptions { Path = path }).ConfigureAwait(false);
        return await MessageDatabase.OpenAsync(path).ConfigureAwait(false);
    }

    private static string Clean(string path)
    {
        if (Directory.Exists(path)) Directory.Delete(path, recursive: true);
        return path;
    }

    private static double? Median(List<double> values) => values.Count > 0 ? BenchRow.Median(values) : null;

    /// <summary>
    /// Does something and watches how much more memory the process takes than it had, or than it had given back to by then: the runtime's pools give back what was used before in their own time, and
    /// that must not hide what the work takes.
    /// </summary>
    private static async Task<(T Result, long Peak)> WithPeakAsync<T>(Func<Task<T>> work)
    {
        long least = Environment.WorkingSet, rise = 0;
        Task<T> task = Task.Run(work);
        while (await Task.WhenAny(task, Task.Delay(MemoryLook)).ConfigureAwait(false) != task)
        {
            long now = Environment.WorkingSet;
            least = Math.Min(least, now);
            rise = Math.Max(rise, now - least);
        }
        return (await task.ConfigureAwait(false), rise);
    }

    /// <summary>What the runs of one level took.</summary>
    private sealed class Figures
    {
        private readonly List<double> seconds = [], cpu = [], memory = [];

        public void Add(TimeSpan time, TimeSpan processor, long peak)
        {
            seconds.Add(time.TotalSeconds);
            cpu.Add(processor.TotalMicroseconds);
            memory.Add(peak / 1e6);
        }

        public double Rate(int messages) => messages / BenchRow.Median(seconds);

        public string Note(int messages, int size) => string.Create(CultureInfo.InvariantCulture,
            $"{Rate(messages) * size / 1e6:N0} MB/s, {BenchRow.Median(cpu) / messages:N1} µs of CPU a message, {BenchRow.Median(memory):N0} MB at most");
    }
}
