using MessageStore.Keys;
using MessageStore.Storage;

namespace MessageStore.Tests.Facade;

/// <summary>A damaged archive record is made anew from a good copy of its message, with the dates that it had; where there is none the report says so.</summary>
public sealed class RecordRepairTests
{
    private static readonly TimeSpan Retention = TimeSpan.FromDays(400);

    [Theory]
    [InlineData(0)]
    [InlineData(3_000_000)]
    public async Task A_damaged_record_is_made_anew_from_the_log(int size)
    {
        using StoreFixture fixture = await StoreFixture.CreateAsync();
        await using (IMessageStore store = await fixture.OpenAsync())
        {
            ArchiveKey before = await ArchiveAndDamageAsync(fixture, store, size);
            Assert.Equal("the log", await RepairAsync(store));
            ArchiveKey after = Assert.Single(Keys(store).Find(before.Id));
            Assert.Equal((before.StorageDate, before.DeletionDate, before.Sha256, before.Volume), (after.StorageDate, after.DeletionDate, after.Sha256, after.Volume));
            Assert.NotEqual(before.Offset, after.Offset);
            await fixture.AssertAllThereAsync(store);
        }
        await AssertWholeAsync(fixture);
    }

    [Fact]
    public async Task It_is_made_anew_from_the_dead_space_of_the_store_when_the_logs_are_gone()
    {
        using StoreFixture fixture = await StoreFixture.CreateAsync();
        await using IMessageStore store = await fixture.OpenAsync();
        await ArchiveAndDamageAsync(fixture, store, 3_000_000);
        File.Delete((await store.BackupAsync(new BackupOptions())).Path);
        await TrimLogsAsync(store);
        Assert.Equal("the dead space of the store", await RepairAsync(store));
        await fixture.AssertAllThereAsync(store);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3_000_000)]
    public async Task It_is_made_anew_from_an_older_backup_when_the_store_has_given_its_space_back(int size)
    {
        using StoreFixture fixture = await StoreFixture.CreateAsync();
        await using (IMessageStore store = await fixture.OpenAsync())
        {
            BackupRun? hot = null;
            await ArchiveAndDamageAsync(fixture, store, size, async () => hot = await store.BackupAsync(new BackupOptions()));
            File.Delete((await store.BackupAsync(new BackupOptions())).Path);
            await TrimLogsAsync(store);
            await store.OptimizeAsync(new OptimizeOptions { MinimumDeadShare = 0 }).ToListAsync();
            Assert.Equal(hot!.Path, await RepairAsync(store));
            await fixture.AssertAllThereAsync(store);
        }
        await AssertWholeAsync(fixture);
    }

    [Fact]
    public async Task Without_a_good_copy_the_report_says_where_it_looked_and_nothing_is_changed()
    {
        using StoreFixture fixture = await StoreFixture.CreateAsync();
        await using IMessageStore store = await fixture.OpenAsync();
        ArchiveKey key = await ArchiveAndDamageAsync(fixture, store, 0);
        BackupRun backup = await store.BackupAsync(new BackupOptions());
        await TrimLogsAsync(store);
        await store.OptimizeAsync(new OptimizeOptions { MinimumDeadShare = 0 }).ToListAsync();
        string file = ArchiveFile(fixture);
        byte[] bytes = await File.ReadAllBytesAsync(file);

        DatabaseTest test = await store.TestAsync(new DatabaseTestOptions { Repair = true });

        DatabaseFinding finding = Assert.Single(test.Findings);
        Assert.Equal((DatabaseTestResult.Damaged, key.Id, "alice", file), (test.Result, finding.Id!.Value, finding.Mailbox, finding.File));
        Assert.False(finding.IsRepaired);
        Assert.Contains("no good copy", finding.Problem, StringComparison.Ordinal);
        Assert.Contains($"1 backups at {Path.GetDirectoryName(backup.Path)}", finding.Problem, StringComparison.Ordinal);
        Assert.Equal(bytes, await File.ReadAllBytesAsync(file));
        Assert.Equal([key], Keys(store).Find(key.Id));
    }

    [Fact]
    public async Task Records_of_a_file_that_is_gone_come_back_in_the_next_generation_of_their_month()
    {
        using StoreFixture fixture = await StoreFixture.CreateAsync();
        await using (IMessageStore store = await fixture.OpenAsync())
        {
            await ArchiveAndDamageAsync(fixture, store, 0);
            string file = ArchiveFile(fixture);
            File.Delete(file);

            DatabaseTest test = await store.TestAsync(new DatabaseTestOptions { Repair = true });

            Assert.Equal((DatabaseTestResult.Repaired, 5L), (test.Result, test.Repaired));
            Assert.EndsWith(".2.mbox.gz", ArchiveFile(fixture), StringComparison.Ordinal);
            await fixture.AssertAllThereAsync(store);
            await fixture.AppendAsync(store, 50);
            Assert.Equal(1, (await store.ArchiveAsync(new ArchiveOptions())).Moved);
            Assert.EndsWith(".2.mbox.gz", ArchiveFile(fixture), StringComparison.Ordinal);
        }
        await AssertWholeAsync(fixture);
    }

    [Fact]
    public async Task While_the_archive_agent_runs_nothing_is_appended_and_the_report_says_why()
    {
        using StoreFixture fixture = await StoreFixture.CreateAsync();
        await using IMessageStore store = await fixture.OpenAsync();
        await ArchiveAndDamageAsync(fixture, store, 0);
        MessageStore.Storage.MailDatabase mail = ((EmbeddedMessageStore)store).Database.Mail;
        using (MessageStore.Maintenance.MaintenanceLock.Take(mail.Storage, mail.Path, MaintenanceTask.Archive, TimeProvider.System))
        {
            DatabaseFinding finding = Assert.Single((await store.TestAsync(new DatabaseTestOptions { Repair = true })).Findings);
            Assert.Contains("It was not repaired: A run of archive", finding.Problem, StringComparison.Ordinal);
        }
        Assert.Equal("the log", await RepairAsync(store));
    }

    /// <summary>Five messages in the archive; the record of the last is damaged.</summary>
    private static async Task<ArchiveKey> ArchiveAndDamageAsync(StoreFixture fixture, IMessageStore store, int size, Func<Task>? beforeArchiving = null)
    {
        for (int i = 0; i < 4; i++) await fixture.AppendAsync(store, i);
        Guid id = (await fixture.AppendAsync(store, 100, size: size)).Id;
        if (beforeArchiving is not null) await beforeArchiving();
        await store.ArchiveAsync(new ArchiveOptions { RetainFor = Retention });
        ArchiveKey key = Assert.Single(Keys(store).Find(id));
        using var file = new FileStream(ArchiveFile(fixture), FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        file.Position = key.Offset + key.Length - 20;
        int value = file.ReadByte();
        file.Position--;
        file.WriteByte((byte)(value ^ 4));
        return key;
    }

    private static string ArchiveFile(StoreFixture fixture) => Assert.Single(Directory.GetFiles(Path.Combine(fixture.Database, "archive"), "*.mbox.gz", SearchOption.AllDirectories));

    private static async Task<string> RepairAsync(IMessageStore store)
    {
        DatabaseTest test = await store.TestAsync(new DatabaseTestOptions { Repair = true });
        Assert.Equal(DatabaseTestResult.Repaired, test.Result);
        Assert.Equal(DatabaseTestResult.Whole, (await store.TestAsync(new DatabaseTestOptions())).Result);
        return Assert.Single(test.Findings).RepairedFrom;
    }

    private static async Task AssertWholeAsync(StoreFixture fixture)
    {
        await using IMessageStore reopened = await fixture.OpenAsync();
        Assert.Empty((await reopened.TestAsync(new DatabaseTestOptions())).Findings);
        await fixture.AssertAllThereAsync(reopened);
    }

    private static KeySwitch Keys(IMessageStore store) => ((EmbeddedMessageStore)store).Database.Keys;

    /// <summary>Takes the checkpoints after which no log from before the newest backup is left.</summary>
    private static async Task TrimLogsAsync(IMessageStore store)
    {
        StorageGroup group = ((EmbeddedMessageStore)store).Database.Mail.Group("SG1");
        for (int i = 0; i < 3; i++)
        {
            await group.CommitAsync(Transaction.Vouch(group.Identity.Salt));
            group.Checkpoint(CancellationToken.None);
        }
    }
}
