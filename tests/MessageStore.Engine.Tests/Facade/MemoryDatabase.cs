using System.Security.Cryptography;
using System.Text;
using MessageStore.Archiving;
using MessageStore.IO;
using MessageStore.Messages;
using MessageStore.Storage;
using MessageStore.Tests.Storage;
using MessageStore.Tests.Support;

namespace MessageStore.Tests.Facade;

/// <summary>A whole database, with keys and archive, open on a disk in memory.</summary>
internal sealed class MemoryDatabase : IDisposable
{
    public const string Root = "/data/db";
    public const string ArchivePath = "/nas/archive";
    public const string BackupPath = "/spare/backups";

    /// <summary>Small files, so that a short run rolls them often.</summary>
    public static GroupOptions Small { get; } = TestGroup.Small with { CheckpointLogBytes = 40_000, CloseReplayBytes = 8000 };

    private readonly OpenDatabase database;

    private MemoryDatabase(OpenDatabase database)
    {
        this.database = database;
        Store = new EmbeddedMessageStore(database);
    }

    public IMessageStore Store { get; }

    public OpenDatabase Database => database;

    public static MessageDatabaseOptions Options(params string[] groups) => new()
    {
        Path = Root, StorageGroups = groups, ArchivePath = ArchivePath, BackupPath = BackupPath,
    };

    /// <exception cref="MessageStoreException">A group did not open, or not for writing.</exception>
    public static MemoryDatabase Open(IStorage storage, GroupOptions options, string path = Root)
    {
        OpenDatabase opened = OpenDatabase.OpenNow(storage, path, options);
        try
        {
            if (opened.Mail.FailedGroups.Count > 0) throw opened.Mail.FailedGroups[0].Reason;
            if (opened.Mail.Groups.FirstOrDefault(g => g.ClosedForWriting is not null)?.ClosedForWriting is { } closed) throw closed;
            return new MemoryDatabase(opened);
        }
        catch
        {
            opened.Dispose();
            throw;
        }
    }

    /// <summary>A message whose bytes are like no other's.</summary>
    public static byte[] Body(Random random, int size)
    {
        byte[] head = Encoding.ASCII.GetBytes($"From: a@example.com\nSubject: {random.NextInt64():x16}\nMessage-ID: <{random.NextInt64():x16}@test>\n\n");
        byte[] body = new byte[head.Length + size];
        random.NextBytes(body);
        head.CopyTo(body, 0);
        return body;
    }

    public Task AppendAsync(MailModel model, string mailbox, string folder, MessageFlags flags, byte[] bytes, DateTimeOffset? received = null)
    {
        var mail = new ModelMail(Convert.ToHexStringLower(SHA256.HashData(bytes)), Guid.Empty, mailbox, folder, flags, bytes.Length);
        return model.ChangeAsync(null, mail, async () =>
        {
            using MessageBody body = MessageBody.FromMemory(bytes);
            return (await Store.AppendAsync(new MessageToAppend { Mailbox = mailbox, Folder = folder, Flags = flags, Body = body, ReceivedDate = received })).Id;
        });
    }

    /// <summary>
    /// The invariants of design §10 that one look can decide: every message once, as the model says, readable byte for byte wherever it lies; every
    /// archived message has a key, and every key resolves.
    /// </summary>
    /// <param name="unreadable">Messages whose record may be gone from the archive.</param>
    /// <returns>All messages.</returns>
    public async Task<List<StoredMessage>> CheckAsync(MailModel model, bool settle = false, IReadOnlySet<Guid>? unreadable = null)
    {
        var found = new List<StoredMessage>();
        await foreach (StoredMessage message in Store.ListAsync(new MessageQuery())) found.Add(message);
        if (settle) model.Settle(found);
        else model.Compare(found);
        foreach (StoredMessage message in found)
        {
            if (message.IsArchived && unreadable?.Contains(message.Id) == true) continue;
            await using Stream body = await Store.OpenReadAsync(message.Id);
            if (Convert.ToHexStringLower(await SHA256.HashDataAsync(body)) != message.Sha256) throw new InvariantException($"Message {message.Id} has other bytes than were stored.");
            if (message.IsArchived && database.Keys.Find(message.Id).Count == 0) throw new InvariantException($"Archived message {message.Id} has no key.");
        }
        foreach (ArchiveKey key in database.Keys.List().Where(k => unreadable?.Contains(k.Id) != true)) await database.Archive.VerifyAsync(key);
        DatabaseStatus status = await Store.GetStatusAsync();
        if (status.MessageCount != found.Count || status.ArchivedMessageCount != found.Count(m => m.IsArchived))
            throw new InvariantException($"The status counts {status.MessageCount} messages, {status.ArchivedMessageCount} of them archived; there are {found.Count} and {found.Count(m => m.IsArchived)}.");
        return found;
    }

    /// <summary>No Id has two whole records in the archive. What an interrupted rewriting left torn at the end of a file is no record.</summary>
    public void CheckArchivedOnce()
    {
        var archive = (FileArchiveTarget)database.Archive.Current;
        var seen = new HashSet<Guid>();
        foreach ((string volume, ArchivedRecordInfo record) in archive.ListVolumes().SelectMany(v => archive.Walk(v).Select(r => (v, r))))
            if (IsWhole(record.ToKey(archive.Name, archive.Unit, volume)) && !seen.Add(record.Id)) throw new InvariantException($"Message {record.Id} has two records in the archive.");

        bool IsWhole(ArchiveKey key)
        {
            try
            {
                archive.VerifyAsync(key).AsTask().GetAwaiter().GetResult();
                return true;
            }
            catch (MessageStoreException error) when (error.ErrorId == ErrorIds.ArchiveDamaged)
            {
                return false;
            }
        }
    }

    public void Dispose() => database.Dispose();
}
