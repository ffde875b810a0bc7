using MessageStore.Archiving;
using MessageStore.Maintenance;
using MessageStore.Messages;
using MessageStore.Tests.Facade;
using MessageStore.Tests.Support;

namespace MessageStore.Tests.Maintenance;

/// <summary>A test of the archive looks at places other than files too, and takes bounded memory whatever it finds.</summary>
public sealed class ArchiveScrubTests
{
    private static readonly DateTimeOffset Old = new(2020, 1, 1, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public async Task Copies_elsewhere_are_fetched_and_a_unit_that_is_away_is_asked_once()
    {
        using MemoryDatabase opened = await FillAsync(4);
        var place = new Place();
        Guid[] ids = [.. (await opened.Store.ListAsync(new MessageQuery()).ToListAsync()).Select(m => m.Id)];
        opened.Database.Keys.Put([.. ids.Select(id => Key(id, "good")), .. ids.Select(id => Key(id, "bad")), .. ids.Select(id => Key(id, "away"))]);

        ArchiveTest test = await RunAsync(opened, place, null);

        Assert.Equal((DatabaseTestResult.Damaged, 8L, 0L), (test.Result, test.Records, test.Missing)); // four files' records, four copies
        Assert.Equal(2, test.Findings.Count);
        Assert.Contains("copies of 4 messages there are damaged", Assert.Single(test.Findings, f => f.File == "bad/v").Problem, StringComparison.Ordinal);
        Assert.Contains("could not be looked at", Assert.Single(test.Findings, f => f.File.EndsWith("away", StringComparison.Ordinal)).Problem, StringComparison.Ordinal);
        Assert.Equal(1, place.AskedAway);
    }

    [Fact]
    public async Task Findings_are_all_told_and_counted_and_the_first_thousand_kept()
    {
        const int Many = 1500;
        using MemoryDatabase opened = await FillAsync(1);
        Guid id = (await opened.Store.ListAsync(new MessageQuery()).ToListAsync())[0].Id;
        opened.Database.Keys.Put([.. Enumerable.Range(0, Many).Select(i => Key(id, $"bad{i}"))]);
        int told = 0;

        ArchiveTest test = await RunAsync(opened, new Place(), new Told(() => told++));

        Assert.Equal((Many, Many, ArchiveTest.FindingsKept), (told, test.FindingCount, test.Findings.Count));
        Assert.Equal(DatabaseTestResult.Damaged, test.Result);
    }

    [Fact]
    public void What_is_harmless_leaves_room_for_what_is_not()
    {
        var findings = new ArchiveFindings(null);
        for (int i = 0; i < 5000; i++) findings.Add(new ArchiveFinding { Problem = "harmless", IsHarmless = true });
        Assert.Equal(DatabaseTestResult.Whole, findings.Result);
        findings.Add("bob", "file", 7, 1, "damage");
        Assert.Equal((DatabaseTestResult.Damaged, 5001L), (findings.Result, findings.Count));
        Assert.Contains(findings.Kept, f => f.Problem == "damage");
    }

    private static Task<ArchiveTest> RunAsync(MemoryDatabase opened, IArchiveTarget place, IProgress<ArchiveFinding>? told)
    {
        OpenDatabase database = opened.Database;
        var files = (FileArchiveTarget)database.Archive.Current;
        return new ArchiveScrub(database.Mail, files, database.Archive.With(place, isCurrent: false), database.Keys, new ArchiveTestOptions(), null, new ArchiveFindings(told)).RunAsync(CancellationToken.None);
    }

    private static async Task<MemoryDatabase> FillAsync(int messages)
    {
        var storage = new MemoryStorage();
        MessageDatabase.CreateNow(storage, MemoryDatabase.Options("SG1"), TimeProvider.System);
        MemoryDatabase opened = MemoryDatabase.Open(storage, MemoryDatabase.Small);
        for (int i = 0; i < messages; i++)
        {
            using MessageBody body = MessageBody.FromMemory(StoreFixture.Message(i));
            await opened.Store.AppendAsync(new MessageToAppend { Mailbox = "ada", Body = body, ReceivedDate = Old });
        }
        await opened.Store.ArchiveAsync(new ArchiveOptions { Before = Old.AddYears(1) });
        return opened;
    }

    private static ArchiveKey Key(Guid id, string unit) =>
        new() { Id = id, Mailbox = "ada", Target = Place.Kind, Unit = unit, Volume = "v", Offset = 0, Length = 100, Sha256 = new string('0', 64), StorageDate = Old };

    /// <summary>Another kind of place, whose units are as they are called.</summary>
    private sealed class Place : IArchiveTarget
    {
        public const string Kind = "elsewhere";

        public int AskedAway { get; private set; }

        public string Name => Kind;

        public ValueTask CheckAsync(CancellationToken cancellationToken = default) => ValueTask.CompletedTask;

        public ValueTask<IArchiveSession> OpenSessionAsync(string mailbox, DateTimeOffset storageDate, CancellationToken cancellationToken = default) => throw new NotSupportedException();

        public ValueTask<Stream> OpenAsync(ArchiveKey key, CancellationToken cancellationToken = default) => throw new NotSupportedException();

        public ValueTask<Stream> OpenRecordAsync(ArchiveKey key, CancellationToken cancellationToken = default) => throw new NotSupportedException();

        public ValueTask<ArchivedRecordInfo> VerifyAsync(ArchiveKey key, CancellationToken cancellationToken = default)
        {
            if (key.Unit == "good") return ValueTask.FromResult<ArchivedRecordInfo>(null!);
            if (key.Unit != "away") throw ArchiveErrors.Damaged($"{key.Unit}/{key.Volume}", 0, "it is gone.");
            AskedAway++;
            throw ArchiveErrors.Unavailable(key.Unit, "nobody answers.");
        }
    }

    private sealed class Told(Action tell) : IProgress<ArchiveFinding>
    {
        public void Report(ArchiveFinding value) => tell();
    }
}
