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

    private BenchCluster(string folder) => Directory = new FileStorageDirectory(DiskStorage.Instance, Path.Combine(folder, "nodes.json"), TimeProvider.System);

    public IStorageDirectory Directory { get; }

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
            for (int n = 1; n <= count; n++)
            {
                string name = string.Create(CultureInfo.InvariantCulture, $"n{n}");
                var start = new ProcessStartInfo("dotnet", [FindServer(), "node", "--name", name, "--unit", Path.Combine(folder, name), "--create", "--key-file", keyFile, "--directory", Path.Combine(folder, "nodes.json")])
                {
                    RedirectStandardOutput = true,
                };
                Process node = Process.Start(start)!;
                cluster.nodes.Add(node);
                while (await node.StandardOutput.ReadLineAsync().ConfigureAwait(false) is { } line && !line.StartsWith("listening", StringComparison.Ordinal))
                {
                }
            }
            return cluster;
        }
        catch
        {
            cluster.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        foreach (Process node in nodes)
        {
            node.Kill();
            node.WaitForExit();
            node.Dispose();
        }
    }

    private static string FindServer()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            string candidate = Path.Combine(folder.FullName, "src", "MessageStore.Server", "bin", "Release", "net10.0", "messagestored.dll");
            if (File.Exists(candidate)) return candidate;
        }
        throw new FileNotFoundException("messagestored is not built: dotnet build -c Release src/MessageStore.Server");
    }
}
