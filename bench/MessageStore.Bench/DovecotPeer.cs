using System.Diagnostics;

namespace MessageStore.Bench;

/// <summary><c>doveadm backup</c> of one mailbox from mdbox to mdbox, without a running Dovecot.</summary>
internal static class DovecotPeer
{
    private const string Program = "doveadm";

    /// <summary>Dovecot keeps no mail for root.</summary>
    private const string Unprivileged = "nobody";

    /// <returns>Seconds, the median of the rounds, and the bytes of the copy; none where Dovecot is not installed.</returns>
    public static async Task<(double Seconds, double Bytes)?> BackUpAsync(BenchArguments arguments, int messages, int[] sizes)
    {
        if (!(Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Any(f => File.Exists(Path.Combine(f, Program)))) return null;
        string folder = Path.Combine(Path.GetDirectoryName(Path.GetFullPath(arguments.Path))!, $"messagestore-dovecot-{Environment.ProcessId}");
        string mail = Path.Combine(folder, "maildir", "cur");
        Directory.CreateDirectory(mail);
        try
        {
            var bodies = new MailText(1);
            for (int i = 0; i < messages; i++)
            {
                byte[] head = "From: a@example.com\r\nTo: b@example.com\r\nSubject: bench\r\n\r\n"u8.ToArray(), body = bodies.Next(sizes[i % sizes.Length]);
                await File.WriteAllBytesAsync(Path.Combine(mail, $"{1_600_000_000 + i}.M{i}.bench:2,S"), [.. head, .. body]).ConfigureAwait(false);
            }
            await File.WriteAllTextAsync(Path.Combine(folder, "dovecot.conf"), $"base_dir = {folder}/run\nlog_path = {folder}/log\nmail_location = maildir:{folder}/maildir\nstats_writer_socket_path =\nssl = no\nmail_fsync = always\nnamespace inbox {{\n  inbox = yes\n  separator = /\n}}\n").ConfigureAwait(false);
            if (Environment.IsPrivilegedProcess) await RunAsync("chown", "-R", Unprivileged, folder).ConfigureAwait(false);
            await DoveadmAsync(folder, "backup", $"mdbox:{folder}/source").ConfigureAwait(false);
            Directory.Delete(Path.Combine(folder, "maildir"), recursive: true);
            var seconds = new List<double>();
            double bytes = 0;
            for (int round = 0; round < arguments.Rounds; round++)
            {
                string copy = Path.Combine(folder, "copy");
                var watch = Stopwatch.StartNew();
                await DoveadmAsync(folder, "-o", $"mail_location=mdbox:{folder}/source", "backup", $"mdbox:{copy}").ConfigureAwait(false);
                seconds.Add(watch.Elapsed.TotalSeconds);
                bytes = new DirectoryInfo(copy).EnumerateFiles("*", SearchOption.AllDirectories).Sum(f => (double)f.Length);
                Directory.Delete(copy, recursive: true);
            }
            return (BenchRow.Median(seconds), bytes);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static Task DoveadmAsync(string folder, params string[] arguments)
    {
        string[] line = [Program, "-c", $"{folder}/dovecot.conf", .. arguments];
        string[] home = ["env", "-C", folder, $"HOME={folder}", $"USER={Unprivileged}"];
        return Environment.IsPrivilegedProcess ? RunAsync("runuser", ["-u", Unprivileged, "--", .. home, .. line]) : RunAsync(home[0], [.. home[1..], .. line]);
    }

    private static async Task RunAsync(string program, params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
        string errors = await process.StandardError.ReadToEndAsync().ConfigureAwait(false);
        await process.WaitForExitAsync().ConfigureAwait(false);
        if (process.ExitCode != 0) throw new InvalidOperationException($"{program} {string.Join(' ', arguments)}: {errors}");
    }
}
