using MessageStore.Backups;
using MessageStore.IO;
using MessageStore.Messages;
using MessageStore.Storage;
using MessageStore.Tests.Storage;
using MessageStore.Tests.Support;

namespace MessageStore.Tests.Backups;

/// <summary>A database on a disk in memory, with small segments and log files, to be backed up and proved there.</summary>
internal sealed class BackupBed : IDisposable
{
    public const string Database = "/db";
    public const string Folder = "/db/backups";

    private readonly Random random;

    public BackupBed(int seed = 1, params string[] groups)
    {
        Storage = new MemoryStorage(seed);
        random = new Random(seed);
        new DatabaseCreation(Storage, new MessageDatabaseOptions { Path = Database, StorageGroups = groups.Length > 0 ? groups : ["SG1"] }, TimeProvider.System).Run();
        Mail = Open(Storage);
    }

    public static GroupOptions Small { get; } = new() { SegmentLimit = 24 << 10, LogFileLimit = 12 << 10, CheckpointLogBytes = long.MaxValue };

    public MemoryStorage Storage { get; }

    public MailDatabase Mail { get; private set; }

    public StorageGroup Group => Mail.Groups[0];

    public static MailDatabase Open(MemoryStorage storage) => MailDatabase.Open(storage, Database, Small);

    public void Reopen()
    {
        Mail.Dispose();
        Mail = Open(Storage);
    }

    /// <summary>Appends messages of up to 8 KiB and says what they are called.</summary>
    public List<Guid> Append(int count, string mailbox = "ada", StorageGroup? group = null)
    {
        group ??= Group;
        (int number, _) = group.CreateMailboxAsync(mailbox, CancellationToken.None).GetAwaiter().GetResult();
        var ids = new List<Guid>();
        for (int i = 0; i < count; i++)
        {
            byte[] bytes = new byte[random.Next(8 << 10)];
            random.NextBytes(bytes);
            using MessageBody body = MessageBody.FromMemory(bytes);
            ids.Add(Guid.CreateVersion7());
            UInt128Bytes[] digest = [UInt128Bytes.Read(body.Sha256), UInt128Bytes.Read(body.Sha256[16..])];
            var image = new ImageHeader { Id = ids[^1], DigestLow = digest[0], DigestHigh = digest[1], BodyLength = bytes.Length, Mailbox = number };
            group.AppendAsync(image, MessageSummary.Empty, body, CancellationToken.None).GetAwaiter().GetResult();
        }
        return ids;
    }

    public void Delete(IEnumerable<Guid> ids, StorageGroup? group = null)
    {
        foreach (Guid id in ids) (group ?? Group).CommitAsync(Transaction.Deleted(id, (group ?? Group).Identity.Salt)).GetAwaiter().GetResult();
    }

    public BackupRun BackUp(BackupOptions? options = null, IProgress<RunProgress>? progress = null, CancellationToken cancellationToken = default) =>
        BackUp(Storage, options ?? new BackupOptions(), progress, cancellationToken);

    /// <summary>Backs up to a storage that fails in its own way.</summary>
    public BackupRun BackUp(IStorage storage, BackupOptions options, IProgress<RunProgress>? progress = null, CancellationToken cancellationToken = default) =>
        new BackupSession(Mail, storage, null, TimeProvider.System, progress).RunAsync(options, cancellationToken).GetAwaiter().GetResult();

    /// <summary>The files of a folder that are called backups, complete or not said so.</summary>
    public static List<string> Files(IStorage storage, string folder = Folder) =>
        [.. storage.ListFiles(folder).Where(f => f.EndsWith(BackupSession.Extension, StringComparison.Ordinal))];

    /// <summary>Proves a backup as the drill does.</summary>
    public static void Prove(IStorage storage, string path)
    {
        BackupDrill drill = new BackupDrillRunner(storage, TimeProvider.System, null).Run(path, "/scratch", null, CancellationToken.None);
        if (drill.Result != DrillResult.Verified) throw new InvariantException($"{path}: {drill.Result}. {drill.Reason}");
    }

    public void Dispose() => Mail.Dispose();
}
