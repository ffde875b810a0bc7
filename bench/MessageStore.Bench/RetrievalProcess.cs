using System.Diagnostics;

namespace MessageStore.Bench;

/// <summary><c>messagestored serve</c> as a process of its own, found by the address that it tells.</summary>
internal sealed class RetrievalProcess : IDisposable
{
    private readonly Process process;

    private RetrievalProcess(Process process, string url)
    {
        this.process = process;
        Url = url;
    }

    public string Url { get; }

    /// <summary>Starts it and waits for the line that tells an address.</summary>
    public static async Task<RetrievalProcess> StartAsync(string database, IEnumerable<string> arguments, string announces)
    {
        Process process = Process.Start(new ProcessStartInfo("dotnet", [BenchCluster.FindServer(), "serve", "--database", database, .. arguments]) { RedirectStandardOutput = true })!;
        while (await process.StandardOutput.ReadLineAsync().ConfigureAwait(false) is { } line)
            if (line.StartsWith(announces, StringComparison.Ordinal)) return new RetrievalProcess(process, line[announces.Length..]);
        throw new InvalidOperationException($"The server ended with {process.ExitCode}.");
    }

    public void Dispose()
    {
        process.Kill();
        process.WaitForExit();
        process.Dispose();
    }
}
