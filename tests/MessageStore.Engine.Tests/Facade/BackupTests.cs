using MessageStore.Messages;

namespace MessageStore.Tests.Facade;

/// <summary>Backups are made beside users, and only good ones are called good.</summary>
public class BackupTests
{
    [Fact]
    public async Task Transactions_during_a_session_are_in_the_backup()
    {
        using StoreFixture fixture = await StoreFixture.CreateAsync();
        await using IMessageStore store = await fixture.OpenAsync();
        for (int i = 0; i < 50; i++) await fixture.AppendAsync(store, i, size: 64 << 10);
        StoredMessage first = (await store.ListAsync(new MessageQuery()).ToListAsync())[0];
        BackupRun run = await store.BackupAsync(new BackupOptions(), new DuringBackup(async () =>
        {
            await Task.WhenAll(Enumerable.Range(100, 20).Select(n => fixture.AppendAsync(store, n)));
            await fixture.AppendAsync(store, 200, size: 3 << 20);
            await store.SetFlagsAsync(first.Id, MessageFlags.Read, MessageFlags.None);
            await store.DeleteAsync(first.Id);
        }));
        fixture.Digests.Remove(first.Id);
        Assert.Equal(20 + 3 + 2, run.PatchTransactions); // the message of 3 MiB comes in three parts
        BackupDrill drill = await MessageDatabase.TestBackupAsync(run.Path);
        Assert.Equal("", drill.Reason);
        Assert.Equal(DrillResult.Verified, drill.Result);
        Assert.Equal(70, drill.Messages);
        RestoreRun restored = await MessageDatabase.RestoreAsync(new RestoreOptions { BackupPath = run.Path, Destination = Path.Combine(fixture.Root, "again") });
        await using IMessageStore again = await MessageDatabase.OpenAsync(restored.Path);
        await fixture.AssertAllThereAsync(again);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(100)]
    [InlineData(-1)]
    [InlineData(-4096)]
    public async Task A_backup_that_was_cut_is_none(int at)
    {
        using StoreFixture fixture = await StoreFixture.CreateAsync();
        await using IMessageStore store = await fixture.OpenAsync();
        await fixture.AppendAsync(store, 1);
        string path = (await store.BackupAsync(new BackupOptions())).Path;
        using (FileStream file = File.OpenWrite(path)) file.SetLength(at >= 0 ? at : file.Length + at);
        Assert.Equal(DrillResult.Failed, (await MessageDatabase.TestBackupAsync(path)).Result);
        Assert.False(MessageDatabase.ListBackups(path)[0].IsComplete);
        MessageStoreException error = await Assert.ThrowsAsync<MessageStoreException>(() =>
            MessageDatabase.RestoreAsync(new RestoreOptions { BackupPath = path, Destination = Path.Combine(fixture.Root, "x") }));
        Assert.Contains(error.ErrorId, (string[])[ErrorIds.BackupIncomplete, ErrorIds.BackupDamaged]);
        Assert.False(Directory.Exists(Path.Combine(fixture.Root, "x")));
    }

    [Fact]
    public async Task Bytes_behind_the_trailer_fail_the_drill()
    {
        using StoreFixture fixture = await StoreFixture.CreateAsync();
        await using IMessageStore store = await fixture.OpenAsync();
        await fixture.AppendAsync(store, 1);
        string path = (await store.BackupAsync(new BackupOptions())).Path;
        await File.AppendAllTextAsync(path, "x");
        Assert.Equal(DrillResult.Failed, (await MessageDatabase.TestBackupAsync(path)).Result);
    }

    [Fact]
    public async Task Archive_and_backup_never_run_at_the_same_time()
    {
        using StoreFixture fixture = await StoreFixture.CreateAsync();
        await using IMessageStore store = await fixture.OpenAsync();
        await fixture.AppendAsync(store, 1);
        using var turn = MessageStore.Maintenance.MaintenanceLock.Take(MessageStore.IO.DiskStorage.Instance, fixture.Database, MaintenanceTask.Backup, TimeProvider.System);
        MessageStoreException archive = await Assert.ThrowsAsync<MessageStoreException>(() => store.ArchiveAsync(new ArchiveOptions()));
        Assert.Equal(ErrorIds.MaintenanceRunning, archive.ErrorId);
        Assert.Contains("backup", archive.Message, StringComparison.Ordinal);
        Assert.Contains(Environment.ProcessId.ToString(System.Globalization.CultureInfo.InvariantCulture), archive.Message, StringComparison.Ordinal);
        Assert.Equal(ErrorIds.MaintenanceRunning, (await Assert.ThrowsAsync<MessageStoreException>(() => store.BackupAsync(new BackupOptions()))).ErrorId);
    }

    [Fact]
    public async Task Maintenance_archives_and_backs_up_in_turn_and_records_why()
    {
        using StoreFixture fixture = await StoreFixture.CreateAsync();
        await using IMessageStore store = await fixture.OpenAsync();
        await fixture.AppendAsync(store, 1, received: DateTimeOffset.UtcNow.AddYears(-1));
        var options = new MaintenanceOptions { Archive = new ArchiveOptions { OlderThan = TimeSpan.FromDays(30) }, Cycles = 2, BackupInterval = TimeSpan.FromHours(1) };
        List<MaintenanceRecord> records = await store.MaintainAsync(options).ToListAsync();
        Assert.Equal([MaintenanceTask.Archive, MaintenanceTask.Backup, MaintenanceTask.Archive, MaintenanceTask.Backup], records.Select(r => r.Task));
        Assert.Equal([MaintenanceDecision.Ran, MaintenanceDecision.Ran, MaintenanceDecision.Ran, MaintenanceDecision.Skipped], records.Select(r => r.Decision));
        Assert.All(records, r => Assert.NotEqual("", r.Reason));
        List<MaintenanceRecord> history = await store.ListHistoryAsync().ToListAsync();
        Assert.Equal(records.Select(r => r.Reason).Reverse(), history.Select(r => r.Reason));
    }

    [Fact]
    public async Task A_message_of_150_MB_is_stored_read_archived_and_restored()
    {
        const int Size = 150 << 20;
        using StoreFixture fixture = await StoreFixture.CreateAsync();
        string backup;
        await using (IMessageStore store = await fixture.OpenAsync())
        {
            string expected;
            using (MessageBody body = MessageBody.FromStream(new ZeroStream(Size)))
            {
                Assert.False(body.IsInMemory);
                expected = Convert.ToHexStringLower(body.Sha256);
                StoredMessage stored = await store.AppendAsync(new MessageToAppend { Mailbox = "big", Body = body, ReceivedDate = DateTimeOffset.UnixEpoch });
                fixture.Digests[stored.Id] = expected;
            }
            await fixture.AssertAllThereAsync(store);
            backup = (await store.BackupAsync(new BackupOptions())).Path;
            Assert.Equal(1, (await store.ArchiveAsync(new ArchiveOptions())).Moved);
            await fixture.AssertAllThereAsync(store);
        }
        RestoreRun restored = await MessageDatabase.RestoreAsync(new RestoreOptions { BackupPath = backup, Destination = Path.Combine(fixture.Root, "again") });
        await using IMessageStore again = await MessageDatabase.OpenAsync(restored.Path);
        await fixture.AssertAllThereAsync(again);
    }

    private sealed class ZeroStream(long length) : Stream
    {
        private long position;
        public override bool CanRead => true;
        public override bool CanSeek => false;
        public override bool CanWrite => false;
        public override long Length => length;
        public override long Position { get => position; set => throw new NotSupportedException(); }

        public override int Read(byte[] buffer, int offset, int count)
        {
            int read = (int)Math.Min(count, length - position);
            buffer.AsSpan(offset, read).Clear();
            position += read;
            return read;
        }

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
        public override void SetLength(long value) => throw new NotSupportedException();
        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
