using System.Diagnostics;
using MessageStore.Remote;

namespace MessageStore.Server.Tests.Soak;

/// <summary>The server as a process of its own, to be killed and started again.</summary>
internal sealed class ServerProcess(string database, params string[] settings) : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);

    private Process? process;

    /// <summary>Where it is started; <see langword="null"/> for where the tests are.</summary>
    public string? WorkingDirectory { get; init; }

    /// <summary>Variables of the environment beyond those of the tests.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>();

    /// <summary>Starts it and waits until it answers.</summary>
    /// <returns>How long that took: recovery included.</returns>
    public async Task<TimeSpan> StartAsync()
    {
        var watch = Stopwatch.StartNew();
        string[] arguments = [typeof(Server.Serving.MessageServer).Assembly.Location, "serve", "--database", database, "--log", Path.Combine(database, "server.log"), .. settings.SelectMany(static s => (string[])["--set", s])];
        var start = new ProcessStartInfo("dotnet", arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, WorkingDirectory = WorkingDirectory };
        foreach ((string name, string value) in Environment) start.Environment[name] = value;
        process = Process.Start(start)!;
        process.OutputDataReceived += static (_, _) => { };
        process.BeginOutputReadLine();
        while (watch.Elapsed < Patience && !process.HasExited)
        {
            ServerStatus status = await MessageServerControl.GetAsync(database);
            if (status.State == ServerState.Running && status.ProcessId == process.Id) return watch.Elapsed;
            await Task.Delay(10);
        }
        throw new InvalidOperationException($"The server did not start: {await File.ReadAllTextAsync(Path.Combine(database, "server.log"))}");
    }

    /// <summary>SIGKILL: it is gone in the middle of whatever it did.</summary>
    public async Task KillAsync()
    {
        process!.Kill();
        await process.WaitForExitAsync();
        process.Dispose();
        process = null;
    }

    /// <summary>SIGTERM: it ends in order.</summary>
    /// <returns>How long that took, and its exit code.</returns>
    public async Task<(TimeSpan Time, int Code)> StopAsync()
    {
        var watch = Stopwatch.StartNew();
        using (Process kill = Process.Start("kill", ["-TERM", $"{process!.Id}"])) await kill.WaitForExitAsync();
        using var patience = new CancellationTokenSource(Patience);
        await process.WaitForExitAsync(patience.Token);
        int code = process.ExitCode;
        process.Dispose();
        process = null;
        return (watch.Elapsed, code);
    }

    public void Dispose()
    {
        if (process is null) return;
        if (!process.HasExited)
        {
            process.Kill();
            process.WaitForExit();
        }
        process.Dispose();
    }
}
