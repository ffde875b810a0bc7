using System.Diagnostics;
using System.Globalization;
using MessageStore.IO;
using MessageStore.Storage;

namespace MessageStore.Bench;

/// <summary>A backup of a database to a folder of the same disk; beside it, copying the very file with <c>cp</c> and <c>sync</c>.</summary>
internal static class BackupBench
{
    /// <summary>Sizes of messages like those of a mail corpus: most are small, most bytes are in the large ones.</summary>
    private static readonly int[] SizeMix = [1 << 10, 2 << 10, 3 << 10, 4 << 10, 6 << 10, 8 << 10, 12 << 10, 24 << 10, 60 << 10, 400 << 10];

    public static async Task<IReadOnlyList<BenchRow>> RunAsync(BenchArguments arguments)
    {
        var rows = new List<BenchRow>();
        foreach (int messages in arguments.Messages)
        {
            if (Directory.Exists(arguments.Path)) Directory.Delete(arguments.Path, recursive: true);
            await MessageDatabase.CreateAsync(new MessageDatabaseOptions { Path = arguments.Path }).ConfigureAwait(false);
            await using IMessageStore store = await MessageDatabase.OpenAsync(arguments.Path).ConfigureAwait(false);
            StorageGroup group = ((EmbeddedMessageStore)store).Database.Mail.Groups[0];
            foreach (int size in SizeMix) await BenchGroup.FillAsync(group, messages / SizeMix.Length, size).ConfigureAwait(false);
            await store.BackupAsync(new BackupOptions()).ConfigureAwait(false); // the first finds cold code
            var ours = new List<double>();
            var copies = new List<double>();
            var cpu = new List<double>();
            long bytes = 0;
            for (int round = 0; round < arguments.Rounds; round++)
            {
                TimeSpan before = Process.GetCurrentProcess().TotalProcessorTime;
                BackupRun run = await store.BackupAsync(new BackupOptions()).ConfigureAwait(false);
                bytes = run.Bytes;
                cpu.Add((Process.GetCurrentProcess().TotalProcessorTime - before).TotalSeconds / bytes * 1e9);
                ours.Add(bytes / run.Duration.TotalSeconds / 1e6);
                copies.Add(bytes / Copy(run.Path).TotalSeconds / 1e6);
                File.Delete(run.Path);
            }
            rows.Add(new BenchRow(string.Create(CultureInfo.InvariantCulture, $"backup, {bytes / 1e9:N2} GB"), BenchRow.Median(ours), BenchRow.Median(copies), "MB/s",
                string.Create(CultureInfo.InvariantCulture, $"{BenchRow.Median(cpu):N2} s of CPU a GB; beside it: cp and sync")));
        }
        return rows;
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
