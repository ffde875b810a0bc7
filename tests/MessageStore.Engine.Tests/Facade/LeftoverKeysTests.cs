using MessageStore.Keys;
using MessageStore.Tests.Support;

namespace MessageStore.Tests.Facade;

/// <summary>Keys in a backup of messages that were deleted after it.</summary>
public sealed class LeftoverKeysTests
{
    [Fact]
    public async Task A_key_of_a_message_that_the_logs_delete_is_gone_after_a_restore_where_its_file_is_gone_and_no_tombstone_says_so()
    {
        var random = new Random(1);
        var storage = new MemoryStorage();
        MessageDatabase.CreateNow(storage, MemoryDatabase.Options("SG1"), TimeProvider.System);
        MemoryDatabase database = MemoryDatabase.Open(storage, MemoryDatabase.Small);
        var model = new MailModel();
        await database.AppendAsync(model, "alice", "Inbox", MessageFlags.None, MemoryDatabase.Body(random, 500));
        await database.AppendAsync(model, "bob", "Inbox", MessageFlags.None, MemoryDatabase.Body(random, 500));
        await database.Store.ArchiveAsync(new ArchiveOptions { Before = DateTimeOffset.MaxValue });
        BackupRun backup = await database.Store.BackupAsync(new BackupOptions());
        ArchiveKey[] keys = [.. database.Database.Keys.List()];
        ArchiveKey gone = keys.Single(k => k.Mailbox == "alice"), kept = keys.Single(k => k.Mailbox == "bob");
        await database.Store.DeleteAsync(gone.Id);
        string logs = database.Database.Mail.LogPath;
        database.Dispose();
        storage.DeleteFile(Path.Combine(MemoryDatabase.ArchivePath, gone.Volume));
        storage.DeleteFile(Path.Combine(MemoryDatabase.ArchivePath, kept.Volume));

        MessageDatabase.RestoreNow(storage, new RestoreOptions { BackupPath = backup.Path, Destination = "/data/new", LogPath = logs }, TimeProvider.System, null, CancellationToken.None);

        using MemoryDatabase restored = MemoryDatabase.Open(storage, MemoryDatabase.Small, "/data/new");
        Assert.Empty(restored.Database.Keys.Find(gone.Id));
        Assert.Equal(kept, Assert.Single(restored.Database.Keys.Find(kept.Id))); // whose message is there: the file may be brought back
    }
}
