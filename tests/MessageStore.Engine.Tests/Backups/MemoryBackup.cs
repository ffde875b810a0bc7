using System.Security.Cryptography;
using MessageStore.Backups;
using MessageStore.IO;
using MessageStore.Messages;
using MessageStore.Storage;
using MessageStore.Tests.Facade;
using MessageStore.Tests.Support;

namespace MessageStore.Tests.Backups;

/// <summary>A database in memory, what is in it, and a backup of it as bytes: for tests that damage thousands of them.</summary>
internal sealed class MemoryBackup
{
    private static readonly string Root = Path.GetFullPath("/messagestore");
    private static readonly byte[] Key = [.. Enumerable.Range(0, 48).Select(i => (byte)(i * 7))];

    public static string Database { get; } = Path.Combine(Root, "db");

    public static string Target { get; } = Path.Combine(Root, "again");

    /// <summary>A key file on each of these disks.</summary>
    public static string KeyFile { get; } = Path.Combine(Root, "backup.key");

    public required string File { get; init; }

    public required byte[] Bytes { get; init; }

    /// <summary>Every message as it was when the backup was made.</summary>
    public required IReadOnlyDictionary<Guid, StoredMessage> Messages { get; init; }

    /// <summary>The surviving disk: what the database was on.</summary>
    public required MemoryStorage Disk { get; init; }

    /// <summary>Messages of many sizes in two groups and three mailboxes; some moved, flagged, deleted, archived; some of it while the backup ran.</summary>
    /// <param name="large">Whether there is a message in three parts, too.</param>
    /// <param name="filler">Bytes that each message has at least.</param>
    /// <param name="options">How the backup is made; its key file is <see cref="KeyFile"/>.</param>
    public static async Task<MemoryBackup> MakeAsync(bool large = false, int filler = 0, BackupOptions? options = null)
    {
        var disk = new MemoryStorage();
        disk.Put(KeyFile, Key);
        MessageDatabase.CreateNow(disk, new MessageDatabaseOptions { Path = Database, StorageGroups = ["SG1", "SG2"] }, TimeProvider.System);
        await using var store = new EmbeddedMessageStore(OpenDatabase.OpenNow(disk, Database, new GroupOptions()));
        await store.CreateMailboxAsync("alice", "SG1");
        await store.CreateMailboxAsync("bob", "SG2");
        await store.CreateMailboxAsync("carol", "SG1");
        for (int i = 0; i < 24; i++) await AppendAsync(store, i, i % 3 == 0 ? "bob" : i % 3 == 1 ? "alice" : "carol", filler + i * 40, i < 6);
        if (large) await AppendAsync(store, 100, "alice", (2 << 20) + 12345, false);
        await store.ArchiveAsync(new ArchiveOptions { Before = DateTimeOffset.UnixEpoch.AddDays(30) });
        List<StoredMessage> before = await store.ListAsync(new MessageQuery()).ToListAsync();
        await ChangeAsync(store, before, 0);
        BackupRun run = await store.BackupAsync(options ?? new BackupOptions(), new DuringBackup(async () =>
        {
            for (int i = 24; i < 30; i++) await AppendAsync(store, i, i % 2 == 0 ? "bob" : "alice", filler + 300, false);
            if (large) await AppendAsync(store, 101, "carol", (1 << 20) + 777, false);
            await ChangeAsync(store, before, 10);
        }));
        List<StoredMessage> after = await store.ListAsync(new MessageQuery()).ToListAsync();
        return new MemoryBackup { File = run.Path, Bytes = disk.Content(run.Path), Messages = after.ToDictionary(m => m.Id), Disk = disk };
    }

    /// <summary>A disk with nothing but this backup, or what became of it.</summary>
    public MemoryStorage DiskWith(byte[] bytes)
    {
        var disk = new MemoryStorage();
        disk.Put(File, bytes);
        disk.Put(KeyFile, Key);
        disk.CreateFolder(Root);
        return disk;
    }

    /// <summary>Drills a backup, which may be encrypted with the key file.</summary>
    /// <param name="keys">The disk with the key file, where that is another one.</param>
    public static BackupDrill Drill(MemoryStorage disk, string path, MemoryStorage? keys = null)
    {
        using BackupKey? key = BackupKey.Open(keys ?? disk, new BackupKeySource { KeyFile = KeyFile });
        return new BackupDrillRunner(disk, TimeProvider.System, null, key).Run(path, Root, null, CancellationToken.None);
    }

    public static RestoreRun Restore(MemoryStorage disk, RestoreOptions options) =>
        new DatabaseRestore(disk, TimeProvider.System, null).Run(options, new KeysRestore(disk, TimeProvider.System).Run, CancellationToken.None);

    /// <summary>Every message that came back is one that there was, in its place, with its flags, byte for byte. Returns their Ids.</summary>
    public async Task<HashSet<Guid>> CompareAsync(MemoryStorage disk, string path, bool ignorePlaces = false)
    {
        await using var store = new EmbeddedMessageStore(OpenDatabase.OpenNow(disk, path, new GroupOptions()));
        var found = new HashSet<Guid>();
        await foreach (StoredMessage message in store.ListAsync(new MessageQuery()))
        {
            Assert.True(found.Add(message.Id), $"{message.Id} is listed twice");
            if (!Messages.TryGetValue(message.Id, out StoredMessage? expected))
            {
                Assert.True(ignorePlaces, $"{message.Subject} was not there when the backup was made");
                continue;
            }
            if (ignorePlaces) Assert.Equal((expected.Sha256, expected.Size), (message.Sha256, message.Size));
            else Assert.Equal(expected, message);
            if (message.IsArchived) continue;
            await using Stream body = await store.OpenReadAsync(message.Id);
            Assert.Equal(expected.Sha256, Convert.ToHexStringLower(await SHA256.HashDataAsync(body)));
        }
        return found;
    }

    private static async Task AppendAsync(EmbeddedMessageStore store, int number, string mailbox, int size, bool old)
    {
        using MessageBody body = MessageBody.FromMemory(StoreFixture.Message(number, size));
        await store.AppendAsync(new MessageToAppend { Mailbox = mailbox, Body = body, ReceivedDate = DateTimeOffset.UnixEpoch.AddDays(old ? number : 1000 + number) });
    }

    private static async Task ChangeAsync(EmbeddedMessageStore store, List<StoredMessage> messages, int from)
    {
        await store.SetFlagsAsync(messages[from].Id, MessageFlags.Read | MessageFlags.Flagged, MessageFlags.None);
        await store.MoveAsync(messages[from + 1].Id, $"Folder {from}");
        await store.DeleteAsync(messages[from + 2].Id);
    }
}
