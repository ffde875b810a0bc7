using System.Diagnostics;
using System.Globalization;

namespace MessageStore.Bench;

/// <summary>
/// Mail coming in by LMTP, from Postfix's <c>smtp-source</c>: four programs of two sessions each. With <c>--peer</c>, in turn with ours, a Dovecot that already listens at 127.0.0.1:10024
/// and takes mail for u1@example.com to u4@example.com.
/// </summary>
internal static class LmtpBench
{
    private const int Programs = 4;
    private const int SessionsEach = 2;
    private const int PeerPort = 10024;

    public static async Task<IReadOnlyList<BenchRow>> RunAsync(BenchArguments arguments)
    {
        string database = Path.Combine(Directory.CreateDirectory(arguments.Path).FullName, $"lmtp-{Environment.ProcessId}");
        await MessageDatabase.CreateAsync(new MessageDatabaseOptions { Path = database }).ConfigureAwait(false);
        int port = BenchServer.FreePort();
        try
        {
            await using BenchServer started = await BenchServer.StartAsync(database, port, $"Listen:Lmtp=127.0.0.1:{port}", "Recipients:Unknown=Create").ConfigureAwait(false);
            Process server = started.Process;
            var rows = new List<BenchRow>();
            foreach (int size in arguments.Sizes)
            {
                int each = Math.Max(SessionsEach, arguments.Messages[0] / Programs);
                var ours = new List<double>();
                var peer = new List<double>();
                TimeSpan before = server.TotalProcessorTime;
                for (int round = 0; round < arguments.Rounds; round++)
                {
                    ours.Add(await LoadAsync(port, each, size).ConfigureAwait(false));
                    if (arguments.Peer && BenchServer.Answers(PeerPort)) peer.Add(await LoadAsync(PeerPort, each, size).ConfigureAwait(false));
                }
                server.Refresh();
                double microseconds = (server.TotalProcessorTime - before).TotalMicroseconds / (each * Programs * arguments.Rounds);
                string note = string.Create(CultureInfo.InvariantCulture, $"{microseconds:N0} µs of processor a message in the server{(!arguments.Peer ? "" : peer.Count > 0 ? "; beside it: Dovecot" : $"; no Dovecot at port {PeerPort}")}");
                rows.Add(new BenchRow(string.Create(CultureInfo.InvariantCulture, $"lmtp {size} B, {Programs} x {SessionsEach} sessions"), BenchRow.Median(ours), peer.Count > 0 ? BenchRow.Median(peer) : null, "messages/s", note));
            }
            return rows;
        }
        finally
        {
            Directory.Delete(database, recursive: true);
        }
    }

    /// <returns>Messages a second, from the start of the programs to the end of the last.</returns>
    private static async Task<double> LoadAsync(int port, int each, int size)
    {
        var watch = Stopwatch.StartNew();
        List<Process> programs = [];
        for (int i = 1; i <= Programs; i++)
        {
            programs.Add(Process.Start("smtp-source",
            [
                "-L", "-s", SessionsEach.ToString(CultureInfo.InvariantCulture), "-m", each.ToString(CultureInfo.InvariantCulture), "-l", size.ToString(CultureInfo.InvariantCulture),
                "-f", "s@example.com", "-t", $"u{i}@example.com", $"127.0.0.1:{port}",
            ]));
        }
        foreach (Process program in programs)
        {
            await program.WaitForExitAsync().ConfigureAwait(false);
            if (program.ExitCode != 0) throw new InvalidOperationException($"smtp-source ended with {program.ExitCode}.");
            program.Dispose();
        }
        return each * Programs / watch.Elapsed.TotalSeconds;
    }
}
