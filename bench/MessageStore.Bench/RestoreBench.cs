using System.Diagnostics;
using System.Globalization;
using MessageStore.Messages;
using MessageStore.Storage;

namespace MessageStore.Bench;

/// <summary>
/// How long until everyone has mail again: a backup restored to a new place, opened, and a message of each group read; beside it, the very file copied with <c>cp</c> and <c>sync</c> on the
/// same disk. Both begin with a file that is not in the page cache. A restore verifies every byte; <c>cp</c> verifies none. Of several sizes, the line through them says what 250 GB take.
/// </summary>
internal static class RestoreBench
{
    /// <summary>The size whose recovery time is asked for (design §11).</summary>
    private const double WantedGigabytes = 250;

    private const int LogMessage = 4096;

    /// <summary>Messages in the log behind the backup: enough that replaying them takes a while.</summary>
    private const int LogMessages = 200_000;

    /// <summary>Messages of a restore that is not counted.</summary>
    private const int WarmUp = 1000;

    private static readonly string[] Groups = ["SG1", "SG2"];

    public static Task<IReadOnlyList<BenchRow>> RunAsync(BenchArguments arguments) => EachSizeAsync(arguments, "restore", MeasureRestoreAsync);

    public static Task<IReadOnlyList<BenchRow>> RunDrillsAsync(BenchArguments arguments) => EachSizeAsync(arguments, "drill", MeasureDrillAsync);

    private static async Task<IReadOnlyList<BenchRow>> EachSizeAsync(BenchArguments arguments, string name, Func<BenchArguments, BackupRun, string, Task<Measured>> measure)
    {
        var rows = new List<BenchRow>();
        var line = new List<(double Gigabytes, double Seconds)>();
        (BackupRun small, string smallLogs) = await PrepareAsync(arguments, WarmUp).ConfigureAwait(false);
        await measure(arguments, small, smallLogs).ConfigureAwait(false); // the first finds cold code
        foreach (int messages in arguments.Messages)
        {
            (BackupRun backup, string logs) = await PrepareAsync(arguments, messages).ConfigureAwait(false);
            var rounds = new List<Measured>();
            var copies = new List<double>();
            for (int round = 0; round < arguments.Rounds; round++)
            {
                await EvictAsync(backup.Path).ConfigureAwait(false);
                rounds.Add(await measure(arguments, backup, logs).ConfigureAwait(false));
                await EvictAsync(backup.Path).ConfigureAwait(false);
                copies.Add(await CopyAsync(backup.Path).ConfigureAwait(false));
            }
            double gigabytes = backup.Bytes / 1e9, seconds = BenchRow.Median(rounds.Select(r => r.Seconds)), copy = BenchRow.Median(copies);
            line.Add((gigabytes, seconds));
            rows.Add(new BenchRow(string.Create(CultureInfo.InvariantCulture, $"{name}, {gigabytes:N2} GB"), gigabytes * 1000 / seconds, gigabytes * 1000 / copy, "MB/s",
                string.Create(CultureInfo.InvariantCulture, $"{seconds / 60:N2} min for {backup.Messages:N0} messages, {BenchRow.Median(rounds.Select(r => r.CpuSeconds)) / gigabytes:N2} s of CPU a GB, "
                    + $"{BenchRow.Median(rounds.Select(r => r.PeakBytes)) / 1e6:N0} MB at most; beside it: cp and sync, {copy / 60:N2} min")));
            List<Measured> withLogs = [.. rounds.Where(r => r.LogBytes > 0)];
            if (withLogs.Count == 0) continue;
            double longer = BenchRow.Median(withLogs.Select(r => r.SecondsWithLogs)) - seconds;
            rows.Add(new BenchRow("  with the log that survived", BenchRow.Median(withLogs.Select(r => r.SecondsWithLogs)), seconds, "s",
                string.Create(CultureInfo.InvariantCulture, $"{withLogs[0].LogBytes / 1e6:N0} MB of log, {withLogs[0].LogTransactions:N0} transactions, copied and replayed{(longer > 0 ? $" at {withLogs[0].LogBytes / longer / 1e6:N0} MB/s" : "")}; beside it: without")));
        }
        if (line.Count > 1) rows.Add(Extrapolate(name, line));
        return rows;
    }

    /// <summary>The least-squares line through what was measured, at 250 GB.</summary>
    private static BenchRow Extrapolate(string name, List<(double Gigabytes, double Seconds)> line)
    {
        double x = line.Average(p => p.Gigabytes), y = line.Average(p => p.Seconds);
        double slope = line.Sum(p => (p.Gigabytes - x) * (p.Seconds - y)) / line.Sum(p => (p.Gigabytes - x) * (p.Gigabytes - x));
        double start = y - slope * x;
        return new BenchRow(string.Create(CultureInfo.InvariantCulture, $"{name}, {WantedGigabytes:N0} GB by that line"), (start + slope * WantedGigabytes) / 60, null, "min",
            string.Create(CultureInfo.InvariantCulture, $"{start:N2} s and {slope:N2} s a GB, from {line.Count} sizes: an extrapolation"));
    }

    /// <summary>A database of two groups with a mix of sizes, a full backup of it, and a log that goes on behind it. The database is closed.</summary>
    private static async Task<(BackupRun Backup, string Logs)> PrepareAsync(BenchArguments arguments, int messages)
    {
        if (Directory.Exists(arguments.Path)) Directory.Delete(arguments.Path, recursive: true);
        Directory.CreateDirectory(arguments.Path);
        string path = Path.Combine(arguments.Path, "live");
        await MessageDatabase.CreateAsync(new MessageDatabaseOptions { Path = path, StorageGroups = Groups, BackupPath = Path.Combine(arguments.Path, "backups") }).ConfigureAwait(false);
        await using IMessageStore store = await MessageDatabase.OpenAsync(path).ConfigureAwait(false);
        IReadOnlyList<StorageGroup> groups = ((EmbeddedMessageStore)store).Database.Mail.Groups;
        foreach (int size in BackupBench.SizeMix)
            foreach (StorageGroup group in groups) await BenchGroup.FillAsync(group, messages / BackupBench.SizeMix.Length / groups.Count, size, prefix: group.Name).ConfigureAwait(false);
        BackupRun backup = await store.BackupAsync(new BackupOptions { Priority = BackupPriority.Backup }).ConfigureAwait(false);
        foreach (StorageGroup group in groups) await BenchGroup.FillAsync(group, Math.Min(LogMessages, 4 * messages) / groups.Count, LogMessage, prefix: group.Name).ConfigureAwait(false);
        return (backup, (await store.GetStatusAsync().ConfigureAwait(false)).LogPath);
    }

    private static async Task<Measured> MeasureRestoreAsync(BenchArguments arguments, BackupRun backup, string logs)
    {
        string target = Path.Combine(arguments.Path, "again");
        Measured plain = await RestoreAsync(new RestoreOptions { BackupPath = backup.Path, Destination = target }, backup.Messages).ConfigureAwait(false);
        long logBytes = Directory.EnumerateFiles(logs, "*", SearchOption.AllDirectories).Sum(f => new FileInfo(f).Length);
        await EvictAsync(backup.Path).ConfigureAwait(false);
        foreach (string log in Directory.EnumerateFiles(logs, "*", SearchOption.AllDirectories)) await EvictAsync(log).ConfigureAwait(false);
        Measured more = await RestoreAsync(new RestoreOptions { BackupPath = backup.Path, Destination = target, LogPath = logs }, backup.Messages + 1).ConfigureAwait(false);
        return plain with { LogBytes = logBytes, SecondsWithLogs = more.Seconds, LogTransactions = more.LogTransactions };
    }

    /// <summary>From the command to a database that has served a message of each group.</summary>
    private static async Task<Measured> RestoreAsync(RestoreOptions options, long leastMessages)
    {
        var watch = Stopwatch.StartNew();
        TimeSpan cpu = Environment.CpuUsage.TotalTime;
        (RestoreRun run, long peak) = await BackupBench.WithPeakAsync(() => MessageDatabase.RestoreAsync(options)).ConfigureAwait(false);
        await using (IMessageStore store = await MessageDatabase.OpenAsync(options.Destination).ConfigureAwait(false))
        {
            foreach (string group in Groups)
            {
                string mailbox = (await store.ListMailboxesAsync().FirstAsync(m => m.StorageGroup == group).ConfigureAwait(false)).Name;
                StoredMessage message = await store.ListAsync(new MessageQuery { Mailbox = mailbox }).FirstAsync().ConfigureAwait(false);
                await using Stream body = await store.OpenReadAsync(message.Id).ConfigureAwait(false);
                await body.CopyToAsync(Stream.Null).ConfigureAwait(false);
            }
        }
        double seconds = watch.Elapsed.TotalSeconds;
        Directory.Delete(options.Destination, recursive: true);
        if (run.Messages < leastMessages) throw new InvalidOperationException($"{run.Messages} messages came back of {leastMessages}.");
        return new Measured(seconds, (Environment.CpuUsage.TotalTime - cpu).TotalSeconds, peak) { LogTransactions = run.ReplayedTransactions };
    }

    private static async Task<Measured> MeasureDrillAsync(BenchArguments arguments, BackupRun backup, string logs)
    {
        var watch = Stopwatch.StartNew();
        TimeSpan cpu = Environment.CpuUsage.TotalTime;
        var options = new DrillOptions { Path = backup.Path, ScratchPath = arguments.Path };
        (BackupDrill drill, long peak) = await BackupBench.WithPeakAsync(() => MessageDatabase.TestBackupAsync(options)).ConfigureAwait(false);
        if (drill.Result != DrillResult.Verified) throw new InvalidOperationException($"The drill says {drill.Result}: {drill.Reason}");
        return new Measured(watch.Elapsed.TotalSeconds, (Environment.CpuUsage.TotalTime - cpu).TotalSeconds, peak);
    }

    private static async Task<double> CopyAsync(string path)
    {
        string copy = path + ".copy";
        var watch = Stopwatch.StartNew();
        await ShellAsync("cp \"$1\" \"$1.copy\" && sync \"$1.copy\"", path).ConfigureAwait(false);
        double seconds = watch.Elapsed.TotalSeconds;
        File.Delete(copy);
        return seconds;
    }

    /// <summary>Writes what is dirty and takes a file out of the page cache, as it is when a database is lost days after its backup.</summary>
    private static Task EvictAsync(string path) => ShellAsync("sync; dd if=\"$1\" iflag=nocache count=0 2>/dev/null", path);

    private static async Task ShellAsync(string command, string path)
    {
        using Process process = Process.Start("sh", ["-c", command, "sh", path]);
        await process.WaitForExitAsync().ConfigureAwait(false);
        if (process.ExitCode != 0) throw new InvalidOperationException($"'{command}' ended with {process.ExitCode} for {path}.");
    }

    private sealed record Measured(double Seconds, double CpuSeconds, double PeakBytes)
    {
        public long LogBytes { get; init; }
        public double SecondsWithLogs { get; init; }
        public long LogTransactions { get; init; }
    }
}
