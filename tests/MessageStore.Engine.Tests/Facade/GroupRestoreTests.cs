using MessageStore.Storage;

namespace MessageStore.Tests.Facade;

/// <summary>A storage group is restored in its place while the others of its database serve.</summary>
public class GroupRestoreTests
{
    private static readonly string[] Groups = ["SG1", "SG2"];

    [Fact]
    public async Task Others_serve_and_its_users_are_told_why_they_must_wait()
    {
        using StoreFixture fixture = await CreateAsync();
        await using IMessageStore store = await fixture.OpenAsync();
        StoredMessage bobs = await fixture.AppendAsync(store, 1, "bob");
        string backup = (await store.BackupAsync(new BackupOptions())).Path;
        await fixture.AppendAsync(store, 2, "bob");
        int seen = 0;
        var options = new RestoreOptions { BackupPath = backup, Destination = fixture.Database, StorageGroups = ["SG2"], Force = true };
        RestoreRun run = await store.RestoreGroupsAsync(options, new DuringBackup(async () =>
        {
            await fixture.AppendAsync(store, 100, "alice");
            Assert.Equal(fixture.Digests.Count - 2, await store.ListAsync(new MessageQuery { Mailbox = "alice" }).CountAsync());
            foreach (Func<Task> use in (Func<Task>[])[
                () => fixture.AppendAsync(store, 101, "bob"),
                async () => await store.ListAsync(new MessageQuery { Mailbox = "bob" }).ToListAsync(),
                () => store.CreateMailboxAsync("carol")])
            {
                MessageStoreException refused = await Assert.ThrowsAsync<MessageStoreException>(use);
                Assert.Equal(ErrorIds.GroupRestoring, refused.ErrorId);
                Assert.Contains("being restored", refused.Message, StringComparison.Ordinal);
                seen++;
            }
            DatabaseStatus status = await store.GetStatusAsync();
            Assert.Equal([StorageState.Open, StorageState.Failed], status.StorageGroups.Select(g => g.State));
            // Neither may archive and backup come in between.
            Assert.Equal(ErrorIds.MaintenanceRunning, (await Assert.ThrowsAsync<MessageStoreException>(() => store.BackupAsync(new BackupOptions()))).ErrorId);
        }, "Replayed"));
        Assert.Equal(3, seen);
        Assert.Equal((2, "SG2"), (run.Messages, Assert.Single(run.StorageGroups)));
        await fixture.AssertAllThereAsync(store);
        await fixture.AppendAsync(store, 102, "bob");
        Assert.Equal(bobs.Sha256, await StoreFixture.DigestAsync(store, bobs.Id));
        await fixture.AssertAllThereAsync(store);
        Assert.Equal(DrillResult.Verified, (await MessageDatabase.TestBackupAsync((await store.BackupAsync(new BackupOptions())).Path)).Result);
    }

    [Fact]
    public async Task Its_users_read_and_write_while_images_are_unpacked_and_nothing_that_they_write_is_lost()
    {
        using StoreFixture fixture = await CreateAsync();
        await using IMessageStore store = await fixture.OpenAsync();
        StoredMessage first = await fixture.AppendAsync(store, 1, "bob");
        string backup = (await store.BackupAsync(new BackupOptions())).Path;
        await fixture.AppendAsync(store, 2, "bob");
        var during = new DuringBackup(async () =>
        {
            Assert.Equal(first.Sha256, await StoreFixture.DigestAsync(store, first.Id));
            StoredMessage passing = await fixture.AppendAsync(store, 3, "bob");
            await fixture.AppendAsync(store, 4, "bob");
            await store.DeleteAsync(passing.Id);
            fixture.Digests.Remove(passing.Id);
            await fixture.AssertAllThereAsync(store);
        }, "Restoring");
        RestoreRun run = await store.RestoreGroupsAsync(new RestoreOptions { BackupPath = backup, Destination = fixture.Database, StorageGroups = ["SG2"], Force = true }, during);
        Assert.True(during.HasRun);
        Assert.Equal(3, run.Messages);
        await fixture.AssertAllThereAsync(store);
    }

    [Fact]
    public async Task Restored_to_a_point_it_is_without_what_was_written_meanwhile_which_the_folders_moved_aside_have()
    {
        using StoreFixture fixture = await CreateAsync();
        await using IMessageStore store = await fixture.OpenAsync();
        await fixture.AppendAsync(store, 1, "bob");
        string backup = (await store.BackupAsync(new BackupOptions())).Path;
        StoredMessage? late = null;
        RestoreRun run = await store.RestoreGroupsAsync(
            new RestoreOptions { BackupPath = backup, Destination = fixture.Database, StorageGroups = ["sg2", "SG2"], Force = true, PointInTime = DateTimeOffset.UtcNow },
            new DuringBackup(async () => late = await fixture.AppendAsync(store, 2, "bob"), "Restoring"));
        fixture.Digests.Remove(late!.Id);
        await fixture.AssertAllThereAsync(store);
        Assert.Equal(1, run.Messages);
        string aside = Directory.EnumerateDirectories(Path.Combine(fixture.Database, "logs"), "sg2.before-restore-*").Single();
        Assert.Contains(run.Warnings, w => w.EndsWith($"was moved aside to {aside}.", StringComparison.Ordinal));
        byte[] text = StoreFixture.Message(2);
        Assert.Contains(Directory.EnumerateFiles(aside), file => File.ReadAllBytes(file).AsSpan().IndexOf(text) >= 0);
    }

    [Fact]
    public async Task A_restore_that_is_called_off_while_images_are_unpacked_never_took_the_group_out_of_service()
    {
        using StoreFixture fixture = await CreateAsync();
        await using IMessageStore store = await fixture.OpenAsync();
        for (int i = 0; i < 10; i++) await fixture.AppendAsync(store, i, "bob");
        string backup = (await store.BackupAsync(new BackupOptions())).Path;
        StorageGroup before = ((EmbeddedMessageStore)store).Database.Mail.Group("SG2");
        using var stop = new CancellationTokenSource();
        bool wasLaidOut = false;
        var during = new DuringBackup(async () =>
        {
            wasLaidOut = Staged(fixture).Any();
            await stop.CancelAsync();
        }, "Restoring");
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => store.RestoreGroupsAsync(
            new RestoreOptions { BackupPath = backup, Destination = fixture.Database, StorageGroups = ["SG2"], Force = true }, during, stop.Token));
        Assert.True(wasLaidOut);
        Assert.Same(before, ((EmbeddedMessageStore)store).Database.Mail.Group("SG2"));
        await fixture.AppendAsync(store, 50, "bob");
        await fixture.AssertAllThereAsync(store);
        Assert.Empty(Staged(fixture));
    }

    [Fact]
    public async Task Logs_that_are_to_survive_wait_for_the_images_whatever_checkpoints_say()
    {
        using StoreFixture fixture = await CreateAsync();
        await using IMessageStore store = await fixture.OpenAsync();
        await fixture.AppendAsync(store, 1, "bob");
        string backup = (await store.BackupAsync(new BackupOptions())).Path;
        await fixture.AppendAsync(store, 2, "bob");
        await store.BackupAsync(new BackupOptions()); // from now on no checkpoint needs the log behind the first
        StorageGroup group = ((EmbeddedMessageStore)store).Database.Mail.Group("SG2");
        await store.RestoreGroupsAsync(new RestoreOptions { BackupPath = backup, Destination = fixture.Database, StorageGroups = ["SG2"], Force = true }, new DuringBackup(async () =>
        {
            for (int i = 3; i < 6; i++)
            {
                await fixture.AppendAsync(store, i, "bob");
                group.Checkpoint(CancellationToken.None);
            }
        }, "Restoring"));
        await fixture.AssertAllThereAsync(store);
    }

    [Fact]
    public async Task A_group_whose_store_was_lost_comes_back_without_anybody_else_noticing()
    {
        using StoreFixture fixture = await CreateAsync();
        string backup;
        await using (IMessageStore store = await fixture.OpenAsync())
        {
            for (int i = 0; i < 20; i++) await fixture.AppendAsync(store, i, i % 2 == 0 ? "alice" : "bob");
            backup = (await store.BackupAsync(new BackupOptions())).Path;
            for (int i = 20; i < 30; i++) await fixture.AppendAsync(store, i, "bob");
        }
        Directory.Delete(Path.Combine(fixture.Database, "store", "sg2"), recursive: true);
        await using IMessageStore broken = await fixture.OpenAsync();
        Assert.Equal(StorageState.Failed, (await broken.GetStatusAsync()).State);

        RestoreRun run = await MessageDatabase.RestoreAsync(new RestoreOptions { BackupPath = Path.GetDirectoryName(backup)!, Destination = fixture.Database, StorageGroups = ["SG2"], Force = true });

        Assert.Equal(20, run.Messages);
        Assert.Equal(StorageState.Open, (await broken.GetStatusAsync()).State);
        await fixture.AssertAllThereAsync(broken);
    }

    [Fact]
    public async Task A_restore_that_fails_leaves_the_group_as_it_was()
    {
        using StoreFixture fixture = await CreateAsync();
        await using IMessageStore store = await fixture.OpenAsync();
        for (int i = 0; i < 10; i++) await fixture.AppendAsync(store, i, "bob");
        string backup = (await store.BackupAsync(new BackupOptions())).Path;
        byte[] bytes = await File.ReadAllBytesAsync(backup);
        bytes[^9000] ^= 1;
        await File.WriteAllBytesAsync(backup, bytes);
        var options = new RestoreOptions { BackupPath = backup, Destination = fixture.Database, StorageGroups = ["SG2"], Force = true };
        Assert.Equal(ErrorKind.Damaged, (await Assert.ThrowsAsync<MessageStoreException>(() => store.RestoreGroupsAsync(options))).Kind);
        await fixture.AssertAllThereAsync(store);
        await fixture.AppendAsync(store, 50, "bob");
        await fixture.AssertAllThereAsync(store);
        Assert.Empty(Staged(fixture));
    }

    [Fact]
    public async Task A_mailbox_that_is_in_another_group_by_now_is_not_doubled()
    {
        using StoreFixture fixture = await CreateAsync();
        await using IMessageStore store = await fixture.OpenAsync();
        await fixture.AppendAsync(store, 1, "bob");
        string backup = (await store.BackupAsync(new BackupOptions())).Path;
        await store.RemoveMailboxAsync("bob");
        fixture.Digests.Clear();
        await store.CreateMailboxAsync("bob", "SG1");
        await fixture.AppendAsync(store, 2, "bob");
        var options = new RestoreOptions { BackupPath = backup, Destination = fixture.Database, StorageGroups = ["SG2"], PointInTime = DateTimeOffset.UtcNow, LogPath = Path.Combine(fixture.Root, "db", "backups"), Force = true };
        MessageStoreException refused = await Assert.ThrowsAsync<MessageStoreException>(() => store.RestoreGroupsAsync(options));
        Assert.Equal(ErrorIds.MailboxExists, refused.ErrorId);
        await fixture.AssertAllThereAsync(store);
    }

    [Fact]
    public async Task What_nobody_means_is_refused_before_anything_is_closed()
    {
        using StoreFixture fixture = await CreateAsync();
        using StoreFixture other = await CreateAsync();
        await using IMessageStore store = await fixture.OpenAsync();
        string backup = (await store.BackupAsync(new BackupOptions())).Path, foreign;
        await using (IMessageStore second = await other.OpenAsync()) foreign = (await second.BackupAsync(new BackupOptions())).Path;
        var options = new RestoreOptions { BackupPath = backup, Destination = fixture.Database, StorageGroups = ["SG2"], Force = true };
        foreach ((RestoreOptions wrong, string expected) in ((RestoreOptions, string)[])[
            (options with { StorageGroups = [] }, ErrorIds.InvalidParameter),
            (options with { StorageGroups = ["nothing"] }, ErrorIds.GroupNotFound),
            (options with { Force = false }, ErrorIds.DestinationNotEmpty),
            (options with { BackupPath = foreign }, ErrorIds.InvalidParameter),
            (options with { NewStorePath = fixture.Root }, ErrorIds.InvalidParameter)])
            Assert.Equal(expected, (await Assert.ThrowsAsync<MessageStoreException>(() => store.RestoreGroupsAsync(wrong))).ErrorId);
        Assert.Equal(StorageState.Open, (await store.GetStatusAsync()).State);
    }

    /// <summary>What a restore has laid out.</summary>
    private static IEnumerable<string> Staged(StoreFixture fixture) => Directory.EnumerateFileSystemEntries(fixture.Database, "*.restoring-*", SearchOption.AllDirectories);

    /// <summary>A database of two groups: alice is in the first, bob in the second.</summary>
    private static async Task<StoreFixture> CreateAsync()
    {
        StoreFixture fixture = await StoreFixture.CreateAsync(Groups);
        await using IMessageStore store = await fixture.OpenAsync();
        await store.CreateMailboxAsync("alice", Groups[0]);
        await store.CreateMailboxAsync("bob", Groups[1]);
        return fixture;
    }
}
