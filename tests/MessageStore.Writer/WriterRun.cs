using System.Diagnostics;
using System.Security.Cryptography;
using MessageStore.Messages;
using MessageStore.Storage;

namespace MessageStore.Writer;

/// <summary>One life of the writer process, which as a rule ends by being killed.</summary>
internal sealed class WriterRun(string database, string journalPath, WriterMode mode, int seed, int writers, int count) : IDisposable
{
    /// <summary>Imported and bulk mail has no writer that deletes it; imports stop at this many messages in their mailbox.</summary>
    private const int ImportLimit = 2000;

    private const int BulkWindow = 64;
    private static readonly TimeSpan LongestLife = TimeSpan.FromMinutes(2);

    private readonly AckJournal journal = new(journalPath);
    private readonly CancellationTokenSource stop = new(LongestLife);
    private readonly string run = Convert.ToHexStringLower(BitConverter.GetBytes(seed));
    private bool hasBackedUp;

    /// <returns>0, or 1 where something happened that must not.</returns>
    public async Task<int> RunAsync()
    {
        // Whoever started this process and died cannot kill it any more.
        _ = Task.Run(async () =>
        {
            await Console.In.ReadToEndAsync().ConfigureAwait(false);
            Environment.Exit(3);
        });
        await using IMessageStore store = await MessageDatabase.OpenAsync(database).ConfigureAwait(false);
        try
        {
            if (mode == WriterMode.Bulk) await BulkAsync(store).ConfigureAwait(false);
            else await WriteAsync(store).ConfigureAwait(false);
            return 0;
        }
        catch (Exception error)
        {
            journal.Write('X', error.ToString().ReplaceLineEndings(" | "));
            return 1;
        }
    }

    public void Dispose()
    {
        journal.Dispose();
        stop.Dispose();
    }

    private async Task WriteAsync(IMessageStore store)
    {
        MailboxWriter[] all = [.. Enumerable.Range(0, writers).Select(w => new MailboxWriter(store, journal, $"w{w}", run, new Random(seed * 31 + w)))];
        foreach (MailboxWriter writer in all) await writer.FindOldMailAsync().ConfigureAwait(false);
        string imports = mode == WriterMode.Import ? MakeImports() : "";
        Console.WriteLine("ready");
        if (mode == WriterMode.UntilClosed)
        {
            await new UntilClosed(store, journal).RunAsync(all, stop.Token).ConfigureAwait(false);
            return;
        }
        Task side = mode switch
        {
            WriterMode.Archive => AgainAsync(() => ArchiveAsync(store)),
            WriterMode.Backup => AgainAsync(() => BackupAsync(store)),
            WriterMode.Checkpoint => AgainAsync(() => Checkpoint(store)),
            WriterMode.Compact => AgainAsync(async () => await store.OptimizeAsync(new OptimizeOptions()).CountAsync().ConfigureAwait(false)),
            WriterMode.Import => AgainAsync(() => ImportAsync(store, imports)),
            _ => Task.CompletedTask,
        };
        await await Task.WhenAny(Task.WhenAll(all.Select(w => AgainAsync(w.StepAsync))), side.IsCompletedSuccessfully ? Task.Delay(LongestLife) : side).ConfigureAwait(false);
    }

    private Task AgainAsync(Func<Task> step) => Task.Run(async () =>
    {
        while (!stop.IsCancellationRequested) await step().ConfigureAwait(false);
    });

    /// <summary>Takes about a tenth of what there is, so that there is something to move for many rounds.</summary>
    private async Task ArchiveAsync(IMessageStore store)
    {
        var random = new Random(seed ^ (int)Stopwatch.GetTimestamp());
        DateTimeOffset before = new DateTimeOffset(2020, 1, 1, 0, 0, 0, TimeSpan.Zero).AddDays(random.Next(50, 400));
        ArchiveRun done = await store.ArchiveAsync(new ArchiveOptions { Before = before, Compression = (ArchiveCompression)random.Next(3) }).ConfigureAwait(false);
        if (done.Failed > 0) throw new InvalidOperationException(string.Join("; ", done.Receipts.Select(r => r.Reason)));
        journal.Write('K', done.Moved);
        // Between runs the writers store old mail again; without a pause a run would find one or two messages.
        if (done.Moved < 10) await Task.Delay(20).ConfigureAwait(false);
    }

    /// <summary>All kinds, some at the disk's rate and some as slow as users want it: the kill is to find a session anywhere between its first byte and its name.</summary>
    private async Task BackupAsync(IMessageStore store)
    {
        var random = new Random(seed ^ (int)Stopwatch.GetTimestamp());
        // The first of each life goes fast: the kill waits for it.
        BackupPriority priority = !hasBackedUp || random.Next(2) == 0 ? BackupPriority.Backup : BackupPriority.Users;
        bool hasBase = await store.ListBackupsAsync().AnyAsync(b => b.IsComplete).ConfigureAwait(false);
        BackupRun done = await store.BackupAsync(new BackupOptions { Kind = hasBase ? (BackupKind)random.Next(3) : BackupKind.Full, Priority = priority }).ConfigureAwait(false);
        hasBackedUp = true;
        journal.Write('B', done.Path);
    }

    private static Task Checkpoint(IMessageStore store)
    {
        foreach (StorageGroup group in ((EmbeddedMessageStore)store).Database.Mail.Groups) group.Checkpoint(CancellationToken.None);
        return Task.CompletedTask;
    }

    private string MakeImports()
    {
        string folder = Path.Combine(Path.GetDirectoryName(journalPath)!, "import");
        Directory.CreateDirectory(folder);
        var random = new Random(seed);
        for (int i = 0; i < 100; i++) File.WriteAllBytes(Path.Combine(folder, $"{i:D3}.eml"), WriterMail.Make($"{run}.import.{i}", random));
        return folder;
    }

    private async Task ImportAsync(IMessageStore store, string folder)
    {
        foreach (string mailbox in (string[])["import0", "import1"])
        {
            if (await CountAsync(store, mailbox).ConfigureAwait(false) > ImportLimit)
            {
                // Emptied whole: the journal says so for each, before and after.
                List<Guid> ids = await store.ListAsync(new MessageQuery { Mailbox = mailbox }).Select(m => m.Id).ToListAsync().ConfigureAwait(false);
                foreach (Guid id in ids) journal.Write('d', id);
                await store.RemoveMailboxAsync(mailbox).ConfigureAwait(false);
                foreach (Guid id in ids) journal.Write('D', id);
            }
            await MessageImporter.ImportAsync(store, folder, new ImportOptions { Mailbox = mailbox }, stored: m => journal.Write('A', m.Id, m.Sha256, mailbox)).ConfigureAwait(false);
        }
    }

    private static async Task<long> CountAsync(IMessageStore store, string mailbox) =>
        await store.ListMailboxesAsync(mailbox).Select(m => m.MessageCount).FirstOrDefaultAsync().ConfigureAwait(false);

    private async Task BulkAsync(IMessageStore store)
    {
        Console.WriteLine("ready");
        foreach (string mailbox in (string[])["bulk0", "bulk1"]) await store.CreateMailboxAsync(mailbox).ConfigureAwait(false);
        int next = 0;
        await Task.WhenAll(Enumerable.Range(0, BulkWindow).Select(w => Task.Run(async () =>
        {
            var random = new Random(seed + w);
            while (Interlocked.Increment(ref next) <= count)
            {
                byte[] bytes = WriterMail.Make($"{run}.bulk{w}", random, 20);
                using MessageBody body = MessageBody.FromMemory(bytes);
                string mailbox = $"bulk{w % 2}";
                StoredMessage stored = await store.AppendAsync(new MessageToAppend { Mailbox = mailbox, Body = body }).ConfigureAwait(false);
                journal.Write('A', stored.Id, Convert.ToHexStringLower(SHA256.HashData(bytes)), mailbox);
            }
        }))).ConfigureAwait(false);
    }
}
