using System.Diagnostics;
using System.Globalization;
using MessageStore.Messages;
using MessageStore.Storage;

namespace MessageStore.Bench;

/// <summary>
/// Full and incremental backups of a database to a folder of the same disk, plain, compressed, encrypted and both; beside them, copying the very file with <c>cp</c> and <c>sync</c>. Then
/// what users' appends take with and without a backup, by priority. With <c>--peer</c> also the same bytes by <c>pg_basebackup</c> and <c>doveadm backup</c>; with <c>--minutes</c> backups
/// that follow one another under a steady load instead.
/// </summary>
internal static class BackupBench
{
    /// <summary>Sizes of messages like those of a mail corpus: most are small, most bytes are in the large ones.</summary>
    internal static readonly int[] SizeMix = [1 << 10, 2 << 10, 3 << 10, 4 << 10, 6 << 10, 8 << 10, 12 << 10, 24 << 10, 60 << 10, 400 << 10];

    private const int UserMessage = 4096;

    /// <summary>What one backup cost: seconds, bytes before and after compression, seconds of processor, bytes of memory.</summary>
    private sealed record BackupCost(double Seconds, double Content, double File, double Cpu, long Memory);

    /// <summary>Between two messages of a user: work goes on, and nobody hammers.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(2);

    private static readonly TimeSpan MemoryLook = TimeSpan.FromMilliseconds(10);

    public static async Task<IReadOnlyList<BenchRow>> RunAsync(BenchArguments arguments)
    {
        if (arguments.Minutes > 0) return await ContinuousBench.RunAsync(arguments).ConfigureAwait(false);
        var rows = new List<BenchRow>();
        foreach (double gigabytes in arguments.Gigabytes.Length > 0 ? arguments.Gigabytes : [.. arguments.Messages.Select(m => m * SizeMix.Average() / 1e9)])
        {
            if (Directory.Exists(arguments.Path)) Directory.Delete(arguments.Path, recursive: true);
            await MessageDatabase.CreateAsync(new MessageDatabaseOptions { Path = arguments.Path }).ConfigureAwait(false);
            await using IMessageStore store = await MessageDatabase.OpenAsync(arguments.Path).ConfigureAwait(false);
            StorageGroup group = ((EmbeddedMessageStore)store).Database.Mail.Groups[0];
            int messages = (int)(gigabytes * 1e9 / SizeMix.Average());
            await FillAsync(group, messages).ConfigureAwait(false);
            rows.AddRange(await SpeedAsync(arguments, store).ConfigureAwait(false));
            rows.Add(await IncrementalAsync(store, group).ConfigureAwait(false));
            rows.AddRange(await UsersAsync(arguments, store).ConfigureAwait(false));
            if (arguments.Peer) rows.AddRange(await BackupPeers.RunAsync(arguments, messages, SizeMix).ConfigureAwait(false));
        }
        Directory.Delete(arguments.Path, recursive: true);
        return rows;
    }

    private static async Task FillAsync(StorageGroup group, int messages)
    {
        const int mailboxes = 100, window = 512;
        var mail = new MailText(1);
        var numbers = new int[mailboxes];
        for (int m = 0; m < mailboxes; m++) (numbers[m], _) = await group.CreateMailboxAsync($"m{m}", CancellationToken.None).ConfigureAwait(false);
        var tasks = new Task[window];
        Array.Fill(tasks, Task.CompletedTask);
        for (int i = 0; i < messages; i++)
        {
            await tasks[i % window].ConfigureAwait(false);
            tasks[i % window] = BenchGroup.AppendAsync(group, Guid.CreateVersion7(), numbers[i % mailboxes], i, mail.Next(SizeMix[i % SizeMix.Length]));
        }
        await Task.WhenAll(tasks).ConfigureAwait(false);
    }

    /// <summary>Each way once a round, and the copy between them, so that a disk that changes its mind does so for all.</summary>
    private static async Task<List<BenchRow>> SpeedAsync(BenchArguments arguments, IMessageStore store)
    {
        string keyFile = Path.Combine(arguments.Path, "bench.key");
        await File.WriteAllBytesAsync(keyFile, BenchGroup.Body(32)).ConfigureAwait(false);
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(keyFile, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        var key = new BackupKeySource { KeyFile = keyFile };
        (string Name, BackupOptions Options, List<BackupCost> Costs)[] ways =
        [
            ("backup", new BackupOptions(), []),
            ("compressed", new BackupOptions { Compression = BackupCompression.Fastest }, []),
            ("encrypted", new BackupOptions { Key = key }, []),
            ("compressed, encrypted", new BackupOptions { Compression = BackupCompression.Fastest, Key = key }, []),
        ];
        var copies = new List<double>();
        foreach ((_, BackupOptions options, _) in ways) await MeasureAsync(store, options).ConfigureAwait(false); // the first finds cold code
        for (int round = 0; round < arguments.Rounds; round++)
        {
            foreach ((string name, BackupOptions options, List<BackupCost> costs) in ways)
                costs.Add(await MeasureAsync(store, options, path => { if (name == "backup") copies.Add(Copy(path).TotalSeconds); }).ConfigureAwait(false));
        }
        double content = ways[0].Costs[0].Content, copy = BenchRow.Median(copies);
        return [.. ways.Select(way => new BenchRow(
            string.Create(CultureInfo.InvariantCulture, $"{way.Name}, {content / 1e9:N2} GB"), BenchRow.Median(way.Costs.Select(c => content / 1e6 / c.Seconds)), content / 1e6 / copy, "MB/s",
            string.Create(CultureInfo.InvariantCulture, $"{BenchRow.Median(way.Costs.Select(c => c.Seconds)):N1} s, {way.Costs[0].File / content:P0} of the bytes, {BenchRow.Median(way.Costs.Select(c => c.Cpu / content * 1e9)):N2} s of CPU a GB, {way.Costs.Max(c => c.Memory) / 1e6:N0} MB at most; beside it: cp and sync of the plain file, {copy:N1} s")))];
    }

    private static async Task<BackupCost> MeasureAsync(IMessageStore store, BackupOptions options, Action<string>? then = null)
    {
        TimeSpan before = Environment.CpuUsage.TotalTime;
        (BackupRun run, long peak) = await WithPeakAsync(() => store.BackupAsync(options with { Priority = BackupPriority.Backup })).ConfigureAwait(false);
        var cost = new BackupCost(run.Duration.TotalSeconds, run.ContentBytes, run.Bytes, (Environment.CpuUsage.TotalTime - before).TotalSeconds, peak);
        then?.Invoke(run.Path);
        File.Delete(run.Path);
        return cost;
    }

    private static async Task<BenchRow> IncrementalAsync(IMessageStore store, StorageGroup group)
    {
        BackupRun full = await store.BackupAsync(new BackupOptions()).ConfigureAwait(false);
        await BenchGroup.FillAsync(group, 1000, UserMessage).ConfigureAwait(false);
        BackupRun run = await store.BackupAsync(new BackupOptions { Kind = BackupKind.Incremental }).ConfigureAwait(false);
        File.Delete(run.Path);
        File.Delete(full.Path);
        return new BenchRow("incremental, 1,000 new of 4 KiB", run.Duration.TotalMilliseconds, full.Duration.TotalMilliseconds, "ms",
            string.Create(CultureInfo.InvariantCulture, $"{run.Bytes / 1e6:N1} MB; beside it: the full one of {full.Bytes / 1e6:N0} MB"));
    }

    private static async Task<List<BenchRow>> UsersAsync(BenchArguments arguments, IMessageStore store)
    {
        var rows = new List<BenchRow>();
        foreach (int users in arguments.Writers)
        {
            for (int i = 0; i < users; i++)
                if (!await store.ListMailboxesAsync($"u{i}").AnyAsync().ConfigureAwait(false)) await store.CreateMailboxAsync($"u{i}").ConfigureAwait(false);
            var without = new List<double>();
            var with = new Dictionary<BackupPriority, List<double>> { [BackupPriority.Users] = [], [BackupPriority.Backup] = [] };
            var rates = new Dictionary<BackupPriority, double>();
            for (int round = 0; round < arguments.Rounds; round++)
            {
                without.Add(await P99Async(arguments, store, users).ConfigureAwait(false));
                foreach (BackupPriority priority in with.Keys)
                {
                    using var stop = new CancellationTokenSource();
                    Task<double> backups = BackUpUntilAsync(store, priority, stop.Token);
                    with[priority].Add(await P99Async(arguments, store, users).ConfigureAwait(false));
                    await stop.CancelAsync().ConfigureAwait(false);
                    rates[priority] = await backups.ConfigureAwait(false);
                }
            }
            foreach ((BackupPriority priority, List<double> p99) in with)
                rows.Add(new BenchRow(string.Create(CultureInfo.InvariantCulture, $"users' p99, {users} users, priority {priority}"), BenchRow.Median(p99), BenchRow.Median(without), "ms",
                    string.Create(CultureInfo.InvariantCulture, $"the backup made {rates[priority]:N0} MB/s; beside it: no backup")));
        }
        return rows;
    }

    /// <returns>Megabytes of images a second, of the backup that was under way when the time was up as well: beside users one of a gigabyte takes half a minute.</returns>
    private static async Task<double> BackUpUntilAsync(IMessageStore store, BackupPriority priority, CancellationToken stop)
    {
        long bytes = 0;
        var watch = Stopwatch.StartNew();
        try
        {
            while (!stop.IsCancellationRequested)
            {
                var progress = new Latest();
                try
                {
                    File.Delete((await store.BackupAsync(new BackupOptions { Priority = priority }, progress, stop).ConfigureAwait(false)).Path);
                }
                finally
                {
                    bytes += progress.Done;
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The time was up in the middle of one.
        }
        return bytes / 1e6 / watch.Elapsed.TotalSeconds;
    }

    private sealed class Latest : IProgress<RunProgress>
    {
        private long done;

        public long Done => Volatile.Read(ref done);

        public void Report(RunProgress value) => Volatile.Write(ref done, value.Done);
    }

    private static async Task<double> P99Async(BenchArguments arguments, IMessageStore store, int users)
    {
        long end = Stopwatch.GetTimestamp() + (long)(arguments.Seconds * Stopwatch.Frequency);
        byte[] message = BenchGroup.Body(UserMessage);
        List<double>[] waits = await Task.WhenAll(Enumerable.Range(0, users).Select(u => Task.Run(async () =>
        {
            var mine = new List<double>();
            while (Stopwatch.GetTimestamp() < end)
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
        return all[(int)(all.Length * 0.99)];
    }

    /// <summary>Does something and watches how much memory the process takes beyond what it had.</summary>
    internal static async Task<(T Result, long Peak)> WithPeakAsync<T>(Func<Task<T>> work)
    {
        GC.Collect();
        long before = Environment.WorkingSet, peak = before;
        Task<T> task = work();
        while (await Task.WhenAny(task, Task.Delay(MemoryLook)).ConfigureAwait(false) != task) peak = Math.Max(peak, Environment.WorkingSet);
        return (await task.ConfigureAwait(false), peak - before);
    }

    private static TimeSpan Copy(string path)
    {
        string copy = path + ".copy";
        var watch = Stopwatch.StartNew();
        using (Process process = Process.Start("sh", ["-c", "cp \"$1\" \"$2\" && sync \"$2\"", "sh", path, copy])) process.WaitForExit();
        TimeSpan elapsed = watch.Elapsed;
        File.Delete(copy);
        return elapsed;
    }
}
