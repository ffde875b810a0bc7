using System.Globalization;
using MessageStore.Backups;
using MessageStore.Messages;
using MessageStore.Storage;
using MessageStore.Tests.Facade;
using MessageStore.Tests.Support;

namespace MessageStore.Tests.Backups;

/// <summary>Of a folder of sets the restore takes the right one by itself, and stops where it was told to.</summary>
public class RestoreSourceTests
{
    private const string Target = "/again";

    private static readonly BackupOptions Incremental = new() { Kind = BackupKind.Incremental };
    private static readonly BackupOptions Logs = new() { Kind = BackupKind.Logs };

    [Fact]
    public void For_a_point_in_time_the_newest_set_is_taken_that_reaches_it()
    {
        using var bed = new Bed();
        List<string> sets = [];
        var points = new List<(DateTimeOffset Time, ulong Lsn, int Messages)>();
        foreach (BackupOptions kind in (BackupOptions[])[new(), Logs, Incremental, Logs, Logs])
        {
            bed.Append(3);
            points.Add((bed.Clock.Now, bed.Group.LastLsn, bed.Messages));
            bed.Append(2);
            sets.Add(bed.BackUp(kind));
        }
        // The second point lies in the log that the second set ships, the fourth and fifth in those of the last two.
        foreach ((int point, int expected) in ((int, int)[])[(1, 1), (3, 3), (4, 4)])
        {
            Assert.Equal(sets[expected], bed.Find(new RestoreOptions { BackupPath = BackupBed.Folder, Destination = Target, PointInTime = points[point].Time }));
            var byLsn = new RestoreOptions { BackupPath = BackupBed.Folder, Destination = Target, Lsn = points[point].Lsn, StorageGroups = ["SG1"] };
            Assert.Equal(sets[expected], bed.Find(byLsn));
            RestoreRun run = bed.Restore(byLsn with { Destination = string.Create(CultureInfo.InvariantCulture, $"{Target}{point}") });
            Assert.Equal((points[point].Messages, 0), (run.Messages, run.Warnings.Count));
        }
        // The images of the third set are later than the third point, and no set ships the log before them: the second set is as far as one comes.
        Assert.Equal(sets[1], bed.Find(new RestoreOptions { BackupPath = BackupBed.Folder, Destination = Target, PointInTime = points[2].Time }));
        RestoreRun early = bed.Restore(new RestoreOptions { BackupPath = BackupBed.Folder, Destination = Target, PointInTime = points[2].Time });
        Assert.Contains("before the point in time", Assert.Single(early.Warnings), StringComparison.Ordinal);
        Assert.Equal(sets[^1], bed.Find(new RestoreOptions { BackupPath = BackupBed.Folder, Destination = Target }));
    }

    [Fact]
    public void With_the_logs_that_survived_any_transaction_can_be_the_last()
    {
        using var bed = new Bed();
        bed.Append(2);
        bed.BackUp(new BackupOptions());
        for (int i = 0; i < 5; i++)
        {
            bed.Append(1);
            RestoreRun run = bed.Restore(new RestoreOptions
            {
                BackupPath = BackupBed.Folder, Destination = $"{Target}{i}", LogPath = bed.Mail.LogPath, Lsn = bed.Group.LastLsn - 1, StorageGroups = ["SG1"],
            });
            Assert.Equal(bed.Messages - 1, run.Messages);
        }
    }

    [Fact]
    public void What_no_set_covers_is_an_error_that_says_what_there_is()
    {
        using var bed = new Bed();
        bed.Append(2);
        DateTimeOffset before = bed.Clock.Now;
        bed.Append(1);
        bed.BackUp(new BackupOptions());
        var options = new RestoreOptions { BackupPath = BackupBed.Folder, Destination = Target };
        Assert.Equal(ErrorIds.PointInTimeNotCovered, Assert.Throws<MessageStoreException>(() => bed.Restore(options with { PointInTime = before.AddSeconds(-1) })).ErrorId);
        Assert.Equal(ErrorIds.PointInTimeNotCovered, Assert.Throws<MessageStoreException>(() => bed.Restore(options with { Lsn = 1, StorageGroups = ["SG1"] })).ErrorId);
        MessageStoreException beyond = Assert.Throws<MessageStoreException>(() => bed.Restore(options with { Lsn = 1_000_000, StorageGroups = ["SG1"] }));
        Assert.Equal(ErrorIds.PointInTimeNotCovered, beyond.ErrorId);
        Assert.Contains("1000000", beyond.Message, StringComparison.Ordinal);
        Assert.False(bed.Storage.FolderExists(Target));
        Assert.Equal(ErrorIds.InvalidParameter, Assert.Throws<MessageStoreException>(() => bed.Restore(options with { Lsn = 3 })).ErrorId);
        Assert.Equal(ErrorIds.InvalidParameter, Assert.Throws<MessageStoreException>(() => bed.Restore(options with { Lsn = 3, StorageGroups = ["SG1"], PointInTime = before })).ErrorId);
    }

    [Fact]
    public void A_set_of_one_group_is_not_taken_for_the_database()
    {
        using var bed = new Bed("SG1", "SG2");
        bed.Append(2);
        string whole = bed.BackUp(new BackupOptions());
        string part = bed.BackUp(new BackupOptions { StorageGroups = ["SG1"] });
        Assert.Equal(whole, bed.Find(new RestoreOptions { BackupPath = BackupBed.Folder, Destination = Target }));
        Assert.Equal(part, bed.Find(new RestoreOptions { BackupPath = BackupBed.Folder, Destination = Target, StorageGroups = ["sg1"] }));
    }

    [Fact]
    public void A_plan_names_files_in_order_and_touches_nothing()
    {
        using var bed = new Bed();
        bed.Append(3);
        string full = bed.BackUp(new BackupOptions());
        bed.Append(3);
        string more = bed.BackUp(Incremental);
        bed.Append(2);
        int changes = 0;
        bed.Storage.BeforeChange = _ => changes++;
        var options = new RestoreOptions { BackupPath = BackupBed.Folder, Destination = Target, LogPath = bed.Mail.LogPath };
        RestorePreview plan = new RestorePreviewer(bed.Storage, bed.Clock).Run(options);
        bed.Storage.BeforeChange = null;
        Assert.Equal(0, changes);
        Assert.Equal([full, more], plan.Files.Take(2).Select(f => f.Path));
        Assert.Equal(["images", "images, logs and patches", "log that survived"], plan.Files.Select(f => f.Part).Distinct());
        Assert.Equal(Enumerable.Range(1, plan.Files.Count), plan.Files.Select(f => f.Order));
        Assert.Equal(plan.Files.Sum(f => bed.Storage.FileLength(f.Path)), plan.Bytes);
        Assert.Contains("assumed", plan.RateSource, StringComparison.Ordinal);
        Assert.True(plan.ExpectedDuration > TimeSpan.Zero && plan.NeededBytes > 0);
        BackupBed.Prove(bed.Storage, more);
        Assert.Contains(Path.GetFileName(more), new RestorePreviewer(bed.Storage, bed.Clock).Run(options).RateSource, StringComparison.Ordinal);
    }

    /// <summary>A database whose transactions each have a time of their own.</summary>
    private sealed class Bed : IDisposable
    {
        public Bed(params string[] groups)
        {
            new DatabaseCreation(Storage, new MessageDatabaseOptions { Path = BackupBed.Database, StorageGroups = groups.Length > 0 ? groups : ["SG1"] }, Clock).Run();
            Mail = MailDatabase.Open(Storage, BackupBed.Database, BackupBed.Small with { Clock = Clock });
        }

        public MemoryStorage Storage { get; } = new();

        public FixedClock Clock { get; } = new(new DateTimeOffset(2026, 3, 1, 0, 0, 0, TimeSpan.Zero));

        public MailDatabase Mail { get; }

        public StorageGroup Group => Mail.Groups[0];

        public int Messages { get; private set; }

        public void Append(int count)
        {
            Clock.Now += TimeSpan.FromMinutes(1);
            (int mailbox, _) = Group.CreateMailboxAsync("ada", CancellationToken.None).GetAwaiter().GetResult();
            for (int i = 0; i < count; i++)
            {
                using MessageBody body = MessageBody.FromMemory(StoreFixture.Message(++Messages));
                var image = new ImageHeader
                {
                    Id = Guid.CreateVersion7(), DigestLow = UInt128Bytes.Read(body.Sha256), DigestHigh = UInt128Bytes.Read(body.Sha256[16..]), BodyLength = body.Length, Mailbox = mailbox,
                };
                Group.AppendAsync(image, MessageSummary.Empty, body, CancellationToken.None).GetAwaiter().GetResult();
            }
        }

        public string BackUp(BackupOptions options)
        {
            Clock.Now += TimeSpan.FromMinutes(1);
            return new BackupSession(Mail, Storage, null, Clock, null).RunAsync(options, CancellationToken.None).GetAwaiter().GetResult().Path;
        }

        public string Find(RestoreOptions options) => RestoreSource.Find(Storage, options, Clock);

        public RestoreRun Restore(RestoreOptions options) =>
            new DatabaseRestore(Storage, Clock, null).Run(options, (_, _, _, _, _, _) => [], CancellationToken.None);

        public void Dispose() => Mail.Dispose();
    }
}
