using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace MessageStore.Bench;

/// <summary>
/// PostgreSQL 15 in a folder of its own beside the bench's, as it comes but for <c>shared_buffers</c> and <c>max_connections</c>: clients that insert incompressible rows by a
/// prepared statement, each waiting for its commit (<c>synchronous_commit = on</c>).
/// </summary>
internal static partial class PostgresPeer
{
    private const string Programs = "/usr/lib/postgresql/15/bin";
    private const string Settings = "-c listen_addresses= -c synchronous_commit=on -c fsync=on -c shared_buffers=512MB -c max_wal_size=4GB -c max_connections=300";

    /// <summary>A server refuses to run as root.</summary>
    private const string Unprivileged = "nobody";

    /// <returns>Rows a second, the median of the rounds; <see langword="null"/> where PostgreSQL 15 is not installed.</returns>
    /// <param name="standby">Whether each commit waits until a second server, on the same disk, has flushed it too.</param>
    public static Task<double?> MeasureAsync(BenchArguments arguments, int clients, int size, bool standby = false) => WithServerAsync<double?>(arguments, async folder =>
    {
        if (!standby) return await InsertAsync(arguments, folder, clients, size).ConfigureAwait(false);
        await StartStandbyAsync(folder).ConfigureAwait(false);
        try
        {
            return await InsertAsync(arguments, folder, clients, size).ConfigureAwait(false);
        }
        finally
        {
            await ServerAsync(folder, "pg_ctl", "-D", $"{folder}/standby", "-m", "immediate", "-w", "stop").ConfigureAwait(false);
        }
    });

    /// <summary>Does something with a server whose socket is in a folder.</summary>
    private static async Task<T?> WithServerAsync<T>(BenchArguments arguments, Func<string, Task<T>> work)
    {
        if (!File.Exists(Path.Combine(Programs, "initdb"))) return default;
        string folder = Path.Combine(Path.GetDirectoryName(Path.GetFullPath(arguments.Path))!, $"messagestore-postgres-{Environment.ProcessId}");
        Directory.CreateDirectory(folder);
        try
        {
            if (Environment.IsPrivilegedProcess) await RunAsync("chown", Unprivileged, folder).ConfigureAwait(false);
            await ServerAsync(folder, "initdb", "-D", $"{folder}/data", "-A", "trust", "-U", "bench", "-E", "UTF8", "--locale=C").ConfigureAwait(false);
            await ServerAsync(folder, "pg_ctl", "-D", $"{folder}/data", "-w", "-l", $"{folder}/log", "-o", $"{Settings} -k {folder}", "start").ConfigureAwait(false);
            try
            {
                return await work(folder).ConfigureAwait(false);
            }
            finally
            {
                await ServerAsync(folder, "pg_ctl", "-D", $"{folder}/data", "-m", "fast", "-w", "stop").ConfigureAwait(false);
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>A synchronous standby by streaming replication over the first server's socket.</summary>
    private static async Task StartStandbyAsync(string folder)
    {
        await ServerAsync(folder, "pg_basebackup", "-h", folder, "-U", "bench", "-D", $"{folder}/standby", "-R", "-X", "stream").ConfigureAwait(false);
        await ServerAsync(folder, "pg_ctl", "-D", $"{folder}/standby", "-w", "-l", $"{folder}/standby.log", "-o", $"{Settings} -p 5433 -k {folder}", "start").ConfigureAwait(false);
        await ServerAsync(folder, "psql", "-h", folder, "-U", "bench", "-d", "postgres",
            "-c", "ALTER SYSTEM SET synchronous_standby_names = '*'", "-c", "SELECT pg_reload_conf()").ConfigureAwait(false);
    }

    private static async Task<double> InsertAsync(BenchArguments arguments, string folder, int clients, int size)
    {
        string[] connection = ["-h", folder, "-U", "bench"];
        await ServerAsync(folder, "psql", [.. connection, "-d", "postgres",
            "-c", "CREATE TABLE mail (id bigserial PRIMARY KEY, body bytea NOT NULL)", "-c", "ALTER TABLE mail ALTER COLUMN body SET STORAGE EXTERNAL"]).ConfigureAwait(false);
        string script = Path.Combine(folder, "insert.sql");
        await File.WriteAllTextAsync(script, $"INSERT INTO mail (body) VALUES ('\\x{Convert.ToHexStringLower(BenchGroup.Body(size))}');\n").ConfigureAwait(false);
        var rates = new List<double>();
        for (int round = 0; round < arguments.Rounds; round++)
        {
            string output = await ServerAsync(folder, "pgbench",
                [.. connection, "-n", "-M", "prepared", "-c", Text(clients), "-j", "2", "-T", Text((int)Math.Ceiling(arguments.Seconds)), "-f", script, "postgres"]).ConfigureAwait(false);
            rates.Add(double.Parse(Rate().Match(output).Groups[1].Value, CultureInfo.InvariantCulture));
        }
        return BenchRow.Median(rates);
    }

    private static Task<string> ServerAsync(string folder, string program, params string[] arguments)
    {
        string path = Path.Combine(Programs, program);
        return Environment.IsPrivilegedProcess
            ? RunAsync("runuser", ["-u", Unprivileged, "--", "env", "-C", folder, path, .. arguments])
            : RunAsync(path, arguments);
    }

    private static async Task<string> RunAsync(string program, params string[] arguments)
    {
        // The server inherits the streams and outlives pg_ctl: only what is read to its end may be redirected.
        bool starts = arguments[^1] == "start";
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = !starts, RedirectStandardError = !starts };
        if (starts) start.ArgumentList.Insert(start.ArgumentList.Count - 1, "-s");
        using Process process = Process.Start(start)!;
        Task<string> errors = starts ? Task.FromResult("") : process.StandardError.ReadToEndAsync();
        string output = starts ? "" : await process.StandardOutput.ReadToEndAsync().ConfigureAwait(false);
        await process.WaitForExitAsync().ConfigureAwait(false);
        if (process.ExitCode != 0) throw new InvalidOperationException($"{program} {string.Join(' ', arguments)}: {await errors.ConfigureAwait(false)}");
        return output;
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    [GeneratedRegex(@"tps = ([0-9.]+)")]
    private static partial Regex Rate();
}
