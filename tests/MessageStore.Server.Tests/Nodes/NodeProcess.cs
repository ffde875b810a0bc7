using System.Diagnostics;

namespace MessageStore.Server.Tests.Nodes;

/// <summary>A storage node as a process of its own, to be killed, stopped and started.</summary>
internal sealed class NodeProcess : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);

    private readonly string name;
    private readonly string root;
    private Process? process;

    public NodeProcess(string name, string root)
    {
        this.name = name;
        this.root = root;
    }

    public bool IsRunning => process is { HasExited: false };

    public string Unit => Path.Combine(root, name, "disk1");

    /// <summary>Starts the node and waits until it listens.</summary>
    public async Task StartAsync()
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (string argument in (string[])[typeof(Server.Nodes.NodeServer).Assembly.Location, "node", "--name", name, "--unit", Unit, "--create",
            "--key-file", Path.Combine(root, "key"), "--directory", Path.Combine(root, "nodes.json")])
            start.ArgumentList.Add(argument);
        process = Process.Start(start)!;
        process.ErrorDataReceived += (_, line) => Errors += line.Data + "\n";
        process.BeginErrorReadLine();
        using var patience = new CancellationTokenSource(Patience);
        while (await process.StandardOutput.ReadLineAsync(patience.Token) is { } line)
            if (line.StartsWith("listening at ", StringComparison.Ordinal)) return;
        throw new InvalidOperationException($"Node {name} ended with {process.ExitCode}: {Errors}");
    }

    /// <summary>What it said on its error stream.</summary>
    public string Errors { get; private set; } = "";

    /// <summary>SIGKILL: the process is gone in the middle of whatever it did.</summary>
    public async Task KillAsync()
    {
        if (!IsRunning) return;
        process!.Kill();
        await process.WaitForExitAsync();
        process.Dispose();
        process = null;
    }

    /// <summary>SIGTERM: the node ends in order.</summary>
    public async Task StopAsync()
    {
        if (!IsRunning) return;
        await SignalAsync("TERM");
        using var patience = new CancellationTokenSource(Patience);
        await process!.WaitForExitAsync(patience.Token);
        process.Dispose();
        process = null;
    }

    /// <summary>SIGSTOP or SIGCONT: the process hangs with its connections open, or goes on.</summary>
    public async Task SignalAsync(string signal)
    {
        if (!IsRunning) return;
        using Process kill = Process.Start("kill", [$"-{signal}", $"{process!.Id}"]);
        await kill.WaitForExitAsync();
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
