using System.Security.Cryptography;
using System.Text;
using MessageStore.Storage;
using MessageStore.Tests.Support;

namespace MessageStore.Tests.Backups;

/// <summary>Single messages come straight from a backup file, into a database that is in use or into files.</summary>
public class MessageRestoreTests
{
    [Fact]
    public async Task What_was_deleted_comes_back_under_its_Id_in_its_folder_with_its_flags()
    {
        MemoryBackup backup = await MemoryBackup.MakeAsync(large: true);
        await using var store = new EmbeddedMessageStore(OpenDatabase.OpenNow(backup.Disk, MemoryBackup.Database, new GroupOptions()));
        List<StoredMessage> lost = [.. backup.Messages.Values.Where(m => m.Mailbox == "alice" && !m.IsArchived)];
        StoredMessage moved = lost[0];
        await store.MoveAsync(moved.Id, "Elsewhere");
        await store.SetFlagsAsync(moved.Id, MessageFlags.Answered, MessageFlags.None);
        foreach (StoredMessage message in lost.Skip(1)) await store.DeleteAsync(message.Id);
        var options = new MessageRestoreOptions { BackupPath = backup.File, Mailbox = "alice", ReceivedAfter = DateTimeOffset.UnixEpoch.AddDays(500) };
        List<MessageRestore> results = await store.RestoreMessagesAsync(options).ToListAsync();
        Assert.Equal(lost.Select(m => m.Id).Order(), results.Select(r => r.Id).Order());
        Assert.Equal(MessageRestoreResult.Present, results.Single(r => r.Id == moved.Id).Result);
        Assert.All(results.Where(r => r.Id != moved.Id), r => Assert.Equal((MessageRestoreResult.Restored, ""), (r.Result, r.Reason)));
        foreach (StoredMessage expected in lost.Skip(1))
        {
            Assert.Equal(expected, Assert.Single(await store.ListAsync(new MessageQuery { Ids = [expected.Id] }).ToListAsync()));
            await using Stream body = await store.OpenReadAsync(expected.Id);
            Assert.Equal(expected.Sha256, Convert.ToHexStringLower(await SHA256.HashDataAsync(body)));
        }
        Assert.Equal("Elsewhere", (await store.ListAsync(new MessageQuery { Ids = [moved.Id] }).ToListAsync())[0].Folder);
        Assert.All(await store.RestoreMessagesAsync(options).ToListAsync(), r => Assert.Equal(MessageRestoreResult.Present, r.Result));
    }

    [Fact]
    public async Task A_mailbox_that_was_removed_comes_back_in_its_storage_group()
    {
        MemoryBackup backup = await MemoryBackup.MakeAsync();
        await using var store = new EmbeddedMessageStore(OpenDatabase.OpenNow(backup.Disk, MemoryBackup.Database, new GroupOptions()));
        await store.RemoveMailboxAsync("bob");
        List<MessageRestore> results = await store.RestoreMessagesAsync(new MessageRestoreOptions { BackupPath = backup.File, Mailbox = "BOB" }).ToListAsync();
        List<StoredMessage> expected = [.. backup.Messages.Values.Where(m => m.Mailbox == "bob")];
        Assert.Equal(expected.Count(m => !m.IsArchived), results.Count(r => r.Result == MessageRestoreResult.Restored));
        Assert.All(results.Where(r => r.Result == MessageRestoreResult.Failed), r => Assert.Contains("archive", r.Reason, StringComparison.Ordinal));
        Assert.Equal("SG2", (await store.ListMailboxesAsync("bob").ToListAsync())[0].StorageGroup);
    }

    [Fact]
    public async Task From_a_damaged_backup_what_is_whole_becomes_files()
    {
        MemoryBackup backup = await MemoryBackup.MakeAsync();
        byte[] bad = (byte[])backup.Bytes.Clone();
        bad[bad.AsSpan().LastIndexOf(Encoding.ASCII.GetBytes("From here on: text 10\n"))] ^= 1;
        StoredMessage hit = backup.Messages.Values.Single(m => m.Subject == "message 10");
        using var folder = new TemporaryFolder();
        List<MessageRestore> results = await MessageExtraction.RunAsync(backup.DiskWith(bad), new MessageRestoreOptions { BackupPath = backup.File, Mailbox = hit.Mailbox, ReceivedAfter = DateTimeOffset.UnixEpoch.AddDays(500) },
            folder["out"], false, TimeProvider.System, null, CancellationToken.None).ToListAsync();
        MessageRestore failed = Assert.Single(results, r => r.Result == MessageRestoreResult.Failed);
        Assert.Equal(hit.Id, failed.Id);
        Assert.Contains("not whole", failed.Reason, StringComparison.Ordinal);
        List<string> digests = [.. Directory.GetFiles(folder["out"], "*.eml", SearchOption.AllDirectories).Select(f => Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(f)))).Order()];
        Assert.Equal(backup.Messages.Values.Where(m => m.Mailbox == hit.Mailbox && !m.IsArchived && m.Id != hit.Id).Select(m => m.Sha256).Order(), digests);
        Assert.True(digests.Count > 3);
    }

    [Fact]
    public async Task Asking_for_everything_or_for_what_is_not_there_is_an_error()
    {
        MemoryBackup backup = await MemoryBackup.MakeAsync();
        await using var store = new EmbeddedMessageStore(OpenDatabase.OpenNow(backup.Disk, MemoryBackup.Database, new GroupOptions()));
        Assert.Equal(ErrorIds.InvalidParameter, (await Assert.ThrowsAsync<MessageStoreException>(async () => await store.RestoreMessagesAsync(new MessageRestoreOptions { BackupPath = backup.File }).ToListAsync())).ErrorId);
        Assert.Equal(ErrorIds.MailboxNotFound, (await Assert.ThrowsAsync<MessageStoreException>(async () => await store.RestoreMessagesAsync(new MessageRestoreOptions { BackupPath = backup.File, Mailbox = "nobody" }).ToListAsync())).ErrorId);
        var unknown = Guid.CreateVersion7();
        MessageRestore result = Assert.Single(await store.RestoreMessagesAsync(new MessageRestoreOptions { BackupPath = backup.File, Ids = [unknown] }).ToListAsync());
        Assert.Equal((unknown, MessageRestoreResult.Failed), (result.Id, result.Result));
    }
}
