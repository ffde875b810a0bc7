using MessageStore.Archiving;
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
            Assert.Equal((before.StorageDate, before.DeletionDate, before.Sha256), (after.StorageDate, after.DeletionDate, after.Sha256));
            Assert.Equal(ArchivePaths.Generation(before.Volume, 2), after.Volume);
            Assert.Equal(after.Volume, Assert.Single(Keys(store).List().Select(k => k.Volume).Distinct()));
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
    public async Task Without_a_good_copy_the_report_says_where_it_looked_and_the_damaged_file_is_kept()
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

        Assert.Equal(2, test.Findings.Count);
        DatabaseFinding finding = test.Findings[0];
        Assert.Equal((DatabaseTestResult.Damaged, key.Id, "alice", file), (test.Result, finding.Id!.Value, finding.Mailbox, finding.File));
        Assert.False(finding.IsRepaired);
        Assert.Contains("no good copy", finding.Problem, StringComparison.Ordinal);
        Assert.Contains($"1 backups at {Path.GetDirectoryName(backup.Path)}", finding.Problem, StringComparison.Ordinal);
        DatabaseFinding mended = test.Findings[1];
        Assert.Equal((file, key.Offset, "alice"), (mended.File, mended.Offset!.Value, mended.Mailbox));
        Assert.StartsWith("its 4 whole records", mended.RepairedFrom, StringComparison.Ordinal);
        string aside = Assert.Single(Directory.GetFiles(Path.GetDirectoryName(file)!, "*.damaged-*"));
        Assert.Contains($"kept as {aside}", mended.Problem, StringComparison.Ordinal);
        Assert.Contains("1 keys go on pointing", mended.Problem, StringComparison.Ordinal);
        Assert.Equal(bytes, await File.ReadAllBytesAsync(aside));
        Assert.Equal([key], Keys(store).Find(key.Id));

        // The key is kept, and said again each time, with the place of what is left.
        DatabaseFinding again = Assert.Single((await store.TestAsync(new DatabaseTestOptions { Repair = true })).Findings);
        Assert.Contains("keys of 1 messages", again.Problem, StringComparison.Ordinal);
        Assert.Contains($"set aside as {aside}", again.Problem, StringComparison.Ordinal);
        ArchiveFinding seen = Assert.Single((await store.TestArchiveAsync(new ArchiveTestOptions())).Findings);
        Assert.Contains($"set aside as {aside}", seen.Problem, StringComparison.Ordinal);

        // Another copy of the file turns up: put where the key says, it is all that is needed.
        bytes[key.Offset + key.Length - 20] ^= 4;
        await File.WriteAllBytesAsync(file, bytes);
        Assert.Equal(DatabaseTestResult.Whole, (await store.TestAsync(new DatabaseTestOptions())).Result);
        await fixture.AssertAllThereAsync(store);
    }

    [Fact]
    public async Task A_lost_record_comes_back_later_from_the_log_of_a_group_that_was_not_tested()
    {
        using StoreFixture fixture = await StoreFixture.CreateAsync("SG1", "SG2");
        await using IMessageStore store = await fixture.OpenAsync();
        ArchiveKey key = await ArchiveAndDamageAsync(fixture, store, 0);
        Assert.True(((EmbeddedMessageStore)store).Database.Mail.TryFind(key.Id, out StorageGroup group, out _));
        string other = group.Name == "SG1" ? "SG2" : "SG1";
        string file = ArchiveFile(fixture);
        byte[] bytes = await File.ReadAllBytesAsync(file);

        DatabaseFinding left = Assert.Single((await store.TestAsync(new DatabaseTestOptions { Repair = true, StorageGroups = [other] })).Findings);

        Assert.False(left.IsRepaired);
        Assert.Contains("Test all storage groups", left.Problem, StringComparison.Ordinal);
        Assert.Equal(bytes, await File.ReadAllBytesAsync(file));
        Assert.Equal("the log", await RepairAsync(store));
    }

    [Fact]
    public async Task Damage_that_nobody_needs_is_taken_out_too()
    {
        using StoreFixture fixture = await StoreFixture.CreateAsync();
        await using (IMessageStore store = await fixture.OpenAsync())
        {
            ArchiveKey key = await ArchiveAndDamageAsync(fixture, store, 0);
            await store.DeleteAsync(key.Id);
            fixture.Digests.Remove(key.Id);
            Assert.Empty((await store.TestAsync(new DatabaseTestOptions())).Findings);
            DatabaseFinding finding = Assert.Single((await store.TestAsync(new DatabaseTestOptions { Repair = true })).Findings);
            Assert.Equal((key.Offset, true), (finding.Offset!.Value, finding.IsRepaired));
            Assert.Equal(DatabaseTestResult.Whole, (await store.TestArchiveAsync(new ArchiveTestOptions())).Result);
            Assert.Equal(1, (await store.ExpireAsync(new ExpiryOptions { KeepDeletedFor = TimeSpan.Zero, MinimumDeadShare = 0 })).Reclaimed);
            Assert.Equal(4, Keys(store).Count);
        }
        await AssertWholeAsync(fixture);
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
            IReadOnlyList<DatabaseFinding> findings = (await store.TestAsync(new DatabaseTestOptions { Repair = true })).Findings;
            Assert.Equal(2, findings.Count);
            Assert.Contains("It was not repaired: A run of archive", findings[0].Problem, StringComparison.Ordinal);
            Assert.Contains("It was left as it is: A run of archive", findings[1].Problem, StringComparison.Ordinal);
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
        Assert.Equal(2, test.Findings.Count);
        Assert.Contains("whole records", test.Findings[1].RepairedFrom, StringComparison.Ordinal);
        return test.Findings[0].RepairedFrom;
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
