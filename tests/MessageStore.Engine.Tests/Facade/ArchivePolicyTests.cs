using MessageStore.Tests.Support;

namespace MessageStore.Tests.Facade;

public sealed class ArchivePolicyTests
{
    private static readonly TimeSpan Year = TimeSpan.FromDays(365);

    [Fact]
    public async Task A_mailbox_policy_overrides_the_database_where_it_says_something()
    {
        using StoreFixture fixture = await StoreFixture.CreateAsync("SG1", "SG2");
        await using (IMessageStore store = await fixture.OpenAsync())
        {
            DateTimeOffset now = DateTimeOffset.UtcNow;
            foreach (string mailbox in (string[])["alice", "bob", "carol"])
            {
                for (int i = 0; i < 4; i++) await fixture.AppendAsync(store, i, mailbox, now - Year * (i + 0.5), flags: i == 3 ? MessageFlags.Flagged : 0);
            }
            await store.SetArchivePolicyAsync(null, new ArchivePolicy { OlderThan = Year, KeepFlagged = true }, "root");
            await store.SetArchivePolicyAsync("bob", new ArchivePolicy { OlderThan = Year * 2, RetainFor = Year }, "root");
            await store.SetArchivePolicyAsync("carol", new ArchivePolicy { Never = true }, "root");
        }
        await using IMessageStore reopened = await fixture.OpenAsync();
        List<ArchivePolicyInfo> policies = await reopened.ListArchivePoliciesAsync().ToListAsync();
        Assert.Equal(["*", "bob", "carol"], policies.Select(p => p.Mailbox));
        Assert.Equal((Year * 2, true, Year), (policies[1].Effective.OlderThan, policies[1].Effective.KeepFlagged, policies[1].Effective.RetainFor));

        ArchiveRun run = await reopened.ArchiveAsync(new ArchiveOptions { UsePolicies = true });

        Assert.Equal([("alice", 2), ("bob", 1)], run.Receipts.Select(r => (r.Mailbox, (int)r.Moved)));
        Assert.Null(Assert.Single(await reopened.ListKeysAsync(mailboxPattern: "alice").Take(1).ToListAsync()).DeletionDate);
        ArchiveKey key = Assert.Single(await reopened.ListKeysAsync(mailboxPattern: "bob").ToListAsync());
        Assert.Equal(key.StorageDate + Year, key.DeletionDate);
        await fixture.AssertAllThereAsync(reopened);
    }

    [Fact]
    public async Task Setting_one_thing_leaves_the_others_and_clearing_leaves_nothing()
    {
        using StoreFixture fixture = await StoreFixture.CreateAsync();
        await using IMessageStore store = await fixture.OpenAsync();
        Assert.Null(await store.SetArchivePolicyAsync(null, null, "root"));
        await store.SetArchivePolicyAsync(null, new ArchivePolicy { OlderThan = Year }, "root");
        ArchivePolicyInfo? both = await store.SetArchivePolicyAsync(null, new ArchivePolicy { ReadState = ReadState.Read }, "root");
        Assert.Equal((Year, ReadState.Read), (both!.Policy.OlderThan, both.Policy.ReadState));
        Assert.Null(await store.SetArchivePolicyAsync(null, null, "root"));
        Assert.Empty(await store.ListArchivePoliciesAsync().ToListAsync());
        var nothing = await Assert.ThrowsAsync<MessageStoreException>(() => store.ArchiveAsync(new ArchiveOptions { UsePolicies = true }));
        Assert.Equal(ErrorIds.NoArchivePolicy, nothing.ErrorId);
        Assert.Equal(Year, (await store.SetArchivePolicyAsync(null, new ArchivePolicy { OlderThan = Year }, "root"))!.Policy.OlderThan);
    }

    [Fact]
    public async Task A_target_size_takes_the_oldest_and_says_which_age_that_came_to()
    {
        using StoreFixture fixture = await StoreFixture.CreateAsync("SG1", "SG2");
        await using IMessageStore store = await fixture.OpenAsync();
        var start = new DateTimeOffset(2020, 1, 1, 12, 0, 0, TimeSpan.Zero);
        for (int i = 0; i < 40; i++) await fixture.AppendAsync(store, i, i % 2 == 0 ? "alice" : "bob", start.AddDays(i), size: 1000);

        ArchiveRun counted = await store.ArchiveAsync(new ArchiveOptions { TargetBytes = 30_000, DryRun = true });
        ArchiveRun run = await store.ArchiveAsync(new ArchiveOptions { TargetBytes = 30_000 });

        Assert.Equal((10, 10, start.AddDays(9).AddHours(1)), (counted.Matched, run.Moved, run.Limit));
        Assert.Contains("days", run.Note, StringComparison.Ordinal);
        Assert.Equal(30_000, (await store.GetStatusAsync()).HotBytes);
        Assert.All(await store.ListAsync(new MessageQuery { IsArchived = true }).ToListAsync(), m => Assert.True(m.ReceivedDate <= start.AddDays(9)));
        ArchiveRun nothing = await store.ArchiveAsync(new ArchiveOptions { TargetBytes = 30_000 });
        Assert.Equal(0, nothing.Matched);
        Assert.Contains("nothing to archive", nothing.Note, StringComparison.Ordinal);
        ArchiveRun notEnough = await store.ArchiveAsync(new ArchiveOptions { TargetBytes = 1000, Mailboxes = ["alice"] });
        Assert.Equal((15, null), (notEnough.Moved, notEnough.Limit));
        Assert.Contains("more than 1000", notEnough.Note, StringComparison.Ordinal);
        await fixture.AssertAllThereAsync(store);
    }
}
