using System.Diagnostics;

namespace MessageStore.Bench;

/// <summary>What others do with the same messages: Dovecot's <c>altmove</c> from mdbox to its alternative storage, and <c>gzip -1</c>.</summary>
internal static class ArchivePeers
{
    private const string User = "vmail";

    /// <summary>Fills a Dovecot of its own, which listens nowhere. The import is not measured.</summary>
    /// <returns>Messages a second.</returns>
    public static double Altmove(string folder, byte[][] bodies, int messages, int mailboxes, int processes)
    {
        string conf = Configure(folder);
        for (int part = 0; part < processes; part++)
            File.WriteAllLines(Path.Combine(folder, $"users{part}"), Enumerable.Range(0, mailboxes).Where(m => m % processes == part).Select(m => $"m{m}"));
        for (int m = 0; m < mailboxes; m++)
        {
            string home = Directory.CreateDirectory(Path.Combine(folder, "import", $"m{m}")).FullName;
            using var inbox = new FileStream(Path.Combine(home, "inbox"), FileMode.CreateNew);
            for (int i = m; i < messages; i += mailboxes)
            {
                inbox.Write("From joe@example.org Mon Mar  2 10:00:00 2026\n"u8);
                inbox.Write(bodies[i % bodies.Length]);
                inbox.Write("\n"u8);
            }
        }
        Run("chown", ["-R", User, folder]);
        Run("dovecot", ["-c", conf]); // tells doveadm who the users are
        try
        {
            return Move(folder, conf, messages, mailboxes, processes);
        }
        finally
        {
            Run("dovecot", ["-c", conf, "stop"]);
            Directory.Delete(folder, recursive: true);
        }
    }

    private static double Move(string folder, string conf, int messages, int mailboxes, int processes)
    {
        RunAll(Enumerable.Range(0, processes).Select(part => Start("sh", ["-c",
            $"while read u; do doveadm -c '{conf}' -o mail_fsync=never import -u $u 'mbox:{folder}/import/'$u':INBOX={folder}/import/'$u'/inbox' '' all || exit 1; done < '{folder}/users{part}'"])));
        Run("sync", []);
        var watch = Stopwatch.StartNew();
        RunAll(Enumerable.Range(0, processes).Select(part => Start("doveadm", ["-c", conf, "altmove", "-F", Path.Combine(folder, $"users{part}"), "all"])));
        double rate = messages / watch.Elapsed.TotalSeconds;
        int moved = Directory.EnumerateDirectories(Path.Combine(folder, "alt")).Count();
        if (moved < mailboxes) throw new InvalidOperationException($"Dovecot moved mail of {moved} of {mailboxes} users.");
        return rate;
    }

    /// <returns>Megabytes a second that go in.</returns>
    public static double Gzip(string folder, byte[][] bodies, int messages, int processes)
    {
        Directory.CreateDirectory(folder);
        long bytes = 0;
        for (int part = 0; part < processes; part++)
        {
            using var file = new FileStream(Path.Combine(folder, $"part{part}"), FileMode.CreateNew);
            for (int i = part; i < messages; i += processes) file.Write(bodies[i % bodies.Length]);
            bytes += file.Length;
        }
        Run("sync", []);
        var watch = Stopwatch.StartNew();
        RunAll(Enumerable.Range(0, processes).Select(part => Start("gzip", ["-1", "-k", Path.Combine(folder, $"part{part}")])));
        double rate = bytes / watch.Elapsed.TotalSeconds / 1e6;
        Directory.Delete(folder, recursive: true);
        return rate;
    }

    private static string Configure(string folder)
    {
        foreach (string name in (string[])["mail", "alt", "run"]) Directory.CreateDirectory(Path.Combine(folder, name));
        string conf = Path.Combine(folder, "dovecot.conf");
        File.WriteAllText(conf, $$"""
            base_dir = {{folder}}/run
            state_dir = {{folder}}/run
            log_path = {{folder}}/log
            protocols =
            ssl = no
            mail_location = mdbox:{{folder}}/mail/%u:ALT={{folder}}/alt/%u
            mdbox_rotate_size = 64M
            mail_fsync = optimized
            first_valid_uid = 1
            passdb {
              driver = static
              args = nopassword=y
            }
            userdb {
              driver = static
              args = uid={{User}} gid={{User}} home={{folder}}/mail/%u allow_all_users=yes
            }
            namespace inbox {
              inbox = yes
            }
            """);
        return conf;
    }

    private static void Run(string program, string[] arguments) => RunAll([Start(program, arguments)]);

    private static void RunAll(IEnumerable<Process> processes)
    {
        foreach (Process process in processes.ToList())
        {
            process.WaitForExit();
            if (process.ExitCode != 0) throw new InvalidOperationException($"{process.StartInfo.FileName} {string.Join(' ', process.StartInfo.ArgumentList)} ended with {process.ExitCode}.");
            process.Dispose();
        }
    }

    private static Process Start(string program, string[] arguments) => Process.Start(new ProcessStartInfo(program, arguments))!;
}
