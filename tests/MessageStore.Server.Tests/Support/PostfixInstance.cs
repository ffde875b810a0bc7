using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace MessageStore.Server.Tests.Support;

/// <summary>
/// Debian's Postfix with a configuration, a queue and a port of its own: takes mail for example.org by SMTP and delivers it by LMTP. Nothing of the machine's own Postfix is read or touched.
/// </summary>
internal sealed class PostfixInstance : IAsyncDisposable
{
    public const string DaemonFolder = "/usr/lib/postfix/sbin";

    /// <summary>A guard against hanging, no measure of speed.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);

    private static readonly string[] Services =
    [
        "cleanup unix n - n - 0 cleanup", "qmgr unix n - n 300 1 qmgr", "rewrite unix - - n - - trivial-rewrite", "bounce unix - - n - 0 bounce", "defer unix - - n - 0 bounce",
        "trace unix - - n - 0 bounce", "verify unix - - n - 1 verify", "flush unix n - n 1000? 0 flush", "error unix - - n - - error", "retry unix - - n - - error", "discard unix - - n - - discard",
        "lmtp unix - - n - - lmtp", "anvil unix - - n - 1 anvil", "scache unix - - n - 1 scache", "proxymap unix - - n - - proxymap", "tlsmgr unix - - n 1000? 1 tlsmgr", "pickup unix n - n 60 1 pickup",
        "postlog unix-dgram n - n - 1 postlogd",
    ];

    private readonly TemporaryFolder folder = new();

    /// <summary>Where it takes mail.</summary>
    public int Port { get; private set; }

    private string Configuration => folder["etc"];

    private string LogPath => folder["mail.log"];

    /// <param name="lmtp">Where it delivers.</param>
    public static async Task<PostfixInstance> StartAsync(IPEndPoint lmtp)
    {
        var postfix = new PostfixInstance();
        await RunAsync("chmod", "755", postfix.folder.Path); // its daemons run as another user
        foreach (string name in (string[])["etc", "queue", "data"]) Directory.CreateDirectory(postfix.folder[name]);
        await RunAsync("chown", "postfix", postfix.folder["data"]);
        postfix.Port = FreePort();
        await File.WriteAllTextAsync(Path.Combine(postfix.Configuration, "main.cf"), $"""
            compatibility_level = 3.6
            queue_directory = {postfix.folder["queue"]}
            data_directory = {postfix.folder["data"]}
            command_directory = /usr/sbin
            daemon_directory = {DaemonFolder}
            mail_owner = postfix
            setgid_group = postdrop
            maillog_file = {postfix.LogPath}
            maillog_file_prefixes = {postfix.folder.Path}
            myhostname = relay.example.org
            mydestination =
            local_recipient_maps =
            alias_maps =
            alias_database =
            inet_interfaces = 127.0.0.1
            inet_protocols = ipv4
            mynetworks = 127.0.0.0/8
            smtpd_relay_restrictions = permit_mynetworks, reject
            smtpd_peername_lookup = no
            virtual_mailbox_domains = example.org
            virtual_mailbox_maps =
            virtual_transport = lmtp:inet:{lmtp}
            lmtp_dns_support_level = disabled
            default_transport = discard:
            enable_long_queue_ids = yes
            queue_run_delay = 1s
            minimal_backoff_time = 1s
            maximal_backoff_time = 2s

            """.Replace("            ", "", StringComparison.Ordinal));
        string[] master = [string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{postfix.Port} inet n - n - - smtpd"), .. Services];
        await File.WriteAllLinesAsync(Path.Combine(postfix.Configuration, "master.cf"), master);
        try
        {
            await RunAsync("postfix", "-c", postfix.Configuration, "start");
            return postfix;
        }
        catch
        {
            postfix.folder.Dispose();
            throw;
        }
    }

    /// <summary>What it logged so far.</summary>
    public Task<string> LogAsync() => File.ReadAllTextAsync(LogPath);

    /// <summary>Brings so many messages by SMTP, in several sessions; all are accepted when this returns. Their Message-Ids differ, and come again with the next process of the same number.</summary>
    public Task SendAsync(int count, int sessions, int bytes, string recipient, string subject = "mail") => RunAsync("smtp-source", "-S", subject, "-s", Number(sessions), "-m", Number(count), "-l", Number(bytes), "-f", "x@example.net", "-t", recipient, $"127.0.0.1:{Port}");

    /// <summary>Waits until everything that it accepted has been delivered or given up, by its own log: a message on its way from one queue to the other may be in none of those that one looks at.</summary>
    /// <param name="accepted">How many messages it accepted since it was started.</param>
    /// <returns>What it said of those that it gave up; empty where it delivered all.</returns>
    public async Task<IReadOnlyList<string>> DrainAsync(int accepted, CancellationToken cancellationToken)
    {
        while (true)
        {
            int delivered = 0;
            var bounced = new List<string>();
            foreach (string line in File.ReadLines(LogPath))
            {
                if (line.Contains("status=sent", StringComparison.Ordinal) && line.Contains("/lmtp[", StringComparison.Ordinal)) delivered++;
                else if (line.Contains("status=bounced", StringComparison.Ordinal) || line.Contains("status=expired", StringComparison.Ordinal)) bounced.Add(line);
            }
            if (delivered + bounced.Count >= accepted) return bounced;
            await Task.Delay(500, cancellationToken);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await RunAsync("postfix", "-c", Configuration, "stop");
        folder.Dispose();
    }

    /// <summary>Runs a program to its end.</summary>
    public static async Task RunAsync(string program, params string[] arguments)
    {
        // Nothing is read from it: Postfix' daemon would keep a pipe open for as long as it runs.
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardInput = true };
        using Process process = Process.Start(start)!;
        process.StandardInput.Close();
        using var patience = new CancellationTokenSource(Patience);
        try
        {
            await process.WaitForExitAsync(patience.Token);
        }
        finally
        {
            if (!process.HasExited) process.Kill(entireProcessTree: true);
        }
        if (process.ExitCode != 0) throw new InvalidOperationException($"{program} {string.Join(' ', arguments)} ended with {process.ExitCode}.");
    }

    /// <summary>A port that was free a moment ago. Postfix cannot be told to choose one.</summary>
    public static int FreePort()
    {
        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        return ((IPEndPoint)probe.LocalEndpoint).Port;
    }

    private static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);
}
