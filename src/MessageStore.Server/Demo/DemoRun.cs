using System.Diagnostics;
using System.Globalization;
using MessageStore.Messages;

namespace MessageStore.Server.Demo;

/// <summary>
/// The whole story on a database of its own: create, import, archive what is old, back up while users go on, prove the backup, lose the store, restore with the
/// logs that survived, compare every digest.
/// </summary>
internal sealed class DemoRun : IAsyncDisposable
{
    public const int FewestMessages = 100;

    private const int Mailboxes = 20;
    private const int ArchivedSample = 500;
    private static readonly TimeSpan Span = TimeSpan.FromDays(730);
    private static readonly TimeSpan Old = TimeSpan.FromDays(365);
    private static readonly TimeSpan QuietLoad = TimeSpan.FromSeconds(3);

    private readonly int messages;
    private readonly int seed;
    private readonly string root;
    private readonly bool keep;
    private readonly TextWriter output;
    private readonly DigestBook book = new();
    private readonly List<string> table = [];

    public DemoRun(int messages, int seed, string? path, TextWriter output)
    {
        this.messages = messages;
        this.seed = seed;
        this.output = output;
        keep = path is not null;
        root = path ?? Path.Combine(Path.GetTempPath(), $"messagestore-demo-{Guid.NewGuid():n}");
        if (keep && Directory.Exists(root) && Directory.EnumerateFileSystemEntries(root).Any())
            throw new MessageStoreException(ErrorIds.DestinationNotEmpty, ErrorKind.AlreadyExists, $"{root} is not empty. Name a new folder for the demo.", root);
    }

    private string DatabasePath => Path.Combine(root, "database");

    /// <returns>0 where every digest is the same at the end, 1 otherwise.</returns>
    public async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        long differences = 0;
        Directory.CreateDirectory(root);
        DatabaseStatus created = await MessageDatabase.CreateAsync(new MessageDatabaseOptions { Path = DatabasePath, StorageGroups = ["SG1", "SG2"] }, cancellationToken).ConfigureAwait(false);
        string backup;
        IMessageStore store = await MessageDatabase.OpenAsync(DatabasePath, cancellationToken).ConfigureAwait(false);
        await using (store.ConfigureAwait(false))
        {
            await ImportAsync(store, cancellationToken).ConfigureAwait(false);
            await ArchiveAsync(store, cancellationToken).ConfigureAwait(false);
            double quiet = await LoadForAsync(store, QuietLoad, cancellationToken).ConfigureAwait(false);
            (backup, double busy) = await BackUpAsync(store, cancellationToken).ConfigureAwait(false);
            Row("users' p99", $"{quiet:N2} ms without, {busy:N2} ms with the backup running");
            differences += await ReadArchivedAsync(store, cancellationToken).ConfigureAwait(false);
            await LoadForAsync(store, TimeSpan.FromSeconds(1), cancellationToken).ConfigureAwait(false); // what only the logs have
        }
        differences += await DrillAsync(backup, cancellationToken).ConfigureAwait(false);

        Say("The SSD is lost: deleting the store folder.");
        Directory.Delete(created.StorePath, recursive: true);
        string restored = Path.Combine(root, "restored");
        RestoreRun run = await MessageDatabase.RestoreAsync(new RestoreOptions { BackupPath = backup, Destination = restored, LogPath = created.LogPath }, null, cancellationToken).ConfigureAwait(false);
        Row("restore", $"{run.Messages:N0} messages, {run.ReplayedTransactions:N0} transactions replayed in {run.Duration.TotalSeconds:N2} s = {Rate(run.Bytes, run.Duration)}");
        foreach (string warning in run.Warnings) Row("warning", warning);

        IMessageStore again = await MessageDatabase.OpenAsync(restored, cancellationToken).ConfigureAwait(false);
        await using (again.ConfigureAwait(false))
        {
            var watch = Stopwatch.StartNew();
            differences += await book.CompareAsync(again, cancellationToken).ConfigureAwait(false);
            Row("compare", $"{book.Count:N0} digests in {watch.Elapsed.TotalSeconds:N2} s");
        }
        using var self = Process.GetCurrentProcess();
        Row("memory", $"{self.PeakWorkingSet64 / 1e6:N0} MB at its peak");
        await output.WriteLineAsync().ConfigureAwait(false);
        foreach (string line in table) await output.WriteLineAsync(line).ConfigureAwait(false);
        await output.WriteLineAsync($"{differences} differences").ConfigureAwait(false);
        return differences == 0 ? 0 : 1;
    }

    public ValueTask DisposeAsync()
    {
        if (!keep && Directory.Exists(root)) Directory.Delete(root, recursive: true);
        return ValueTask.CompletedTask;
    }

    private async Task ImportAsync(IMessageStore store, CancellationToken cancellationToken)
    {
        Say($"Importing {messages:N0} messages into {Mailboxes} mailboxes.");
        var mail = new MailGenerator(seed, DateTimeOffset.UtcNow, Span);
        string mbox = Path.Combine(root, "import.mbox");
        long imported = 0, bytes = 0;
        TimeSpan spent = TimeSpan.Zero;
        for (int mailbox = 0; mailbox < Mailboxes; mailbox++)
        {
            int count = messages / Mailboxes + (mailbox < messages % Mailboxes ? 1 : 0);
            await using (FileStream file = File.Create(mbox))
            {
                await using var buffered = new BufferedStream(file, 1 << 20);
                var writer = new MboxWriter(buffered);
                for (int i = 0; i < count; i++)
                {
                    (byte[] message, DateTimeOffset received) = mail.Next((long)mailbox * messages + i);
                    writer.Write(message, "demo@example.com", received);
                }
            }
            ImportResult result = await MessageImporter.ImportAsync(store, mbox, new ImportOptions { Mailbox = $"user{mailbox}@example.com" },
                stored: book.Add, cancellationToken: cancellationToken).ConfigureAwait(false);
            if (result.Failed > 0) throw new MessageStoreException(ErrorIds.NotMail, ErrorKind.Damaged, $"{result.Failed} messages could not be imported: {result.Errors[0]}", mbox);
            imported += result.Imported;
            bytes += result.Bytes;
            spent += result.Duration;
        }
        File.Delete(mbox);
        Row("import", $"{imported:N0} messages, {bytes / 1e6:N1} MB in {spent.TotalSeconds:N2} s = {imported / spent.TotalSeconds:N0} messages/s, {Rate(bytes, spent)}");
    }

    private async Task ArchiveAsync(IMessageStore store, CancellationToken cancellationToken)
    {
        Say("Archiving what is older than a year.");
        ArchiveRun run = await store.ArchiveAsync(new ArchiveOptions { OlderThan = Old }, null, cancellationToken).ConfigureAwait(false);
        if (run.Failed > 0) throw new MessageStoreException(ErrorIds.ArchiveFailed, ErrorKind.Device, run.Receipts.First(r => r.Failed > 0).Reason, DatabasePath);
        Row("archive", $"{run.Moved:N0} of {run.Matched:N0} moved, {run.Bytes / 1e6:N1} MB to {run.ArchiveBytes / 1e6:N1} MB in {run.Duration.TotalSeconds:N2} s = {run.Moved / run.Duration.TotalSeconds:N0} messages/s");
    }

    private async Task<(string Path, double P99)> BackUpAsync(IMessageStore store, CancellationToken cancellationToken)
    {
        Say("Backing up while users go on.");
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var load = new UserLoad(store, book, seed + 2000);
        Task users = load.RunAsync(stop.Token);
        BackupRun run = await store.BackupAsync(new BackupOptions(), null, cancellationToken).ConfigureAwait(false);
        await stop.CancelAsync().ConfigureAwait(false);
        await users.ConfigureAwait(false);
        Row("backup", $"{run.Messages:N0} messages, {run.Bytes / 1e6:N1} MB in {run.Duration.TotalSeconds:N2} s = {Rate(run.Bytes, run.Duration)}, {run.PatchTransactions:N0} transactions in the patch files");
        return (run.Path, load.P99);
    }

    private async Task<double> LoadForAsync(IMessageStore store, TimeSpan time, CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        stop.CancelAfter(time);
        var load = new UserLoad(store, book, seed + (int)time.TotalMilliseconds);
        await load.RunAsync(stop.Token).ConfigureAwait(false);
        return load.P99;
    }

    private async Task<long> ReadArchivedAsync(IMessageStore store, CancellationToken cancellationToken)
    {
        long read = 0, differences = 0;
        var watch = Stopwatch.StartNew();
        await foreach (StoredMessage message in store.ListAsync(new MessageQuery { IsArchived = true }, cancellationToken).ConfigureAwait(false))
        {
            if (await DigestBook.DigestAsync(store, message.Id, cancellationToken).ConfigureAwait(false) != message.Sha256) differences++;
            if (++read == ArchivedSample) break;
        }
        Row("read archived", $"{read:N0} messages in {watch.Elapsed.TotalSeconds:N2} s, {differences} differences");
        return differences;
    }

    private async Task<long> DrillAsync(string backup, CancellationToken cancellationToken)
    {
        BackupDrill drill = await MessageDatabase.TestBackupAsync(backup, null, cancellationToken).ConfigureAwait(false);
        Row("drill", $"{drill.Result}: {drill.Messages:N0} messages back in {drill.RestoreDuration.TotalSeconds:N2} s, compared in {drill.Duration.TotalSeconds:N2} s. {drill.Reason}");
        return drill.Result == DrillResult.Verified ? 0 : Math.Max(1, drill.Differences);
    }

    private void Say(string sentence) => output.WriteLine(sentence);

    private void Row(string name, FormattableString text) => Row(name, text.ToString(CultureInfo.InvariantCulture));

    private void Row(string name, string text) => table.Add($"{name,-14} {text}");

    private static string Rate(long bytes, TimeSpan time) => (bytes / 1e6 / time.TotalSeconds).ToString("N0", CultureInfo.InvariantCulture) + " MB/s";
}
