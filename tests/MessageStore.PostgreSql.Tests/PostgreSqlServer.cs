using System.Diagnostics;
using MessageStore.Tests.Support;

namespace MessageStore.Tests.PostgreSql;

/// <summary>A real PostgreSQL server in a temporary folder, reached by a socket in it: no port of the machine is taken.</summary>
public sealed class PostgreSqlServer : IAsyncLifetime, IDisposable
{
    private const string Role = "keys";

    /// <summary>PostgreSQL refuses to run as root.</summary>
    private const string Unprivileged = "nobody";

    private static readonly string? Programs = Find();

    private readonly TemporaryFolder folder = new();

    /// <summary>Why the tests cannot run here; <see langword="null"/> where they can.</summary>
    public static string? Missing =>
        Programs is null ? "PostgreSQL's server programs (initdb, pg_ctl) are not installed."
        : Environment.IsPrivilegedProcess && !ToolFactAttribute.IsThere("runuser") ? "runuser is not on the PATH, and PostgreSQL does not run as root." : null;

    public async Task InitializeAsync()
    {
        if (Missing is not null) return; // the tests are skipped then
        if (Environment.IsPrivilegedProcess) await RunAsync("chown", Unprivileged, folder.Path);
        await ServerAsync("initdb", "-D", folder["data"], "-A", "trust", "-U", Role, "-E", "UTF8", "--locale=C");
        await StartAsync();
    }

    public async Task DisposeAsync()
    {
        if (Missing is null) await StopAsync();
    }

    public void Dispose() => folder.Dispose();

    /// <summary>Writes a file with the way to a database of this server, as an administrator would.</summary>
    /// <param name="database">Name of the database.</param>
    /// <param name="more">Further settings.</param>
    public string ConnectionFile(string database = "postgres", string more = "")
    {
        string path = folder[$"{Guid.NewGuid():N}.connection"];
        File.WriteAllText(path, $"# the key manager\nHost={folder.Path};Username={Role};Database={database};{more}\n");
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        return path;
    }

    public Task StartAsync() => ServerAsync("pg_ctl", "-D", folder["data"], "-w", "-t", "120", "-s", "-l", folder["log"], "-o", $"-c listen_addresses= -k {folder.Path}", "start");

    /// <summary>Ends the server as a loss of power would: nothing is written any more, connections are cut.</summary>
    public Task StopAsync() => ServerAsync("pg_ctl", "-D", folder["data"], "-w", "-t", "120", "-s", "-m", "immediate", "stop");

    /// <summary>Lets the server carry out SQL.</summary>
    /// <returns>What it answers, rows a line, columns separated by <c>|</c>.</returns>
    public Task<string> SqlAsync(string statement, string database = "postgres") =>
        ServerAsync("psql", "-h", folder.Path, "-U", Role, "-d", database, "-v", "ON_ERROR_STOP=1", "-Atqc", statement);

    private Task<string> ServerAsync(string program, params string[] arguments)
    {
        string path = Path.Combine(Programs!, program);
        return Environment.IsPrivilegedProcess
            ? RunAsync("runuser", ["-u", Unprivileged, "--", "env", "-C", folder.Path, path, .. arguments])
            : RunAsync(path, arguments);
    }

    private static async Task<string> RunAsync(string program, params string[] arguments)
    {
        // The server inherits the streams and outlives pg_ctl: only what is read to its end may be redirected.
        bool starts = arguments[^1] == "start";
        using Process process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = !starts, RedirectStandardError = !starts })!;
        Task<string> errors = starts ? Task.FromResult("see the server's log") : process.StandardError.ReadToEndAsync();
        string output = starts ? "" : await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return process.ExitCode == 0 ? output.TrimEnd() : throw new InvalidOperationException($"{program} {string.Join(' ', arguments)} ended with {process.ExitCode}: {await errors}");
    }

    /// <summary>Debian keeps the programs off the PATH, by version.</summary>
    private static string? Find()
    {
        IEnumerable<string> places = Directory.Exists("/usr/lib/postgresql") ? Directory.GetDirectories("/usr/lib/postgresql").OrderDescending().Select(d => Path.Combine(d, "bin")) : [];
        return places.Concat((Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator))
            .FirstOrDefault(p => ((string[])["initdb", "pg_ctl", "psql"]).All(t => File.Exists(Path.Combine(p, t))));
    }
}
