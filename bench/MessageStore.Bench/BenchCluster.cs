using System.Diagnostics;
using System.Globalization;
using MessageStore.IO;
using MessageStore.Replication;

namespace MessageStore.Bench;

/// <summary>Storage nodes as processes of their own on loopback, with one unit each.</summary>
internal sealed class BenchCluster : IDisposable
{
    public const string Key = "0123456789abcdef0123456789abcdef";

    private readonly List<Process> nodes = [];
    private readonly string folder;

    private BenchCluster(string folder)
    {
        this.folder = folder;
        Directory = new FileStorageDirectory(DiskStorage.Instance, Path.Combine(folder, "nodes.json"), TimeProvider.System);
    }

    public IStorageDirectory Directory { get; }

    /// <summary>Processor time of the nodes that run.</summary>
    public TimeSpan ProcessorTime
    {
        get
        {
            foreach (Process node in nodes) node.Refresh();
            return TimeSpan.FromTicks(nodes.Sum(n => n.TotalProcessorTime.Ticks));
        }
    }

    public static async Task<BenchCluster> StartAsync(string folder, int count)
    {
        folder = Path.GetFullPath(folder);
        if (System.IO.Directory.Exists(folder)) System.IO.Directory.Delete(folder, recursive: true);
        System.IO.Directory.CreateDirectory(folder);
        string keyFile = Path.Combine(folder, "key");
        await File.WriteAllTextAsync(keyFile, Key).ConfigureAwait(false);
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(keyFile, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        var cluster = new BenchCluster(folder);
        try
        {
            for (int n = 0; n < count; n++) cluster.nodes.Add(await cluster.StartNodeAsync(n).ConfigureAwait(false));
            return cluster;
        }
        catch
        {
            cluster.Dispose();
            throw;
        }
    }

    /// <summary>Exchanges a node's disk for an empty one.</summary>
    public async Task LoseDiskAsync(int node)
    {
        nodes[node].Kill();
        await nodes[node].WaitForExitAsync().ConfigureAwait(false);
        nodes[node].Dispose();
        System.IO.Directory.Delete(Path.Combine(folder, NameOf(node)), recursive: true);
        nodes[node] = await StartNodeAsync(node).ConfigureAwait(false);
    }

    private async Task<Process> StartNodeAsync(int number)
    {
        string name = NameOf(number);
        var start = new ProcessStartInfo("dotnet", [FindServer(), "node", "--name", name, "--unit", Path.Combine(folder, name), "--create", "--key-file", Path.Combine(folder, "key"), "--directory", Path.Combine(folder, "nodes.json")])
        {
            RedirectStandardOutput = true,
        };
        Process node = Process.Start(start)!;
        while (await node.StandardOutput.ReadLineAsync().ConfigureAwait(false) is { } line && !line.StartsWith("listening", StringComparison.Ordinal))
        {
        }
        return node;
    }

    private static string NameOf(int number) => string.Create(CultureInfo.InvariantCulture, $"n{number + 1}");

    public void Dispose()
    {
        foreach (Process node in nodes)
        {
            node.Kill();
            node.WaitForExit();
            node.Dispose();
        }
    }

    /// <summary>The server of this build.</summary>
    public static string FindServer()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            string candidate = Path.Combine(folder.FullName, "src", "MessageStore.Server", "bin", "Release", "net10.0", "messagestored.dll");
            if (File.Exists(candidate)) return candidate;
        }
        throw new FileNotFoundException("messagestored is not built: dotnet build -c Release src/MessageStore.Server");
    }
}
