using System.Diagnostics;
using MessageStore.Replication;
using MessageStore.Server.Nodes;
using MessageStore.Server.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;

namespace MessageStore.Server.Tests.Nodes;

public sealed class NodeRegistrationTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);

    [Fact]
    public async Task A_record_is_refreshed_long_before_it_runs_out_also_when_the_directory_was_away_for_a_while()
    {
        var clock = new ManualClock(new DateTimeOffset(2026, 7, 31, 0, 0, 0, TimeSpan.Zero));
        var directory = new WatchedDirectory();
        using var connector = new HttpNodeConnector(NodeFixture.Key, TimeSpan.FromSeconds(1), clock);
        using var node = new StorageNode("n1", [], connector);
        var options = new NodeOptions { Name = "n1", Units = [], SharedKey = NodeFixture.Key, Url = "http://127.0.0.1:1" };
        await using (var registration = new NodeRegistration(directory, node, options, clock, NullLogger<NodeRegistration>.Instance))
        {
            await registration.StartAsync(CancellationToken.None);
            TimeSpan least = TimeSpan.MaxValue;
            for (int second = 1; second <= 600; second++)
            {
                directory.IsAway = second % 100 is > 40 and < 70; // half a minute in every hundred seconds
                int asked = clock.Asked;
                clock.Advance(TimeSpan.FromSeconds(1));
                long start = Stopwatch.GetTimestamp();
                while (clock.Asked == asked) // until it has looked at itself
                {
                    Assert.True(Stopwatch.GetElapsedTime(start) < Patience);
                    await Task.Yield();
                }
                TimeSpan left = directory.Record!.Expires!.Value - clock.GetUtcNow();
                if (left < least) least = left;
            }
            Assert.InRange(least, TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(46));
            Assert.InRange(directory.Refreshes, 600 / 16 - 12, 600 / 14);
        }
        Assert.Null(directory.Record); // withdrawn at the end
    }

    /// <summary>A directory that holds the last record, or is away.</summary>
    private sealed class WatchedDirectory : IStorageDirectory
    {
        public volatile bool IsAway;

        public StorageServerRecord? Record { get; private set; }

        public int Refreshes { get; private set; }

        public ValueTask<IReadOnlyList<StorageServerRecord>> ListAsync(CancellationToken cancellationToken = default) => ValueTask.FromResult<IReadOnlyList<StorageServerRecord>>(Record is null ? [] : [Record]);

        public ValueTask RegisterAsync(StorageServerRecord record, CancellationToken cancellationToken = default)
        {
            if (IsAway) throw new MessageStoreException(ErrorIds.DirectoryUnavailable, ErrorKind.Device, "away");
            Record = record;
            return default;
        }

        public ValueTask RefreshAsync(StorageServerRecord record, CancellationToken cancellationToken = default)
        {
            Refreshes += IsAway ? 0 : 1;
            return RegisterAsync(record, cancellationToken);
        }

        public ValueTask<bool> WithdrawAsync(string name, CancellationToken cancellationToken = default)
        {
            Record = null;
            return ValueTask.FromResult(true);
        }
    }
}
