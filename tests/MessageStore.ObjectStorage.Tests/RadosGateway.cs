using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Amazon.Runtime;
using Amazon.S3;
using MessageStore.Tests.Support;

namespace MessageStore.Tests.ObjectStorage;

/// <summary>A real S3 server: Ceph's radosgw on loopback, over one monitor and one storage daemon that keeps everything in memory, all of it in a temporary folder.</summary>
public sealed class RadosGateway : IAsyncLifetime, IDisposable
{
    public const string AccessKey = "gatewayaccess";
    public const string SecretKey = "gatewaysecret0123456789";
    public const string Bucket = "mail-archive";

    public static readonly string[] Tools = ["ceph", "ceph-mon", "ceph-osd", "ceph-authtool", "monmaptool", "radosgw", "radosgw-admin"];

    private const int Starts = 3;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);

    private readonly TemporaryFolder folder = new();
    private readonly List<Process> daemons = [];
    private string configuration = "";

    public string Endpoint { get; private set; } = "";

    public async Task InitializeAsync()
    {
        if (!Tools.All(ToolFactAttribute.IsThere)) return; // the tests are skipped then
        for (int start = 1; !await StartAsync(start); start++)
        {
            await StopAsync();
            if (start == Starts) throw new InvalidOperationException($"radosgw does not start; its log: {ReadLogs()}");
        }
        using AmazonS3Client client = new(AccessKey, SecretKey, new AmazonS3Config { ServiceURL = Endpoint, ForcePathStyle = true, AuthenticationRegion = "us-east-1" });
        await client.PutBucketAsync(Bucket);
    }

    public Task DisposeAsync() => StopAsync();

    public void Dispose() => folder.Dispose();

    private async Task<bool> StartAsync(int start)
    {
        string root = folder[$"ceph{start}"];
        foreach (string name in (string[])["mon", "osd", "run", "log", "rgw"]) Directory.CreateDirectory(Path.Combine(root, name));
        (int monitor, int gateway) = FreePorts();
        (string cluster, string osd) = (Guid.NewGuid().ToString(), Guid.NewGuid().ToString());
        string keyring = Path.Combine(root, "keyring");
        configuration = Path.Combine(root, "ceph.conf");
        Endpoint = $"http://127.0.0.1:{gateway}";
        await File.WriteAllTextAsync(configuration, $"""
            [global]
            fsid = {cluster}
            mon_host = [v2:127.0.0.1:{monitor}]
            keyring = {keyring}
            run_dir = {root}/run
            admin_socket = {root}/run/$name.asok
            pid_file = {root}/run/$name.pid
            log_file = {root}/log/$name.log
            crash_dir = {root}/run
            mon_data = {root}/mon/mon.a
            osd_data = {root}/osd
            rgw_data = {root}/rgw
            public_addr = 127.0.0.1
            osd_pool_default_size = 1
            osd_pool_default_min_size = 1
            osd_pool_default_pg_num = 1
            osd_pool_default_pgp_num = 1
            osd_pool_default_pg_autoscale_mode = off
            rgw_rados_pool_pg_num_min = 1
            mon_allow_pool_size_one = true
            osd_crush_chooseleaf_type = 0
            osd_objectstore = memstore
            osd_class_load_list = *
            osd_class_default_list = *
            rgw_frontends = beast endpoint=127.0.0.1:{gateway}

            """);
        await RunAsync("ceph-authtool", "--create-keyring", keyring, "--gen-key", "-n", "mon.", "--cap", "mon", "allow *");
        await RunAsync("ceph-authtool", keyring, "--gen-key", "-n", "client.admin", "--cap", "mon", "allow *", "--cap", "osd", "allow *");
        await RunAsync("ceph-authtool", keyring, "--gen-key", "-n", "osd.0", "--cap", "mon", "allow *", "--cap", "osd", "allow *");
        string map = Path.Combine(root, "monmap");
        await RunAsync("monmaptool", "--create", "--addv", "a", $"[v2:127.0.0.1:{monitor}]", "--fsid", cluster, map);
        await RunAsync("ceph-mon", "--no-mon-config", "-c", configuration, "-i", "a", "--mkfs", "--monmap", map, "--keyring", keyring);
        StartDaemon("ceph-mon", "-i", "a");
        await RunAsync("ceph", "-c", configuration, "--connect-timeout", "60", "osd", "new", osd);
        await RunAsync("ceph", "-c", configuration, "auth", "import", "-i", keyring);
        await RunAsync("ceph-osd", "--no-mon-config", "-c", configuration, "-i", "0", "--mkfs", "--osd-uuid", osd);
        StartDaemon("ceph-osd", "-i", "0");
        if (!await UntilAsync(async () => (await RunAsync("ceph", "-c", configuration, "osd", "stat")).Contains("1 up", StringComparison.Ordinal))) return false;
        await RunAsync("radosgw-admin", "--no-mon-config", "-c", configuration, "-n", "client.admin", "user", "create", "--uid=test", "--display-name=test", $"--access-key={AccessKey}", $"--secret-key={SecretKey}");
        StartDaemon("radosgw", "-n", "client.admin");
        using var client = new HttpClient();
        return await UntilAsync(async () => (await client.GetAsync(Endpoint)).IsSuccessStatusCode);
    }

    private void StartDaemon(string tool, params string[] arguments) =>
        daemons.Add(Process.Start(new ProcessStartInfo(tool, [.. arguments, "-f", "--no-mon-config", "-c", configuration]) { UseShellExecute = false })!);

    private async Task StopAsync()
    {
        foreach (Process daemon in daemons)
        {
            if (!daemon.HasExited) daemon.Kill();
            await daemon.WaitForExitAsync();
            daemon.Dispose();
        }
        daemons.Clear();
    }

    /// <summary>Asks again until the answer is yes, a daemon has ended, or patience has.</summary>
    private async Task<bool> UntilAsync(Func<Task<bool>> ask)
    {
        long start = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(start) < Patience && !daemons.Any(d => d.HasExited))
        {
            try
            {
                if (await ask()) return true;
            }
            catch (HttpRequestException)
            {
                // Not listening yet.
            }
            await Task.Delay(200);
        }
        return false;
    }

    private static async Task<string> RunAsync(string tool, params string[] arguments)
    {
        using Process run = Process.Start(new ProcessStartInfo(tool, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        Task<string> errors = run.StandardError.ReadToEndAsync();
        string text = await run.StandardOutput.ReadToEndAsync();
        using var timer = new CancellationTokenSource(Patience);
        await run.WaitForExitAsync(timer.Token);
        return run.ExitCode == 0 ? text : throw new InvalidOperationException($"{tool} {string.Join(' ', arguments)} ended with {run.ExitCode}: {await errors}");
    }

    private static (int, int) FreePorts()
    {
        using var one = new TcpListener(IPAddress.Loopback, 0);
        using var two = new TcpListener(IPAddress.Loopback, 0);
        one.Start();
        two.Start();
        return (((IPEndPoint)one.LocalEndpoint).Port, ((IPEndPoint)two.LocalEndpoint).Port);
    }

    private string ReadLogs() => string.Join('\n', Directory.EnumerateFiles(folder.Path, "*.log", SearchOption.AllDirectories).SelectMany(f => File.ReadLines(f).TakeLast(10)));
}
