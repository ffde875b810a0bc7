using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using MessageStore.Archiving;
using MessageStore.IO;
using MessageStore.Messages;
using MessageStore.Tests.Facade;
using MessageStore.Tests.Support;

namespace MessageStore.Tests.Archiving;

/// <summary>Archive files are read by programs that know nothing of us.</summary>
public sealed class ArchiveToolsTests : IDisposable
{
    private const int Count = 40;
    private readonly string folder = Directory.CreateTempSubdirectory("archive-tools").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [ToolFact("zcat")]
    public void Zcat_unpacks_a_file_of_all_levels_and_sizes_to_the_same_mbox()
    {
        (string path, byte[] mbox, _) = MakeFile();
        Assert.Equal(Convert.ToHexString(SHA256.HashData(mbox)), Convert.ToHexString(SHA256.HashData(Run("zcat", [path]))));
    }

    [ToolFact("python3")]
    public void Pythons_mailbox_module_reads_the_same_messages()
    {
        const string Script = """
            import gzip, hashlib, mailbox, re, sys
            path = sys.argv[1] + '.mbox'
            open(path, 'wb').write(gzip.open(sys.argv[1]).read())
            box = mailbox.mbox(path)
            for key in box.keys():
                raw = box.get_bytes(key)
                print(hashlib.sha256(re.sub(rb'(?m)^>(>*From )', rb'\1', raw)).hexdigest())
            """;
        (string path, _, List<byte[]> bodies) = MakeFile();
        string[] digests = Encoding.ASCII.GetString(Run("python3", ["-c", Script, path])).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(bodies.Select(b => Convert.ToHexStringLower(SHA256.HashData(b))), digests);
    }

    [ToolFact("zcat")]
    public async Task Zcat_stops_in_a_damaged_file_and_reads_the_mended_one_to_its_end()
    {
        using StoreFixture fixture = await StoreFixture.CreateAsync();
        await using IMessageStore store = await fixture.OpenAsync();
        for (int i = 0; i < Count; i++) await fixture.AppendAsync(store, i);
        await store.ArchiveAsync(new ArchiveOptions());
        ArchiveKey key = (await store.ListKeysAsync((await store.ListAsync(new MessageQuery()).ToListAsync())[Count / 2].Id).ToListAsync())[0];
        string path = Path.Combine(key.Unit, key.Volume);
        int before = From(Run("zcat", [path]));
        using (var file = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite))
        {
            file.Position = key.Offset; // the gzip magic itself: nothing behind it is reached
            file.Write([0, 0]);
        }

        byte[] stopped = Run("zcat", [path], out int exitCode, out _);
        Assert.True(exitCode != 0 && From(stopped) < Count, $"zcat ends with {exitCode} after {From(stopped)} messages");
        DatabaseTest test = await store.TestAsync(new DatabaseTestOptions { Repair = true });

        Assert.Equal(DatabaseTestResult.Repaired, test.Result);
        string mended = Assert.Single(Directory.GetFiles(Path.GetDirectoryName(path)!, "*" + ArchivePaths.Suffix));
        Assert.Equal((Count, Count), (before, From(Run("zcat", [mended]))));
        Run("zcat", [Assert.Single(Directory.GetFiles(Path.GetDirectoryName(path)!, "*.damaged-*"))], out int stillDamaged, out _);
        Assert.NotEqual(0, stillDamaged);
        await fixture.AssertAllThereAsync(store);

        static int From(byte[] mbox) => Encoding.Latin1.GetString(mbox).Split('\n').Count(l => l.StartsWith("From ", StringComparison.Ordinal));
    }

    /// <summary>mutt opens the archive file as it lies, tags all messages, copies them to an mbox and quits; it wants a terminal, which <c>script</c> gives it.</summary>
    [ToolFact("mutt", "script", "gzip")]
    public void Mutt_opens_the_file_as_it_lies_and_shows_every_message()
    {
        (string path, _, List<byte[]> bodies) = MakeFile();
        string copy = Path.Combine(folder, "copied.mbox"), settings = Path.Combine(folder, "muttrc");
        File.WriteAllText(settings, $"""
            set folder={folder}
            set sort=mailbox-order mbox_type=mbox quit=yes copy=yes delete=no
            unset confirmappend confirmcreate resolve wait_key beep mark_old
            open-hook \\.gz$ "gzip -cd '%f' > '%t'"
            push "<tag-pattern>~A<enter><tag-prefix><copy-message>{copy}<enter><quit>"

            """);
        var start = new ProcessStartInfo("script", ["-qec", $"mutt -n -R -F '{settings}' -f '{path}'", "/dev/null"])
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, Environment = { ["HOME"] = folder, ["TERM"] = "xterm" },
        };
        using (Process process = Process.Start(start)!)
        {
            Task<string> screen = process.StandardOutput.ReadToEndAsync();
            if (!process.WaitForExit(TimeSpan.FromMinutes(4)))
            {
                process.Kill(entireProcessTree: true);
                Assert.Fail($"mutt waits for somebody: {screen.Result}");
            }
            Assert.True(process.ExitCode == 0 && File.Exists(copy), screen.Result);
        }
        string[] subjects = [.. File.ReadLines(copy).Where(l => l.StartsWith("Subject: ", StringComparison.Ordinal))];
        Assert.Equal(bodies.Select(b => Encoding.ASCII.GetString(b, 0, b.AsSpan().IndexOf((byte)'\n'))), subjects);
        // What begins with From in a message is quoted, so nothing is taken for a message that is none.
        Assert.Equal(bodies.Count, File.ReadLines(copy).Count(l => l.StartsWith("From ", StringComparison.Ordinal)));
    }

    /// <summary>Well-formed messages: LF lines that end with one, as Python's mailbox expects of an mbox.</summary>
    private (string Path, byte[] Mbox, List<byte[]> Bodies) MakeFile()
    {
        string path = Path.Combine(folder, "2026-07.mbox.gz");
        var bodies = new List<byte[]>();
        var mbox = new MemoryStream();
        var plain = new MboxWriter(mbox);
        var random = new Random(23);
        using var file = new FileStream(path, FileMode.CreateNew);
        foreach (ArchiveCompression level in Enum.GetValues<ArchiveCompression>())
        {
            using var writer = new ArchiveRecordWriter(level, DiskStorage.Instance, folder);
            using var batch = new ArchiveBatch(writer);
            for (int i = 0; i < Count; i++)
            {
                var text = new StringBuilder($"Subject: message {i}\nFrom: a@example.org\n\n");
                int lines = i % 20 == 0 ? 40_000 : random.Next(60);
                for (int line = 0; line < lines; line++) text.Append(line % 9 == 0 ? ">>From the top\n" : line % 7 == 0 ? "From here\n" : $"line {random.Next()} of many\n");
                byte[] body = Encoding.ASCII.GetBytes(text.ToString());
                bodies.Add(body);
                ArchiveEntry entry = ArchiveSamples.Entry(body, i);
                plain.Write(body, entry.Sender, entry.ReceivedDate);
                batch.Add(i % 20 == 0 ? ArchiveSamples.LargeEntry(body, i) : entry);
            }
            batch.CopyTo(block => file.Write(block.Span));
        }
        return (path, mbox.ToArray(), bodies);
    }

    private static byte[] Run(string program, string[] arguments)
    {
        byte[] output = Run(program, arguments, out int exitCode, out string errors);
        Assert.True(exitCode == 0, errors);
        Assert.Equal("", errors);
        return output;
    }

    private static byte[] Run(string program, string[] arguments, out int exitCode, out string errors)
    {
        var start = new ProcessStartInfo(program) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (string argument in arguments) start.ArgumentList.Add(argument);
        using Process process = Process.Start(start)!;
        process.StandardInput.Close();
        Task<string> complaints = process.StandardError.ReadToEndAsync();
        var output = new MemoryStream();
        process.StandardOutput.BaseStream.CopyTo(output);
        process.WaitForExit();
        (exitCode, errors) = (process.ExitCode, complaints.Result);
        return output.ToArray();
    }
}
