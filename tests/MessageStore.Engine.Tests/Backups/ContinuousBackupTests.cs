using MessageStore.Backups;
using MessageStore.IO;

namespace MessageStore.Tests.Backups;

/// <summary>Backups follow one another, the log is shipped in between, and a backup that is too old is never passed over in silence.</summary>
public class ContinuousBackupTests
{
    private static readonly TimeSpan Never = TimeSpan.FromDays(300);

    [Fact]
    public async Task It_begins_with_a_full_set_and_goes_on_with_incremental_ones()
    {
        using var bed = new BackupBed();
        bed.Append(20);
        List<ContinuousBackupEvent> events = await RunAsync(bed, new ContinuousBackupOptions { Interval = TimeSpan.Zero, LogShippingInterval = TimeSpan.Zero, MaximumAge = Never }, 3);
        Assert.Equal([BackupKind.Full, BackupKind.Incremental, BackupKind.Incremental], events.Select(e => e.Run!.Kind));
        Assert.Contains("no whole chain", events[0].Reason, StringComparison.Ordinal);
        Assert.Equal(events[0].Reason, events[0].Run!.Reason);
        BackupBed.Prove(bed.Storage, events[2].Run!.Path);
        Assert.Equal(BackupKind.Incremental, (await RunAsync(bed, new ContinuousBackupOptions { Interval = TimeSpan.Zero, MaximumAge = Never }, 1))[0].Run!.Kind);
        Assert.Equal(BackupKind.Full, (await RunAsync(bed, new ContinuousBackupOptions { MaximumAge = Never, FullInterval = TimeSpan.FromTicks(1) }, 1))[0].Run!.Kind);
    }

    [Fact]
    public async Task Shipped_logs_restore_to_the_last_transaction_in_them()
    {
        using var bed = new BackupBed();
        List<Guid> first = bed.Append(20);
        int round = 0;
        var options = new ContinuousBackupOptions { Interval = Never, LogShippingInterval = TimeSpan.FromTicks(1), MaximumAge = Never };
        List<ContinuousBackupEvent> events = await RunAsync(bed, options, 4, after: () =>
        {
            bed.Append(10);
            bed.Delete(first.Skip(3 * round++).Take(3));
            if (round == 2) bed.Group.Checkpoint(CancellationToken.None);
        });
        Assert.Equal([BackupKind.Full, BackupKind.Logs, BackupKind.Logs, BackupKind.Logs], events.Select(e => e.Run!.Kind));
        Assert.Equal([0, 1, 2, 3], events.Select(e => e.Run!.Chain.Count));
        foreach (ContinuousBackupEvent made in events) BackupBed.Prove(bed.Storage, made.Run!.Path);
        // The next set with images stands on one with images.
        bed.Append(2);
        BackupRun next = bed.BackUp(new BackupOptions { Kind = BackupKind.Incremental });
        Assert.Equal(events[0].Run!.Path, next.BasePath);
        BackupBed.Prove(bed.Storage, next.Path);
    }

    [Fact]
    public async Task Logs_with_nothing_to_stand_on_make_way_for_images()
    {
        using var bed = new BackupBed();
        bed.Append(5);
        var options = new ContinuousBackupOptions { Interval = Never, LogShippingInterval = TimeSpan.FromTicks(1), MaximumAge = Never };
        int made = 0;
        List<ContinuousBackupEvent> events = await RunAsync(bed, options, 3, after: () =>
        {
            if (made++ == 0) bed.Storage.DeleteFile(Assert.Single(BackupBed.Files(bed.Storage)));
        });
        Assert.Equal(ErrorIds.BaseBackupNotFound, events[1].ErrorId);
        Assert.Null(events[1].Run);
        Assert.Equal(BackupKind.Full, events[2].Run!.Kind);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_backup_that_is_too_old_is_said_so_while_the_next_is_under_way_and_entered_in_the_systems_log(bool isLogThere)
    {
        using var bed = new BackupBed();
        var log = new SystemLogOfTest { WhyNot = isLogThere ? "" : "no such log" };
        var stuck = new TaskCompletionSource<BackupRun>(TaskCreationOptions.RunContinuationsAsynchronously);
        var continuous = new ContinuousBackup(bed.Mail, bed.Storage, TimeProvider.System)
        {
            BackUp = (_, _) => stuck.Task,
            Age = _ => Task.FromResult<TimeSpan?>(TimeSpan.FromHours(2)),
            Log = log,
        };
        int alarms = 0;
        await foreach (ContinuousBackupEvent told in continuous.RunAsync(new ContinuousBackupOptions { MaximumAge = TimeSpan.FromMilliseconds(1) }, CancellationToken.None))
        {
            if (told.Run is not null) break;
            Assert.Equal(ErrorIds.BackupTooOld, told.ErrorId);
            Assert.Equal(TimeSpan.FromHours(2), told.BackupAge);
            // That a machine has no such log is said once.
            Assert.Equal(!isLogThere && alarms == 0, told.Reason.Contains("no such log", StringComparison.Ordinal));
            Assert.StartsWith(log.Entries[alarms], $"BackupTooOld: {told.Reason}", StringComparison.Ordinal);
            if (++alarms == 2) stuck.SetResult(bed.BackUp());
        }
        Assert.True(alarms >= 2);
    }

    [Fact]
    public async Task A_session_that_fails_is_an_event_and_not_the_end()
    {
        using var bed = new BackupBed();
        bed.Append(3);
        bed.Storage.DeleteFolder(BackupBed.Folder);
        List<ContinuousBackupEvent> events = await RunAsync(bed, new ContinuousBackupOptions { Interval = TimeSpan.FromMilliseconds(1), MaximumAge = Never }, 2, after: () => bed.Storage.CreateFolder(BackupBed.Folder));
        Assert.Equal(ErrorIds.PathNotFound, events[0].ErrorId);
        Assert.NotNull(events[1].Run);
    }

    private static async Task<List<ContinuousBackupEvent>> RunAsync(BackupBed bed, ContinuousBackupOptions options, int count, Action? after = null)
    {
        var continuous = new ContinuousBackup(bed.Mail, bed.Storage, TimeProvider.System)
        {
            BackUp = (backup, token) => new BackupSession(bed.Mail, bed.Storage, null, TimeProvider.System, null).RunAsync(backup, token),
            Age = _ => Task.FromResult<TimeSpan?>(TimeSpan.Zero),
            Log = new SystemLogOfTest(),
        };
        var events = new List<ContinuousBackupEvent>();
        await foreach (ContinuousBackupEvent told in continuous.RunAsync(options, CancellationToken.None))
        {
            events.Add(told);
            if (events.Count == count) break;
            after?.Invoke();
        }
        return events;
    }

    private sealed class SystemLogOfTest : ISystemLog
    {
        public string WhyNot { get; init; } = "";

        public List<string> Entries { get; } = [];

        public string Error(string errorId, string message)
        {
            Entries.Add($"{errorId}: {message}");
            return WhyNot;
        }
    }
}
