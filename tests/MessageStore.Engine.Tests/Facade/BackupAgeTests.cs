namespace MessageStore.Tests.Facade;

/// <summary>The age of the newest backup is that of one that is there.</summary>
public class BackupAgeTests
{
    [Fact]
    public async Task A_backup_that_has_gone_does_not_count_and_is_missed()
    {
        using StoreFixture fixture = await StoreFixture.CreateAsync();
        await using IMessageStore store = await fixture.OpenAsync();
        await fixture.AppendAsync(store, 1);
        Assert.Null((await store.GetStatusAsync()).BackupAge);
        BackupRun first = await store.BackupAsync(new BackupOptions());
        BackupRun elsewhere = await store.BackupAsync(new BackupOptions { Destinations = [Path.Combine(fixture.Root, "far")] });
        TimeSpan age = (await store.GetStatusAsync()).BackupAge!.Value;
        Assert.InRange(age, TimeSpan.Zero, DateTimeOffset.UtcNow - elsewhere.Started);
        File.Delete(elsewhere.Path);
        DatabaseStatus status = await store.GetStatusAsync();
        Assert.InRange(status.BackupAge!.Value, DateTimeOffset.UtcNow - first.Started - TimeSpan.FromMinutes(2), DateTimeOffset.UtcNow - first.Started);
        Assert.True(status.BackupAge > age);
        Assert.Contains(elsewhere.Path, status.StorageGroups[0].Warning, StringComparison.Ordinal);
        Assert.Contains(first.Path, status.StorageGroups[0].Warning, StringComparison.Ordinal);
        File.Delete(first.Path);
        Assert.Null((await store.GetStatusAsync()).BackupAge);
    }

    [Fact]
    public async Task A_set_whose_base_has_gone_does_not_count()
    {
        using StoreFixture fixture = await StoreFixture.CreateAsync();
        await using IMessageStore store = await fixture.OpenAsync();
        await fixture.AppendAsync(store, 1);
        BackupRun full = await store.BackupAsync(new BackupOptions());
        await store.BackupAsync(new BackupOptions { Kind = BackupKind.Incremental });
        Assert.NotNull((await store.GetStatusAsync()).BackupAge);
        File.Delete(full.Path);
        DatabaseStatus status = await store.GetStatusAsync();
        Assert.Null(status.BackupAge);
        Assert.Contains(full.Path, status.StorageGroups[0].Warning, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_restored_database_knows_the_backup_that_it_came_from()
    {
        using StoreFixture fixture = await StoreFixture.CreateAsync();
        BackupRun run;
        await using (IMessageStore store = await fixture.OpenAsync())
        {
            await fixture.AppendAsync(store, 1);
            await store.BackupAsync(new BackupOptions());
            await fixture.AppendAsync(store, 2);
            run = await store.BackupAsync(new BackupOptions { Kind = BackupKind.Incremental });
        }
        RestoreRun restored = await MessageDatabase.RestoreAsync(new RestoreOptions { BackupPath = run.Path, Destination = Path.Combine(fixture.Root, "again") });
        await using IMessageStore again = await MessageDatabase.OpenAsync(restored.Path);
        DatabaseStatus status = await again.GetStatusAsync();
        Assert.InRange(status.BackupAge!.Value, TimeSpan.Zero, DateTimeOffset.UtcNow - run.Started);
        Assert.Equal("", status.StorageGroups[0].Warning);
        await fixture.AssertAllThereAsync(again);
    }

    [Fact]
    public async Task What_was_saved_of_a_damaged_backup_has_no_backup()
    {
        using StoreFixture fixture = await StoreFixture.CreateAsync();
        string path;
        await using (IMessageStore store = await fixture.OpenAsync())
        {
            for (int i = 0; i < 5; i++) await fixture.AppendAsync(store, i, size: 50_000);
            path = (await store.BackupAsync(new BackupOptions())).Path;
        }
        byte[] bytes = await File.ReadAllBytesAsync(path);
        bytes[bytes.Length / 2] ^= 1;
        await File.WriteAllBytesAsync(path, bytes);
        RestoreRun restored = await MessageDatabase.RestoreAsync(new RestoreOptions { BackupPath = path, Destination = Path.Combine(fixture.Root, "again"), SkipDamaged = true });
        Assert.Equal(1, restored.Lost);
        await using IMessageStore again = await MessageDatabase.OpenAsync(restored.Path);
        Assert.Null((await again.GetStatusAsync()).BackupAge);
    }
}
