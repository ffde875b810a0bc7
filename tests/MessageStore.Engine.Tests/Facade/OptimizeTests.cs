using MessageStore.Storage;
using MessageStore.Tests.Storage;
using MessageStore.Tests.Support;

namespace MessageStore.Tests.Facade;

/// <summary>Archive now, free later; and logs that no backup lets go of are spoken of.</summary>
public class OptimizeTests
{
    [Fact]
    public async Task The_space_of_archived_mail_is_back_on_the_disk_when_it_returns()
    {
        using StoreFixture fixture = await StoreFixture.CreateAsync("SG1", "SG2");
        await using (IMessageStore store = await fixture.OpenAsync())
        {
            for (int i = 0; i < 40; i++) await fixture.AppendAsync(store, i, i % 2 == 0 ? "alice" : "bob", size: 20_000);
            await store.ArchiveAsync(new ArchiveOptions());
            long before = StoreBytes(fixture);
            List<StorageGroupOptimization> preview = await RunAsync(store, new OptimizeOptions { DryRun = true });
            Assert.Equal(before, StoreBytes(fixture));
            List<StorageGroupOptimization> done = await RunAsync(store, new OptimizeOptions());
            long after = StoreBytes(fixture);
            Assert.True(after < 100_000, $"{before} before, {after} after");
            Assert.Equal(["SG1", "SG2"], done.Select(d => d.StorageGroup));
            Assert.All(done, d => Assert.Equal("", d.Reason));
            Assert.Equal(preview.Sum(p => p.BytesFreed), done.Sum(d => d.BytesFreed));
            Assert.InRange(before - after, done.Sum(d => d.BytesFreed) - 8192, done.Sum(d => d.BytesFreed));
            Assert.Equal(after, (await store.GetStatusAsync()).StorageGroups.Sum(g => g.StoreBytes));
            await fixture.AssertAllThereAsync(store);
        }
        await using IMessageStore reopened = await fixture.OpenAsync();
        await fixture.AssertAllThereAsync(reopened);
        Assert.Equal(DrillResult.Verified, (await MessageDatabase.TestBackupAsync((await reopened.BackupAsync(new BackupOptions())).Path)).Result);
    }

    [Fact]
    public async Task A_backup_made_among_compactions_is_verified()
    {
        using StoreFixture fixture = await StoreFixture.CreateAsync();
        await using IMessageStore store = await fixture.OpenAsync();
        for (int i = 0; i < 60; i++)
        {
            StoredMessage message = await fixture.AppendAsync(store, i, size: 500_000);
            if (i % 3 != 0) await store.DeleteAsync(message.Id);
        }
        Task<BackupRun> backup = store.BackupAsync(new BackupOptions());
        while (!backup.IsCompleted) await RunAsync(store, new OptimizeOptions { MinimumDeadShare = 0.1 });
        Assert.Equal(DrillResult.Verified, (await MessageDatabase.TestBackupAsync((await backup).Path)).Result);
    }

    [Fact]
    public async Task A_share_that_is_none_and_a_group_that_is_not_there_are_errors()
    {
        using StoreFixture fixture = await StoreFixture.CreateAsync();
        await using IMessageStore store = await fixture.OpenAsync();
        Assert.Equal(ErrorIds.InvalidParameter, (await Assert.ThrowsAsync<MessageStoreException>(() => RunAsync(store, new OptimizeOptions { MinimumDeadShare = 2 }))).ErrorId);
        Assert.Equal(ErrorIds.GroupNotFound, (await Assert.ThrowsAsync<MessageStoreException>(() => RunAsync(store, new OptimizeOptions { StorageGroups = ["none"] }))).ErrorId);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Logs_that_no_backup_lets_go_of_are_reported_unless_logging_is_circular(bool circular)
    {
        var storage = new MemoryStorage();
        GroupOptions options = TestGroup.Small with { CircularLogging = circular, LogFileLimit = 200_000, LogWarningBytes = 700_000, LogWarningLeast = 400_000 };
        TestGroup.Create(storage, options: options);
        using StorageGroup group = TestGroup.Open(storage, options: options);
        Assert.Equal("", group.GetStatus().Warning);
        var workload = new Workload(1);
        workload.Submit(group, [Step.CreateMailbox(TestGroup.Salt, 1, "ada")]);
        for (int i = 0; i < 60; i++)
        {
            ModelMessage message = workload.NewMessage(workload.Model.Mailboxes[1], 20_000);
            workload.Submit(group, [.. Step.Append(TestGroup.Salt, message), Step.Delete(TestGroup.Salt, message.Id)]);
        }
        for (int i = 0; i < 3; i++)
        {
            await group.CommitAsync(Transaction.Vouch(TestGroup.Salt));
            group.Checkpoint(CancellationToken.None);
        }
        if (circular)
        {
            Assert.True(group.GetStatus().LogBytes < 400_000);
            Assert.Equal("", group.GetStatus().Warning);
            return;
        }
        Assert.True(group.GetStatus().LogBytes > 1_000_000);
        Assert.Contains("no backup was ever made", group.GetStatus().Warning, StringComparison.Ordinal);
        await group.BackedUpAsync(new BackupMark(Guid.NewGuid(), group.LastLsn, DateTime.UnixEpoch.Ticks));
        Assert.Contains("no backup since 1970-01-01", group.GetStatus().Warning, StringComparison.Ordinal);
        group.Checkpoint(CancellationToken.None);
        await group.CommitAsync(Transaction.Vouch(TestGroup.Salt));
        group.Checkpoint(CancellationToken.None);
        Assert.Equal("", group.GetStatus().Warning);
    }

    private static async Task<List<StorageGroupOptimization>> RunAsync(IMessageStore store, OptimizeOptions options)
    {
        var results = new List<StorageGroupOptimization>();
        await foreach (StorageGroupOptimization result in store.OptimizeAsync(options)) results.Add(result);
        return results;
    }

    private static long StoreBytes(StoreFixture fixture) =>
        Directory.GetFiles(Path.Combine(fixture.Database, "store"), "*.seg", SearchOption.AllDirectories).Sum(f => new FileInfo(f).Length);
}
