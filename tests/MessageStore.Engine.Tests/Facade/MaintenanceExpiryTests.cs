using MessageStore.IO;
using MessageStore.Maintenance;

namespace MessageStore.Tests.Facade;

/// <summary>The archive half of a maintenance run removes what has expired, behind the archiving.</summary>
public sealed class MaintenanceExpiryTests
{
    private static readonly DateTimeOffset Old = new(2001, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly ArchiveOptions Keep = new() { Before = new DateTimeOffset(2020, 1, 1, 0, 0, 0, TimeSpan.Zero) };
    private static readonly ArchiveOptions Expire = Keep with { RetainFor = TimeSpan.FromTicks(1) };

    [Fact]
    public async Task What_has_expired_goes_what_is_held_stays_and_the_record_and_the_history_say_both()
    {
        using StoreFixture fixture = await StoreFixture.CreateAsync("SG1", "SG2");
        await using IMessageStore store = await fixture.OpenAsync();
        List<Guid> alice = await AppendAsync(fixture, store, 0, 4);
        await store.ArchiveAsync(Expire);
        await store.AddHoldAsync(new HoldRequest { Ids = [alice[1]], Reason = "Case 12.", By = "root" });
        await AppendAsync(fixture, store, 10, 2);

        List<MaintenanceRecord> records = await store.MaintainAsync(new MaintenanceOptions { Archive = Keep }).ToListAsync();

        Assert.Equal([MaintenanceTask.Archive, MaintenanceTask.Backup], records.Select(r => r.Task));
        MaintenanceRecord record = records[0];
        Assert.Equal(MaintenanceDecision.Ran, record.Decision);
        Assert.Equal("due; 3 expired messages removed; 1 expired messages kept by holds", record.Reason);
        Assert.Equal(2, ((ArchiveRun)record.Result!).Moved);
        Assert.Equal((4, 3, 1), (record.Expiry!.Due, record.Expiry.Removed, record.Expiry.Held));
        Assert.Contains("Case 12.", Assert.Single(record.Expiry.Receipts).Reason, StringComparison.Ordinal);
        MaintenanceRecord remembered = (await store.ListHistoryAsync().ToListAsync())[1];
        Assert.Equal((record.Reason, null), (remembered.Reason, remembered.Expiry));
        Assert.Single(Directory.EnumerateFiles(Path.Combine(fixture.Database, "runs"), "*-expiry-*"));
        foreach (Guid id in (Guid[])[alice[0], alice[2], alice[3]]) fixture.Digests.Remove(id);
        await fixture.AssertAllThereAsync(store);
        Assert.Equal(DatabaseTestResult.Whole, (await store.TestAsync(new DatabaseTestOptions())).Result);
    }

    [Fact]
    public async Task It_is_left_where_that_is_said_and_by_the_backup_half()
    {
        using StoreFixture fixture = await StoreFixture.CreateAsync();
        await using IMessageStore store = await fixture.OpenAsync();
        await AppendAsync(fixture, store, 0, 3);
        await store.ArchiveAsync(Expire);
        List<MaintenanceRecord> records = await store.MaintainAsync(new MaintenanceOptions { Archive = Keep, SkipExpiry = true }).ToListAsync();
        records.AddRange(await store.MaintainAsync(new MaintenanceOptions { Task = MaintenanceTask.Backup }).ToListAsync());
        records.AddRange(await store.MaintainAsync(new MaintenanceOptions { Archive = Keep with { DryRun = true } }).ToListAsync());
        Assert.Equal(new long?[] { null, null, null, 3, null }, records.Select(r => r.Expiry?.Due));
        Assert.All(records, r => Assert.Equal(0, r.Expiry?.Removed ?? 0));
        await fixture.AssertAllThereAsync(store);
    }

    [Fact]
    public async Task Without_criteria_nothing_is_archived_and_what_has_expired_goes_all_the_same()
    {
        using StoreFixture fixture = await StoreFixture.CreateAsync();
        await using IMessageStore store = await fixture.OpenAsync();
        await AppendAsync(fixture, store, 0, 3);
        MaintenanceRecord nothing = await store.MaintainAsync(new MaintenanceOptions { Task = MaintenanceTask.Archive }).SingleAsync();
        Assert.Equal((MaintenanceDecision.Skipped, "no archive criteria were given, and no policy is set"), (nothing.Decision, nothing.Reason));
        await store.ArchiveAsync(Expire);

        MaintenanceRecord record = await store.MaintainAsync(new MaintenanceOptions { Task = MaintenanceTask.Archive }).SingleAsync();

        Assert.Equal((MaintenanceDecision.Ran, "no archive criteria were given, and no policy is set; 3 expired messages removed"), (record.Decision, record.Reason));
        Assert.Null(record.Result);
        fixture.Digests.Clear();
        await fixture.AssertAllThereAsync(store);
        Assert.Equal(MaintenanceDecision.Skipped, (await store.MaintainAsync(new MaintenanceOptions { Task = MaintenanceTask.Archive }).SingleAsync()).Decision);
    }

    [Fact]
    public async Task Where_the_removal_fails_the_record_says_failed_and_why_and_the_archiving_is_kept()
    {
        using StoreFixture fixture = await StoreFixture.CreateAsync();
        await using IMessageStore store = await fixture.OpenAsync();
        await AppendAsync(fixture, store, 0, 3);
        await store.ArchiveAsync(Expire);
        await AppendAsync(fixture, store, 10, 2);
        string inTheWay = Directory.CreateDirectory(Path.Combine(fixture.Database, "archive", "tombstones.journal")).FullName;

        List<MaintenanceRecord> records = await store.MaintainAsync(new MaintenanceOptions { Archive = Keep }).ToListAsync();

        Assert.Equal([MaintenanceDecision.Failed, MaintenanceDecision.Ran], records.Select(r => r.Decision));
        Assert.Equal(2, ((ArchiveRun)records[0].Result!).Moved);
        Assert.Contains("what has expired was not removed", records[0].Reason, StringComparison.Ordinal);
        Assert.Contains("tombstones.journal", records[0].Reason, StringComparison.Ordinal);
        Directory.Delete(inTheWay);
        MaintenanceRecord next = await store.MaintainAsync(new MaintenanceOptions { Task = MaintenanceTask.Archive }).SingleAsync();
        Assert.Equal((MaintenanceDecision.Ran, 3), (next.Decision, next.Expiry!.Removed));
        Assert.Equal(2, (await store.GetStatusAsync()).ArchivedMessageCount);
    }

    [Fact]
    public async Task A_server_does_the_same_by_its_schedule()
    {
        using StoreFixture fixture = await StoreFixture.CreateAsync();
        await using IMessageStore store = await fixture.OpenAsync();
        await AppendAsync(fixture, store, 0, 3);
        await store.ArchiveAsync(Expire);
        new ScheduleFile
        {
            Registered = DateTimeOffset.UtcNow.AddDays(-2), // what fell due since is made up for at once
            Schedule = new MaintenanceSchedule
            {
                Database = fixture.Database, Scheduler = MaintenanceScheduler.Server, ArchiveEvery = TimeSpan.FromHours(1), OlderThan = TimeSpan.FromDays(1), PowerShellPath = "pwsh", ModulePath = "MessageStore.psd1",
            },
        }.Save(DiskStorage.Instance, fixture.Database);
        using var stop = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        MaintenanceRecord record = await ((EmbeddedMessageStore)store).RunScheduleAsync(error => throw error, stop.Token).FirstAsync(stop.Token);
        Assert.Equal((MaintenanceTask.Archive, MaintenanceDecision.Ran, 3), (record.Task, record.Decision, record.Expiry!.Removed));
        Assert.EndsWith("; 3 expired messages removed", record.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_schedule_that_leaves_it_says_so_on_its_command_line()
    {
        var schedule = new MaintenanceSchedule { Database = "/srv/mail", ArchiveAt = TimeSpan.Zero, BackupEvery = TimeSpan.FromHours(1), PowerShellPath = "pwsh", ModulePath = "m.psd1" };
        Assert.DoesNotContain("-SkipExpiry", ScheduleCommand.Display(schedule, MaintenanceTask.Archive), StringComparison.Ordinal);
        Assert.Contains(" -SkipExpiry ", ScheduleCommand.Display(schedule with { SkipExpiry = true }, MaintenanceTask.Archive), StringComparison.Ordinal);
        Assert.DoesNotContain("-SkipExpiry", ScheduleCommand.Display(schedule with { SkipExpiry = true }, MaintenanceTask.Backup), StringComparison.Ordinal);
    }

    private static async Task<List<Guid>> AppendAsync(StoreFixture fixture, IMessageStore store, int first, int count)
    {
        var ids = new List<Guid>();
        for (int n = first; n < first + count; n++) ids.Add((await fixture.AppendAsync(store, n, "alice", received: Old)).Id);
        return ids;
    }
}
