using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using MessageStore.Storage;
using Microsoft.Win32.SafeHandles;

namespace MessageStore.Bench;

/// <summary>
/// Opening after a crash. One process fills a group and kills itself in the worst moment, when the next checkpoint is all but due; another opens it,
/// with nothing in the system's cache, and says how long that took and how much memory it has had.
/// </summary>
internal static partial class OpenBench
{
    public const string ChildCommand = "open-child";

    private const int BodyBytes = 400;

    public static async Task<IReadOnlyList<BenchRow>> RunAsync(BenchArguments arguments)
    {
        var rows = new List<BenchRow>();
        foreach (int messages in arguments.Messages)
        {
            foreach (string kind in (string[])["appends", "flags"])
            {
                await ChildAsync("fill", arguments.Path, messages, kind).ConfigureAwait(false);
                var times = new List<double>();
                var memory = new List<double>();
                double replayed = 0, heap = 0;
                for (int round = 0; round < arguments.Rounds; round++)
                {
                    foreach (string file in Directory.EnumerateFiles(arguments.Path, "*", SearchOption.AllDirectories)) ForgetPages(file);
                    double[] found = [.. (await ChildAsync("open", arguments.Path, messages, kind).ConfigureAwait(false)).Split(' ').Select(n => double.Parse(n, CultureInfo.InvariantCulture))];
                    times.Add(found[0]);
                    memory.Add(found[1]);
                    (heap, replayed) = (found[2], found[3]);
                }
                string name = string.Create(CultureInfo.InvariantCulture, $"open {messages:N0}, log of {kind}");
                rows.Add(new BenchRow(name, BenchRow.Median(times), null, "ms", string.Create(CultureInfo.InvariantCulture, $"{replayed:N0} transactions replayed")));
                rows.Add(new BenchRow(name + ", memory", BenchRow.Median(memory), null, "MB", string.Create(CultureInfo.InvariantCulture, $"peak of the process; {heap:N0} MB of it managed at the end")));
            }
        }
        return rows;
    }

    /// <summary>The other process: <c>open-child fill|open PATH MESSAGES KIND</c>.</summary>
    public static async Task<int> RunChildAsync(string[] args)
    {
        string path = args[2];
        if (args[1] == "fill")
        {
            await FillAsync(path, int.Parse(args[3], CultureInfo.InvariantCulture), args[4] == "flags").ConfigureAwait(false);
            Die();
        }
        var watch = Stopwatch.StartNew();
        StorageGroup group = BenchGroup.Open(path);
        double milliseconds = watch.Elapsed.TotalMilliseconds;
        double peak = PeakMegabytes();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{milliseconds} {peak} {GC.GetTotalMemory(forceFullCollection: true) / 1e6} {group.ReplayedTransactions}"));
        // As it was found, for the next round: no clean close, no checkpoint.
        Die();
        return 0;
    }

    private static void Die()
    {
        using var self = Process.GetCurrentProcess();
        self.Kill();
        Thread.Sleep(Timeout.Infinite);
    }

    private static async Task FillAsync(string path, int messages, bool flags)
    {
        StorageGroup group = BenchGroup.Create(path);
        Guid[] ids = await BenchGroup.FillAsync(group, messages, BodyBytes).ConfigureAwait(false);
        group.Checkpoint(CancellationToken.None);
        long snapshot = new DirectoryInfo(BenchGroup.Store(path)).EnumerateFiles("*.idx").Max(f => f.Length);
        long due = Math.Max(new GroupOptions().CheckpointLogBytes, snapshot * 2);
        ulong checkpoint = group.GetStatus().CheckpointLsn;
        long before = group.GetStatus().LogBytes;
        while (group.GetStatus() is { } status && status.CheckpointLsn == checkpoint && status.LogBytes - before < due * 0.93)
        {
            if (flags) await BenchGroup.FlagAsync(group, ids, 20_000).ConfigureAwait(false);
            else await BenchGroup.FillAsync(group, 5_000, BodyBytes).ConfigureAwait(false);
        }
    }

    private static async Task<string> ChildAsync(string what, string path, int messages, string kind)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardOutput = true, RedirectStandardError = true };
        if (Path.GetFileNameWithoutExtension(start.FileName) == "dotnet") start.ArgumentList.Add(typeof(OpenBench).Assembly.Location);
        foreach (string argument in (string[])[ChildCommand, what, path, messages.ToString(CultureInfo.InvariantCulture), kind]) start.ArgumentList.Add(argument);
        using Process child = Process.Start(start)!;
        Task<string> errors = child.StandardError.ReadToEndAsync();
        string output = await child.StandardOutput.ReadToEndAsync().ConfigureAwait(false);
        await child.WaitForExitAsync().ConfigureAwait(false);
        if (what == "open" && output.Length == 0) throw new InvalidOperationException(await errors.ConfigureAwait(false));
        return output.Trim();
    }

    private static double PeakMegabytes()
    {
        using var self = Process.GetCurrentProcess();
        return self.PeakWorkingSet64 / 1e6;
    }

    /// <summary>What a crash of the machine would do to the cache, for one file.</summary>
    private static void ForgetPages(string path)
    {
        if (!OperatingSystem.IsLinux()) return;
        using SafeFileHandle file = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        RandomAccess.FlushToDisk(file); // dirty pages cannot be forgotten
        _ = Advise(file, 0, 0, DontNeed);
    }

    private const int DontNeed = 4;

    [LibraryImport("libc", EntryPoint = "posix_fadvise")]
    private static partial int Advise(SafeFileHandle file, long offset, long length, int advice);
}
