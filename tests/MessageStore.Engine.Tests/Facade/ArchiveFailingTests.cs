using MessageStore.Tests.Support;

namespace MessageStore.Tests.Facade;

/// <summary>Whatever the archive does: current mail goes on, other users go on, the receipt says who and why, and the next run goes on from there.</summary>
public sealed class ArchiveFailingTests
{
    private static readonly DateTimeOffset Old = new(2001, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly ArchiveOptions Everything = new() { Before = new DateTimeOffset(2020, 1, 1, 0, 0, 0, TimeSpan.Zero), Archivers = 1 };
    private static readonly string[] Users = ["alice", "bob", "carol"];

    [Fact]
    public async Task A_folder_that_vanishes_touches_nothing_and_the_next_run_does_it_all()
    {
        using StoreFixture fixture = await StoreFixture.CreateAsync("SG1", "SG2");
        await using IMessageStore store = await fixture.OpenAsync();
        await FillAsync(fixture, store);
        string archive = Path.Combine(fixture.Database, "archive"), away = Path.Combine(fixture.Root, "away");
        Directory.Move(archive, away);

        Assert.Equal(ErrorIds.ArchiveUnavailable, (await Assert.ThrowsAsync<MessageStoreException>(() => store.ArchiveAsync(Everything))).ErrorId);
        await fixture.AppendAsync(store, 90, "carol", Old);
        await fixture.AssertAllThereAsync(store);

        Directory.Move(away, archive);
        Assert.Equal(7, (await store.ArchiveAsync(Everything)).Moved);
        await fixture.AssertAllThereAsync(store);
    }

    [Fact]
    public async Task One_corrupt_file_concerns_one_user()
    {
        using StoreFixture fixture = await StoreFixture.CreateAsync("SG1", "SG2");
        await using IMessageStore store = await fixture.OpenAsync();
        await FillAsync(fixture, store);
        await store.ArchiveAsync(Everything);
        await FillAsync(fixture, store, first: 50);
        string bob = Directory.GetFiles(Path.Combine(fixture.Database, "archive", "bob")).Single();
        byte[] whole = File.ReadAllBytes(bob);
        File.WriteAllBytes(bob, whole[..^10]);

        ArchiveRun run = await store.ArchiveAsync(Everything);

        Assert.Equal((4, 2), (run.Moved, run.Failed));
        ArchiveReceipt receipt = Assert.Single(run.Receipts, r => r.Failed > 0);
        Assert.Equal("bob", receipt.Mailbox);
        Assert.Contains(bob, receipt.Reason, StringComparison.Ordinal);
        Assert.Equal(whole[..^10], File.ReadAllBytes(bob));
        await fixture.AppendAsync(store, 91, "bob", DateTimeOffset.UtcNow);

        File.WriteAllBytes(bob, whole);
        Assert.Equal((2, 0), await MovedAsync(store));
        await fixture.AssertAllThereAsync(store);
    }

    [Fact]
    public async Task A_damaged_tail_goes_into_a_file_beside_and_the_receipt_says_so()
    {
        using StoreFixture fixture = await StoreFixture.CreateAsync();
        await using IMessageStore store = await fixture.OpenAsync();
        await FillAsync(fixture, store);
        await store.ArchiveAsync(Everything);
        string bob = Directory.GetFiles(Path.Combine(fixture.Database, "archive", "bob")).Single();
        byte[] tail = [0x1F, 0x8B, 8, 4, 1, 2, 3];
        using (FileStream file = File.Open(bob, FileMode.Append)) file.Write(tail);
        await fixture.AppendAsync(store, 60, "bob", Old);

        ArchiveRun run = await store.ArchiveAsync(Everything);

        Assert.Equal((1, 0), (run.Moved, run.Failed));
        string aside = Assert.Single(Directory.GetFiles(Path.Combine(fixture.Database, "archive", "bob")), f => f.Contains(".damaged-", StringComparison.Ordinal));
        Assert.Equal(tail, File.ReadAllBytes(aside));
        Assert.Contains(aside, Assert.Single(run.Receipts).Reason, StringComparison.Ordinal);
        await fixture.AssertAllThereAsync(store);
    }

    [Fact]
    public async Task A_place_that_cannot_be_written_fails_those_who_need_it_and_only_them()
    {
        using StoreFixture fixture = await StoreFixture.CreateAsync();
        await using IMessageStore store = await fixture.OpenAsync();
        await FillAsync(fixture, store);
        // A file where the folder of bob's archive would be: whoever runs this, root too, cannot make it.
        string inTheWay = Path.Combine(fixture.Database, "archive", "bob");
        File.WriteAllText(inTheWay, "not a folder");

        ArchiveRun run = await store.ArchiveAsync(Everything);

        Assert.Equal((4, 2), (run.Moved, run.Failed));
        Assert.Equal("bob", Assert.Single(run.Receipts, r => r.Failed > 0).Mailbox);
        await fixture.AssertAllThereAsync(store);
        File.Delete(inTheWay);
        Assert.Equal((2, 0), await MovedAsync(store));
        await fixture.AssertAllThereAsync(store);
    }

    private static async Task<(int, int)> MovedAsync(IMessageStore store)
    {
        ArchiveRun run = await store.ArchiveAsync(Everything);
        return ((int)run.Moved, (int)run.Failed);
    }

    private static async Task FillAsync(StoreFixture fixture, IMessageStore store, int first = 0)
    {
        for (int i = first; i < first + 6; i++) await fixture.AppendAsync(store, i, Users[i % 3], Old);
    }
}
