using System.Security.Cryptography;
using System.Text;
using MessageStore.IO;
using MessageStore.Keys;
using MessageStore.Maintenance;
using MessageStore.Messages;
using MessageStore.Storage;
using MessageStore.Tests.Support;

namespace MessageStore.Tests.PostgreSql;

/// <summary>Archive keys on their way from the database folder to PostgreSQL and back: nothing is lost, whatever fails and whenever.</summary>
public sealed class KeyMoveTests(PostgreSqlServer server) : IClassFixture<PostgreSqlServer>
{
    private const string Root = "/data/db";
    private const int MessageCount = 12;

    private static readonly GroupOptions Options = new() { SegmentLimit = 256 << 10, LogFileLimit = 64 << 10, CheckpointLogBytes = long.MaxValue };

    [PostgreSqlFact]
    public async Task Keys_move_to_PostgreSQL_and_back_and_archived_mail_is_read_deleted_recalled_and_archived_on_the_way()
    {
        MemoryStorage storage = await FilledAsync();
        Guid deleted, recalled;
        using (OpenDatabase open = OpenDatabase.OpenNow(storage, Root, Options))
        {
            var store = new EmbeddedMessageStore(open);
            List<ArchiveKey> before = await KeysAsync(store);
            KeyMove moved = await store.MoveKeysAsync(ToServer());
            Assert.Equal((MessageCount, ""), (moved.Keys, moved.Note));
            Assert.False(storage.FolderExists(Root + "/keys"));
            Assert.False(storage.FileExists(Root + "/keys.moving"));
            Assert.Equal(before, await KeysAsync(store));
            (deleted, recalled) = (before[0].Id, before[1].Id);
            await store.DeleteAsync(deleted);
            await foreach (MessageRecall recall in store.RecallAsync(new MessageQuery { Ids = [recalled] })) Assert.Equal("", recall.ErrorId);
            await AppendAsync(store, 100);
            Assert.Equal(2, (await store.ArchiveAsync(new ArchiveOptions { Before = DateTimeOffset.MaxValue })).Moved);
        }
        using (OpenDatabase open = OpenDatabase.OpenNow(storage.Crash(new Random(3)), Root, Options))
        {
            storage = (MemoryStorage)open.Storage;
            var store = new EmbeddedMessageStore(open);
            await ReadAllAsync(store, MessageCount);
            KeyMove back = await store.MoveKeysAsync(new KeyMoveOptions { To = KeyManagerKind.Embedded });
            Assert.Equal((MessageCount + 1, ""), (back.Keys, back.Note)); // that of the deleted one as well: its record lies in an archive file
            await ReadAllAsync(store, MessageCount);
            Assert.DoesNotContain(await KeysAsync(store), k => k.Id == deleted);
        }
        using (OpenDatabase open = OpenDatabase.OpenNow(storage.Crash(new Random(4)), Root, Options)) await ReadAllAsync(new EmbeddedMessageStore(open), MessageCount);
        Assert.Equal("0", await server.SqlAsync("SELECT count(*) FROM messagestore_key"));
    }

    [PostgreSqlFact]
    public async Task A_move_that_fails_or_loses_power_at_any_operation_of_the_disk_leaves_every_key_and_can_be_made_again()
    {
        MemoryStorage template = await FilledAsync();
        int there = 0, back = 0;
        while (await MoveAsync(template, there, toServer: true)) there++;
        while (await MoveAsync(template, back, toServer: false)) back++;
        Assert.InRange(there, 5, 200);
        Assert.InRange(back, 10, 400);
    }

    [PostgreSqlFact]
    public async Task While_a_run_is_under_way_keys_are_not_moved_and_the_error_says_what_runs()
    {
        MemoryStorage storage = await FilledAsync();
        using OpenDatabase open = OpenDatabase.OpenNow(storage, Root, Options);
        var store = new EmbeddedMessageStore(open);
        using (MaintenanceLock.Take(storage, Root, MaintenanceTask.Backup, TimeProvider.System))
        {
            MessageStoreException error = await Assert.ThrowsAsync<MessageStoreException>(() => store.MoveKeysAsync(ToServer()));
            Assert.Equal(ErrorIds.MaintenanceRunning, error.ErrorId);
        }
        MessageStoreException already = await Assert.ThrowsAsync<MessageStoreException>(() => store.MoveKeysAsync(new KeyMoveOptions { To = KeyManagerKind.Embedded }));
        Assert.Equal(ErrorIds.InvalidParameter, already.ErrorId);
    }

    [PostgreSqlFact]
    public async Task Without_the_server_current_mail_goes_on_and_whoever_needs_a_key_is_told_why()
    {
        MemoryStorage storage = await FilledAsync();
        Guid archived, hot;
        using (OpenDatabase open = OpenDatabase.OpenNow(storage, Root, Options))
        {
            var store = new EmbeddedMessageStore(open);
            await store.MoveKeysAsync(ToServer());
            (archived, hot) = ((await KeysAsync(store))[0].Id, await AppendAsync(store, 200));
        }
        await server.StopAsync();
        try
        {
            using OpenDatabase open = OpenDatabase.OpenNow(storage, Root, Options);
            var store = new EmbeddedMessageStore(open);
            await AppendAsync(store, 201);
            await DigestAsync(store, hot);
            await store.DeleteAsync(hot);
            Assert.Equal(ErrorIds.KeysUnavailable, (await Assert.ThrowsAsync<MessageStoreException>(() => DigestAsync(store, archived))).ErrorId);
            Assert.Equal(ErrorIds.KeysUnavailable, (await Assert.ThrowsAsync<MessageStoreException>(() => store.DeleteAsync(archived))).ErrorId);
            Assert.Equal(ErrorIds.KeysUnavailable, (await Assert.ThrowsAsync<MessageStoreException>(() => store.BackupAsync(new BackupOptions()))).ErrorId);
            Assert.Equal(ErrorIds.KeysUnavailable, (await Assert.ThrowsAsync<MessageStoreException>(() => store.MoveKeysAsync(new KeyMoveOptions { To = KeyManagerKind.Embedded }))).ErrorId);
            await server.StartAsync();
            await DigestAsync(store, archived);
            await ReadAllAsync(store, MessageCount + 1);
            await store.MoveKeysAsync(new KeyMoveOptions { To = KeyManagerKind.Embedded });
        }
        catch
        {
            await server.StartAsync();
            throw;
        }
    }

    [PostgreSqlFact]
    public async Task A_backup_holds_the_keys_that_are_on_PostgreSQL_and_a_restore_takes_the_newer_ones_from_there()
    {
        using var folder = new TemporaryFolder();
        string path = folder["db"];
        await MessageDatabase.CreateAsync(new MessageDatabaseOptions { Path = path });
        string backup;
        ArchiveKey moved;
        await using (IMessageStore store = await MessageDatabase.OpenAsync(path))
        {
            for (int number = 0; number < 5; number++) await AppendAsync(store, number);
            await store.ArchiveAsync(new ArchiveOptions { Before = DateTimeOffset.MaxValue });
            await store.MoveKeysAsync(ToServer());
            backup = (await store.BackupAsync(new BackupOptions())).Path;

            // What only the server knows: a copy that has moved since.
            KeySwitch keys = ((EmbeddedMessageStore)store).Database.Keys;
            moved = keys.List().First() with { StorageDate = new DateTimeOffset(2026, 5, 4, 3, 2, 1, TimeSpan.Zero) };
            keys.Put([moved]);
        }

        RestoreRun restored = await MessageDatabase.RestoreAsync(new RestoreOptions { BackupPath = backup, Destination = folder["restored"] });
        Assert.Contains(restored.Warnings, w => w.Contains("taken over from PostgreSQL", StringComparison.Ordinal));
        await using (IMessageStore store = await MessageDatabase.OpenAsync(folder["restored"]))
        {
            Assert.NotNull(((EmbeddedMessageStore)store).Database.KeyJournal);
            Assert.Equal(moved, Assert.Single(await KeysAsync(store), k => k.Id == moved.Id) with { Unit = moved.Unit });
            await ReadAllAsync(store, 5);
            Assert.Equal(ErrorIds.KeysExist, (await Assert.ThrowsAsync<MessageStoreException>(() => store.MoveKeysAsync(ToServer()))).ErrorId); // the original's
        }

        // In the original's place, with the server away: the keys of the backup, and a warning.
        await server.StopAsync();
        try
        {
            restored = await MessageDatabase.RestoreAsync(new RestoreOptions { BackupPath = backup, Destination = path, Force = true });
        }
        finally
        {
            await server.StartAsync();
        }
        Assert.Contains(restored.Warnings, w => w.Contains("could not all be taken over", StringComparison.Ordinal));
        await using (IMessageStore store = await MessageDatabase.OpenAsync(path))
        {
            await ReadAllAsync(store, 5);
            await store.MoveKeysAsync(ToServer() with { Replace = true });
            await ReadAllAsync(store, 5);
            await store.MoveKeysAsync(new KeyMoveOptions { To = KeyManagerKind.Embedded });
        }
    }

    /// <summary>One move with a fault at an operation, in one half of the cases followed by a loss of power; then the same move again.</summary>
    /// <returns>Whether the fault came.</returns>
    private async Task<bool> MoveAsync(MemoryStorage template, int operation, bool toServer)
    {
        MemoryStorage storage = template.Fork(new Random(1));
        KeyMoveOptions there = ToServer(), back = new() { To = KeyManagerKind.Embedded };
        bool came;
        using (OpenDatabase open = OpenDatabase.OpenNow(storage, Root, Options))
        {
            var store = new EmbeddedMessageStore(open);
            if (!toServer) await store.MoveKeysAsync(there);
            storage.FailAt(operation + 1, new IOException("the disk says no"));
            try
            {
                await store.MoveKeysAsync(toServer ? there : back);
            }
            catch (MessageStoreException)
            {
                Assert.True(storage.FaultHappened);
            }
            came = storage.FaultHappened;
            storage.FailAt(long.MaxValue, new IOException("never")); // one that did not come in the move is not to come in what follows
            if (operation % 2 == 0) await ReadAllAsync(store, MessageCount);
            if (operation % 2 == 1) storage = storage.Crash(new Random(operation));
        }
        using (OpenDatabase open = OpenDatabase.OpenNow(storage, Root, Options))
        {
            var store = new EmbeddedMessageStore(open);
            await ReadAllAsync(store, MessageCount);
            try
            {
                if (open.KeyJournal is null != toServer) await store.MoveKeysAsync(toServer ? there : back);
            }
            catch (MessageStoreException error)
            {
                Assert.Fail($"After a fault at operation {operation} the move {(toServer ? "there" : "back")} cannot be made again: {error.Message}");
            }
            await ReadAllAsync(store, MessageCount);
            if (open.KeyJournal is null) await store.MoveKeysAsync(back);

            // What a move left on the server is recognised as ours.
            await store.MoveKeysAsync(there);
            await store.MoveKeysAsync(back);
            await ReadAllAsync(store, MessageCount);
        }
        return came;
    }

    private KeyMoveOptions ToServer() => new() { To = KeyManagerKind.PostgreSql, ConnectionFile = server.ConnectionFile() };

    private static async Task<MemoryStorage> FilledAsync()
    {
        var storage = new MemoryStorage();
        MessageDatabase.CreateNow(storage, new MessageDatabaseOptions { Path = Root }, TimeProvider.System);
        using OpenDatabase open = OpenDatabase.OpenNow(storage, Root, Options);
        var store = new EmbeddedMessageStore(open);
        for (int number = 0; number < MessageCount; number++) await AppendAsync(store, number);
        await store.ArchiveAsync(new ArchiveOptions { Before = DateTimeOffset.MaxValue });
        return storage;
    }

    private static async Task<Guid> AppendAsync(IMessageStore store, int number)
    {
        using MessageBody body = MessageBody.FromMemory(Encoding.ASCII.GetBytes($"From: a@example.org\nSubject: message {number}\nMessage-ID: <{number}@test>\n\ntext {number}\n"));
        return (await store.AppendAsync(new MessageToAppend { Mailbox = $"user{number % 3}", Body = body })).Id;
    }

    private static async Task<List<ArchiveKey>> KeysAsync(IMessageStore store)
    {
        var keys = new List<ArchiveKey>();
        await foreach (ArchiveKey key in store.ListKeysAsync()) keys.Add(key);
        return [.. keys.OrderBy(k => k.Id)];
    }

    private static async Task ReadAllAsync(IMessageStore store, int count)
    {
        int found = 0;
        await foreach (StoredMessage message in store.ListAsync(new MessageQuery()))
        {
            Assert.Equal(message.Sha256, await DigestAsync(store, message.Id));
            found++;
        }
        Assert.Equal(count, found);
    }

    private static async Task<string> DigestAsync(IMessageStore store, Guid id)
    {
        await using Stream body = await store.OpenReadAsync(id);
        return Convert.ToHexStringLower(await SHA256.HashDataAsync(body));
    }
}
