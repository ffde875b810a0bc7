using System.Collections.Concurrent;
using MessageStore.IO;
using MessageStore.Server.Serving;
using MessageStore.Server.Tests.Support;
using MessageStore.Server.Web;
using MessageStore.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;

namespace MessageStore.Server.Tests.Serving;

/// <summary>What the server enters in the machine's log, in simulated time.</summary>
public sealed class BackupAgeWatchTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromHours(1);

    [Fact]
    public async Task A_backup_that_becomes_too_old_is_entered_once_and_again_after_a_newer_one()
    {
        await using var bed = new Bed(TimeSpan.FromMinutes(58));
        for (int i = 0; i < 2; i++) await bed.GoOnAsync();
        Assert.Empty(bed.Entries);
        for (int i = 0; i < 10; i++) await bed.GoOnAsync();
        Assert.Equal("BackupTooOld: /db: The newest backup of storage group SG1 is 0.01:01:00 old; the limit is 0.01:00:00.", Assert.Single(bed.Entries));
        bed.BackUp();
        for (int i = 0; i < 61; i++) await bed.GoOnAsync();
        Assert.Equal(2, bed.Entries.Count);
    }

    [Fact]
    public async Task A_group_without_a_backup_is_entered_when_the_server_has_run_for_the_limit()
    {
        await using var bed = new Bed(null);
        for (int i = 0; i < 59; i++) await bed.GoOnAsync();
        Assert.Empty(bed.Entries);
        for (int i = 0; i < 9; i++) await bed.GoOnAsync();
        Assert.Equal("BackupTooOld: /db: Storage group SG1 has no backup.", Assert.Single(bed.Entries));
    }

    private sealed class Bed : ISystemLog, IAsyncDisposable
    {
        private readonly SteppedClock clock = new(new DateTimeOffset(2026, 3, 9, 8, 0, 0, TimeSpan.Zero));
        private readonly BackupAgeWatch watch;
        private DateTimeOffset? backedUp;

        public Bed(TimeSpan? age)
        {
            backedUp = clock.GetUtcNow() - age;
            IMessageStore store = ScriptedStore.Create((member, _) => member.Name switch
            {
                "get_Path" => "/db",
                nameof(IMessageStore.GetStatusAsync) => Task.FromResult(new DatabaseStatus
                {
                    Path = "/db", State = StorageState.Open, StorePath = "/db", LogPath = "/db", BackupPath = "/db", ArchivePath = "/db",
                    StorageGroups = [new StorageGroupStatus { Name = "SG1", State = StorageState.Open, BackupAge = clock.GetUtcNow() - backedUp }],
                }),
                _ => throw new NotSupportedException(member.Name),
            });
            watch = new BackupAgeWatch(store, new Health(store, new HealthLimits { MaximumBackupAge = Limit }), this, clock, NullLogger<BackupAgeWatch>.Instance);
            watch.StartAsync(CancellationToken.None).GetAwaiter().GetResult();
        }

        public ConcurrentQueue<string> Entries { get; } = new();

        public string Error(string errorId, string message)
        {
            Entries.Enqueue($"{errorId}: {message}");
            return "";
        }

        public void BackUp() => backedUp = clock.GetUtcNow();

        /// <summary>Lets the next look be done to its end.</summary>
        public async Task GoOnAsync()
        {
            await clock.TimerAsync(BackupAgeWatch.Interval);
            clock.Advance(BackupAgeWatch.Interval);
            await clock.TimerAsync(BackupAgeWatch.Interval);
        }

        public async ValueTask DisposeAsync()
        {
            await watch.StopAsync(CancellationToken.None);
            watch.Dispose();
        }
    }
}
