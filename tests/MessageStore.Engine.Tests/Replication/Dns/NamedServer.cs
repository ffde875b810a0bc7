using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using MessageStore.IO;
using MessageStore.Replication.Dns;
using MessageStore.Tests.Support;

namespace MessageStore.Tests.Replication.Dns;

/// <summary>A real BIND on loopback with a zone that takes updates signed with a key, all of it in a temporary folder.</summary>
public sealed class NamedServer : IAsyncLifetime, IDisposable
{
    public const string Zone = "storage.test";

    private const string KeyName = "node-key";
    private const int Starts = 5;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);

    private readonly TemporaryFolder folder = new();
    private Process? process;

    public IPEndPoint EndPoint { get; private set; } = new(IPAddress.Loopback, 0);

    public string KeyFile => folder["node.key"];

    /// <summary>A key that the server does not have.</summary>
    public string StrangeKeyFile => folder["strange.key"];

    /// <summary>A key of the name of the server's, with another secret.</summary>
    public string WrongKeyFile => folder["wrong.key"];

    public async Task InitializeAsync()
    {
        if (!ToolFactAttribute.IsThere("named") || !ToolFactAttribute.IsThere("tsig-keygen")) return; // the tests are skipped then
        foreach ((string file, string name) in new[] { (KeyFile, KeyName), (StrangeKeyFile, "strange-key"), (WrongKeyFile, KeyName) })
            await File.WriteAllTextAsync(file, await RunAsync("tsig-keygen", "-a", "hmac-sha256", name));
        await File.WriteAllTextAsync(folder["zone"], $"""
            $TTL 60
            {Zone}. IN SOA ns.{Zone}. admin.{Zone}. 1 3600 600 86400 5
            {Zone}. IN NS ns.{Zone}.
            ns.{Zone}. IN A 127.0.0.1
            alias.{Zone}. IN CNAME real.{Zone}.
            real.{Zone}. IN A 127.0.0.9

            """);
        for (int start = 1; !await StartAsync(); start++)
            if (start == Starts) throw new InvalidOperationException($"named does not start: {await File.ReadAllTextAsync(folder["log"])}");
    }

    public Task DisposeAsync() => StopAsync();

    public void Dispose() => folder.Dispose();

    internal DnsClient Client(string? keyFile, TimeProvider? time = null) => new(
        new DnsClientOptions
        {
            Servers = [EndPoint],
            Key = keyFile is null ? null : TsigKey.Load(DiskStorage.Instance, keyFile),
            Timeout = Patience,
            Attempts = 1,
        },
        time ?? TimeProvider.System);

    /// <summary>Starts it on a port that was free a moment ago.</summary>
    private async Task<bool> StartAsync()
    {
        using (var probe = new TcpListener(IPAddress.Loopback, 0))
        {
            probe.Start();
            EndPoint = (IPEndPoint)probe.LocalEndpoint;
        }
        await File.WriteAllTextAsync(folder["named.conf"], $$"""
            include "{{KeyFile}}";
            controls { };
            options {
                directory "{{folder.Path}}";
                pid-file "{{folder["named.pid"]}}";
                session-keyfile "{{folder["session.key"]}}";
                lock-file none;
                listen-on port {{EndPoint.Port}} { 127.0.0.1; };
                listen-on-v6 { none; };
                recursion no;
                dnssec-validation no;
                notify no;
            };
            zone "{{Zone}}" { type primary; file "{{folder["zone"]}}"; journal "{{folder["zone.jnl"]}}"; allow-update { key "{{KeyName}}"; }; };

            """);
        process = Process.Start(new ProcessStartInfo("named", ["-4", "-f", "-n", "1", "-L", folder["log"], "-c", folder["named.conf"]]) { UseShellExecute = false })!;
        var client = new DnsClient(new DnsClientOptions { Servers = [EndPoint], Timeout = TimeSpan.FromSeconds(1), Attempts = 1 }, TimeProvider.System);
        long start = Stopwatch.GetTimestamp();
        while (!process.HasExited && Stopwatch.GetElapsedTime(start) < Patience)
        {
            try
            {
                if ((await client.QueryAsync(DnsName.Parse("ns." + Zone), DnsType.A)).Count == 1) return true;
            }
            catch (MessageStoreException)
            {
                await Task.Delay(50); // not listening yet
            }
        }
        await StopAsync();
        return false;
    }

    private async Task StopAsync()
    {
        if (process is null) return;
        if (!process.HasExited) process.Kill();
        await process.WaitForExitAsync();
        process.Dispose();
        process = null;
    }

    private static async Task<string> RunAsync(string tool, params string[] arguments)
    {
        using Process run = Process.Start(new ProcessStartInfo(tool, arguments) { RedirectStandardOutput = true })!;
        string text = await run.StandardOutput.ReadToEndAsync();
        await run.WaitForExitAsync();
        Assert.Equal(0, run.ExitCode);
        return text;
    }
}
