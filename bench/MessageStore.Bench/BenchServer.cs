using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace MessageStore.Bench;

/// <summary>The server as a process of its own, from <c>lib/server</c>.</summary>
internal sealed class BenchServer : IAsyncDisposable
{
    private static readonly TimeSpan StartTime = TimeSpan.FromMinutes(2);

    private bool isDisposed;

    private BenchServer(Process process) => Process = process;

    public Process Process { get; }

    /// <summary>Starts it for a database and waits until it answers at a port.</summary>
    public static async Task<BenchServer> StartAsync(string database, int port, params string[] settings)
    {
        BenchServer server = Start(database, settings.SelectMany(static s => (string[])["--set", s]));
        server.Drain();
        for (var watch = Stopwatch.StartNew(); !Answers(port); await Task.Delay(50).ConfigureAwait(false))
            if (server.Process.HasExited || watch.Elapsed > StartTime) throw new InvalidOperationException("The server does not answer.");
        return server;
    }

    /// <summary>Starts it for a database and waits for the line that tells an address.</summary>
    /// <param name="announces">How that line begins.</param>
    public static async Task<(BenchServer Server, string Url)> StartAsync(string database, IEnumerable<string> arguments, string announces)
    {
        BenchServer server = Start(database, arguments);
        while (await server.Process.StandardOutput.ReadLineAsync().ConfigureAwait(false) is { } line)
        {
            if (!line.StartsWith(announces, StringComparison.Ordinal)) continue;
            server.Drain();
            return (server, line[announces.Length..]);
        }
        throw new InvalidOperationException("The server does not start.");
    }

    public async ValueTask DisposeAsync()
    {
        if (isDisposed) return;
        isDisposed = true;
        if (!Process.HasExited) Process.Kill();
        await Process.WaitForExitAsync().ConfigureAwait(false);
        Process.Dispose();
    }

    public static bool Answers(int port)
    {
        try
        {
            using var client = new TcpClient();
            client.Connect(IPAddress.Loopback, port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    public static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private static BenchServer Start(string database, IEnumerable<string> arguments) =>
        new(Process.Start(new ProcessStartInfo("dotnet", [Program(), "serve", "--database", database, .. arguments]) { RedirectStandardOutput = true })!);

    /// <summary>A server whose output nobody takes stands still once the pipe is full.</summary>
    private void Drain() => _ = Process.StandardOutput.BaseStream.CopyToAsync(Stream.Null);

    private static string Program()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            string program = Path.Combine(folder.FullName, "lib", "server", "messagestored.dll");
            if (File.Exists(program)) return program;
        }
        throw new FileNotFoundException("There is no lib/server/messagestored.dll: build the solution first.");
    }
}
