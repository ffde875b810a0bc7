using System.Diagnostics;
using MessageStore.Archiving;
using MessageStore.Storage;
using MessageStore.Tests.Backups;

namespace MessageStore.Tests.Archiving;

/// <summary>An archive run makes way for users. By the real clock: what is asserted is what it does, never how fast.</summary>
public sealed class ArchivePaceTests : IDisposable
{
    private const int Best = 4 << 20;
    private readonly BackupBed bed = new();

    public void Dispose() => bed.Dispose();

    [Fact]
    public async Task Beside_users_it_writes_small_pieces_one_after_the_other()
    {
        using var pace = new ArchivePace([bed.Group], ArchivePriority.Users, TimeProvider.System);
        UsersCommit();
        pace.Wait(1 << 16, 10, CancellationToken.None);
        Assert.Equal(Best / 16, pace.BatchBytes(Best));
        ArchivePace.Turn turn = await pace.TakeTurnAsync(CancellationToken.None);
        ValueTask<ArchivePace.Turn> other = pace.TakeTurnAsync(CancellationToken.None);
        Assert.False(other.IsCompleted);
        turn.Dispose();
        (await other).Dispose();
    }

    [Fact]
    public async Task A_run_that_is_cancelled_does_not_wait_for_its_turn()
    {
        using var pace = new ArchivePace([bed.Group], ArchivePriority.Users, TimeProvider.System);
        UsersCommit();
        pace.Wait(1, 1, CancellationToken.None);
        using ArchivePace.Turn turn = await pace.TakeTurnAsync(CancellationToken.None);
        using var stop = new CancellationTokenSource();
        Task waiting = pace.TakeTurnAsync(stop.Token).AsTask();
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
    }

    [Theory]
    [InlineData(ArchivePriority.Users, false)]
    [InlineData(ArchivePriority.Archive, true)]
    public async Task With_nobody_there_or_when_told_so_all_write_at_once_what_serves_the_target_best(ArchivePriority priority, bool users)
    {
        using var pace = new ArchivePace([bed.Group], priority, TimeProvider.System);
        if (users) UsersCommit();
        pace.Wait(1 << 30, 1000, CancellationToken.None);
        Assert.Equal(Best, pace.BatchBytes(Best));
        using ArchivePace.Turn turn = await pace.TakeTurnAsync(CancellationToken.None);
        using ArchivePace.Turn other = await pace.TakeTurnAsync(CancellationToken.None);
        Assert.Equal((0, TimeSpan.Zero), (pace.Yields, pace.YieldDuration));
    }

    /// <summary>It would take its own work for users, and give way to itself.</summary>
    [Fact]
    public async Task What_the_agent_commits_is_not_what_users_wait_for()
    {
        List<Guid> ids = bed.Append(5);
        var meter = new CommitMeter();
        bed.Group.Meter(meter);
        await bed.Group.CommitAsync(Transaction.Tagged(true, ids, bed.Group.Identity.Salt));
        await bed.Group.CommitAsync(Transaction.Tagged(false, ids, bed.Group.Identity.Salt));
        Assert.Equal(0, meter.Count);
        bed.Append(3);
        Assert.Equal(3, meter.Count);
        bed.Group.Unmeter(meter);
    }

    private void UsersCommit()
    {
        foreach (CommitMeter meter in bed.Group.Meters)
            for (int i = 0; i < 10; i++) meter.Record(Stopwatch.GetTimestamp());
    }
}
