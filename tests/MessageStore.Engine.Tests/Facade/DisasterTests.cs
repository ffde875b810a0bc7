namespace MessageStore.Tests.Facade;

/// <summary>A database loses a device and comes back.</summary>
public class DisasterTests
{
    private static readonly DateTimeOffset Old = new(2020, 1, 1, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public async Task Restored_with_surviving_logs_nothing_acknowledged_is_lost()
    {
        using StoreFixture fixture = await StoreFixture.CreateAsync("SG1", "SG2");
        string backup, logs, store;
        await using (IMessageStore opened = await fixture.OpenAsync())
        {
            for (int i = 0; i < 200; i++) await fixture.AppendAsync(opened, i, $"user{i % 5}", i % 2 == 0 ? Old : null, i % 50 == 0 ? 3 << 20 : 0);
            ArchiveRun archived = await opened.ArchiveAsync(new ArchiveOptions { Before = Old.AddDays(1) });
            Assert.Equal(100, archived.Moved);
            Assert.Equal(0, archived.Failed);
            BackupRun run = await opened.BackupAsync(new BackupOptions());
            backup = run.Path;
            Assert.Equal(200, run.Messages);
            for (int i = 200; i < 260; i++) await fixture.AppendAsync(opened, i, $"user{i % 7}");
            DatabaseStatus status = await opened.GetStatusAsync();
            (logs, store) = (status.LogPath, status.StorePath);
        }
        Directory.Delete(store, recursive: true);

        RestoreRun restored = await MessageDatabase.RestoreAsync(new RestoreOptions { BackupPath = backup, Destination = Path.Combine(fixture.Root, "again"), LogPath = logs });

        Assert.Equal(260, restored.Messages);
        Assert.Empty(restored.Warnings);
        await using IMessageStore again = await MessageDatabase.OpenAsync(restored.Path);
        await fixture.AssertAllThereAsync(again);
        await fixture.AppendAsync(again, 1000);
        await fixture.AssertAllThereAsync(again);
    }

    [Fact]
    public async Task A_lost_store_is_refused_and_restored_in_its_place()
    {
        using StoreFixture fixture = await StoreFixture.CreateAsync();
        string backup;
        await using (IMessageStore opened = await fixture.OpenAsync())
        {
            for (int i = 0; i < 20; i++) await fixture.AppendAsync(opened, i);
            backup = (await opened.BackupAsync(new BackupOptions())).Path;
            await fixture.AppendAsync(opened, 20);
        }
        Directory.Delete(Path.Combine(fixture.Database, "store"), recursive: true);
        await using (IMessageStore broken = await fixture.OpenAsync())
        {
            DatabaseStatus status = await broken.GetStatusAsync();
            Assert.Equal(StorageState.Failed, status.State);
            Assert.Contains("store", status.StorageGroups[0].Reason, StringComparison.Ordinal);
        }
        MessageStoreException refused = await Assert.ThrowsAsync<MessageStoreException>(() =>
            MessageDatabase.RestoreAsync(new RestoreOptions { BackupPath = backup, Destination = fixture.Database }));
        Assert.Equal(ErrorIds.DestinationNotEmpty, refused.ErrorId);

        await MessageDatabase.RestoreAsync(new RestoreOptions { BackupPath = backup, Destination = fixture.Database, Force = true });

        await using IMessageStore again = await fixture.OpenAsync();
        await fixture.AssertAllThereAsync(again);
    }

    [Fact]
    public async Task A_point_in_time_between_two_messages_brings_the_first_and_not_the_second()
    {
        using StoreFixture fixture = await StoreFixture.CreateAsync();
        string backup, logs;
        DateTimeOffset between;
        await using (IMessageStore opened = await fixture.OpenAsync())
        {
            backup = (await opened.BackupAsync(new BackupOptions())).Path;
            await fixture.AppendAsync(opened, 1);
            between = DateTimeOffset.UtcNow;
            while (DateTimeOffset.UtcNow == between) await Task.Yield();
            await fixture.AppendAsync(opened, 2);
            logs = (await opened.GetStatusAsync()).LogPath;
        }
        RestoreRun restored = await MessageDatabase.RestoreAsync(new RestoreOptions
        {
            BackupPath = backup, Destination = Path.Combine(fixture.Root, "then"), LogPath = logs, PointInTime = between,
        });
        await using IMessageStore then = await MessageDatabase.OpenAsync(restored.Path);
        List<StoredMessage> messages = await then.ListAsync(new MessageQuery()).ToListAsync();
        Assert.Equal("message 1", Assert.Single(messages).Subject);
    }

    [Fact]
    public async Task Keys_lost_with_the_database_folder_come_back_from_the_archive_files()
    {
        using StoreFixture fixture = await StoreFixture.CreateAsync();
        string backup, logs;
        await using (IMessageStore opened = await fixture.OpenAsync())
        {
            for (int i = 0; i < 30; i++) await fixture.AppendAsync(opened, i, received: Old);
            backup = (await opened.BackupAsync(new BackupOptions())).Path;
            await opened.ArchiveAsync(new ArchiveOptions { Before = Old.AddDays(1) }); // after the backup: its image of the keys is empty
            logs = (await opened.GetStatusAsync()).LogPath;
        }
        Directory.Delete(Path.Combine(fixture.Database, "keys"), recursive: true);
        Directory.Delete(Path.Combine(fixture.Database, "store"), recursive: true);
        RestoreRun restored = await MessageDatabase.RestoreAsync(new RestoreOptions { BackupPath = backup, Destination = Path.Combine(fixture.Root, "again"), LogPath = logs });
        Assert.Empty(restored.Warnings);
        await using IMessageStore again = await MessageDatabase.OpenAsync(restored.Path);
        Assert.Equal(30, (await again.GetStatusAsync()).ArchivedMessageCount);
        await fixture.AssertAllThereAsync(again);
    }

    [Fact]
    public async Task What_was_archived_after_the_restored_backup_gets_no_second_record()
    {
        using StoreFixture fixture = await StoreFixture.CreateAsync();
        string backup, volume;
        await using (IMessageStore opened = await fixture.OpenAsync())
        {
            for (int i = 0; i < 30; i++) await fixture.AppendAsync(opened, i, received: Old);
            backup = (await opened.BackupAsync(new BackupOptions())).Path;
            await opened.ArchiveAsync(new ArchiveOptions { Before = Old.AddDays(1) });
            volume = Assert.Single((await opened.ListArchivesAsync().ToListAsync())[0].Files);
            Directory.Delete((await opened.GetStatusAsync()).LogPath, recursive: true); // so the restore ends where the backup did
        }
        long length = new FileInfo(volume).Length;
        await MessageDatabase.RestoreAsync(new RestoreOptions { BackupPath = backup, Destination = fixture.Database, Force = true });
        await using IMessageStore again = await fixture.OpenAsync();
        Assert.Equal(0, (await again.GetStatusAsync()).ArchivedMessageCount);

        ArchiveRun run = await again.ArchiveAsync(new ArchiveOptions { Before = Old.AddDays(1) });

        Assert.Equal((30, 30, 0, 0), (run.Matched, run.Moved, run.Skipped, run.Failed));
        Assert.Contains("30 messages had a whole record", Assert.Single(run.Receipts).Reason, StringComparison.Ordinal);
        Assert.Equal(length, new FileInfo(volume).Length);
        Assert.Equal(30, (await again.GetStatusAsync()).ArchivedMessageCount);
        await fixture.AssertAllThereAsync(again);
    }

    [Fact]
    public async Task A_damaged_record_of_a_message_that_the_store_still_has_is_written_anew()
    {
        using StoreFixture fixture = await StoreFixture.CreateAsync();
        string backup, volume;
        await using (IMessageStore opened = await fixture.OpenAsync())
        {
            for (int i = 0; i < 3; i++) await fixture.AppendAsync(opened, i, received: Old);
            backup = (await opened.BackupAsync(new BackupOptions())).Path;
            await opened.ArchiveAsync(new ArchiveOptions { Before = Old.AddDays(1) });
            volume = Assert.Single((await opened.ListArchivesAsync().ToListAsync())[0].Files);
            Directory.Delete((await opened.GetStatusAsync()).LogPath, recursive: true);
        }
        byte[] bytes = await File.ReadAllBytesAsync(volume);
        bytes[200] ^= 1; // in the first record
        await File.WriteAllBytesAsync(volume, bytes);
        await MessageDatabase.RestoreAsync(new RestoreOptions { BackupPath = backup, Destination = fixture.Database, Force = true });
        await using IMessageStore again = await fixture.OpenAsync();

        ArchiveRun run = await again.ArchiveAsync(new ArchiveOptions { Before = Old.AddDays(1) });

        Assert.Equal((3, 3, 0, 0), (run.Matched, run.Moved, run.Skipped, run.Failed));
        Assert.True(new FileInfo(volume).Length > bytes.Length);
        await fixture.AssertAllThereAsync(again);
    }

    [Fact]
    public async Task A_log_device_lost_between_two_sessions_costs_nothing_but_writing()
    {
        using StoreFixture fixture = await StoreFixture.CreateAsync();
        string logs;
        await using (IMessageStore opened = await fixture.OpenAsync())
        {
            for (int i = 0; i < 20; i++) await fixture.AppendAsync(opened, i);
            logs = (await opened.GetStatusAsync()).LogPath;
        }
        Directory.Delete(logs, recursive: true);
        await using IMessageStore again = await fixture.OpenAsync();
        await fixture.AssertAllThereAsync(again);
        Assert.Equal(StorageState.ReadOnly, (await again.GetStatusAsync()).State);
        MessageStoreException refused = await Assert.ThrowsAsync<MessageStoreException>(() => fixture.AppendAsync(again, 100));
        Assert.Equal(ErrorIds.GroupClosedForWriting, refused.ErrorId);
    }

    [Fact]
    public async Task A_backup_device_that_is_away_is_an_error_and_not_an_empty_folder_to_be_filled()
    {
        using StoreFixture fixture = await StoreFixture.CreateAsync();
        await using IMessageStore store = await fixture.OpenAsync();
        string backups = (await store.GetStatusAsync()).BackupPath;
        Directory.Delete(backups, recursive: true);
        MessageStoreException error = await Assert.ThrowsAsync<MessageStoreException>(() => store.BackupAsync(new BackupOptions()));
        Assert.Equal(ErrorIds.PathNotFound, error.ErrorId);
        Assert.False(Directory.Exists(backups));
    }

    [Fact]
    public async Task A_backup_that_failed_its_drill_is_not_what_a_restore_from_the_folder_takes()
    {
        using StoreFixture fixture = await StoreFixture.CreateAsync();
        string good, bad;
        await using (IMessageStore store = await fixture.OpenAsync())
        {
            await fixture.AppendAsync(store, 1);
            good = (await store.BackupAsync(new BackupOptions())).Path;
            bad = (await store.BackupAsync(new BackupOptions())).Path;
        }
        using (FileStream file = File.OpenWrite(bad))
        {
            file.Position = file.Length / 2;
            file.Write([1, 2, 3, 4]);
        }
        Assert.Equal(DrillResult.Failed, (await MessageDatabase.TestBackupAsync(bad)).Result);
        RestoreRun run = await MessageDatabase.RestoreAsync(new RestoreOptions { BackupPath = Path.GetDirectoryName(good)!, Destination = Path.Combine(fixture.Root, "again") });
        Assert.Equal(good, run.BackupPath);
    }
}
