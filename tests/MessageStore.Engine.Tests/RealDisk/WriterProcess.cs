using System.Diagnostics;
using System.Globalization;
using MessageStore.Writer;

namespace MessageStore.Tests.RealDisk;

/// <summary>A writer in a process of its own (tests/MessageStore.Writer), which can be killed as no in-process test can.</summary>
internal sealed class WriterProcess : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly Process process;
    private readonly Task<string> errors;

    private WriterProcess(Process process)
    {
        this.process = process;
        errors = process.StandardError.ReadToEndAsync();
    }

    /// <param name="wrapper">A program that starts the writer, such as strace, with its arguments.</param>
    public static WriterProcess Start(string database, string journal, WriterMode mode, int seed, int writers = 8, int count = 0, params string[] wrapper)
    {
        string[] command =
        [
            .. wrapper, "dotnet", Path.Combine(AppContext.BaseDirectory, "MessageStore.Writer.dll"), database, journal, mode.ToString(),
            seed.ToString(CultureInfo.InvariantCulture), writers.ToString(CultureInfo.InvariantCulture), count.ToString(CultureInfo.InvariantCulture),
        ];
        var start = new ProcessStartInfo(command[0], command[1..]) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        // Compiled once and not again better: a life is too short for the second compilation to pay, and the machine is shared.
        start.Environment["DOTNET_TieredPGO"] = "0";
        return new WriterProcess(Process.Start(start)!);
    }

    /// <summary>Ends once the database is open and the writers begin.</summary>
    public async Task WaitUntilReadyAsync()
    {
        string? line = await process.StandardOutput.ReadLineAsync().WaitAsync(Patience);
        Assert.True(line == "ready", line is null ? await errors : line);
    }

    /// <summary>Ends once the journal says that a backup is complete.</summary>
    public async Task WaitForBackupAsync(string journal)
    {
        var watch = Stopwatch.StartNew();
        while (!AckJournal.Read(journal).Any(words => words[0] == "B"))
        {
            Assert.False(process.HasExited, $"The writer has ended before its backup was complete: {File.ReadLines(journal).LastOrDefault()}");
            Assert.True(watch.Elapsed < Patience, "No backup came to its end.");
            await Task.Delay(20);
        }
    }

    /// <summary>SIGKILL: no handler runs, no buffer is written.</summary>
    /// <returns>Whether the process was alive until then.</returns>
    public async Task<bool> KillAsync()
    {
        process.Kill();
        await process.WaitForExitAsync().WaitAsync(Patience);
        return process.ExitCode != 0;
    }

    /// <summary>Waits for a writer that ends by itself.</summary>
    public async Task<(int ExitCode, string Errors)> WaitForEndAsync()
    {
        await process.WaitForExitAsync().WaitAsync(Patience);
        return (process.ExitCode, await errors);
    }

    public void Dispose()
    {
        if (!process.HasExited) process.Kill(entireProcessTree: true);
        process.Dispose();
    }
}
