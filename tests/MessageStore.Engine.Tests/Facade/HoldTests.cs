using MessageStore.Storage;
using MessageStore.Tests.Support;

namespace MessageStore.Tests.Facade;

public sealed class HoldTests
{
    private static readonly DateTimeOffset Old = new(2001, 1, 1, 0, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData("mailbox")]
    [InlineData("range")]
    [InlineData("message")]
    public async Task A_held_message_is_not_deleted_by_anybody(string kind)
    {
        using StoreFixture fixture = await StoreFixture.CreateAsync("SG1", "SG2");
        await using IMessageStore store = await fixture.OpenAsync();
        Guid held = (await fixture.AppendAsync(store, 1, received: Old)).Id;
        Guid free = (await fixture.AppendAsync(store, 2, "bob", received: Old.AddYears(1))).Id;
        MessageHold hold = await store.AddHoldAsync(new HoldRequest
        {
            Mailbox = kind switch { "mailbox" => "al*", "range" => "*", _ => null },
            ReceivedBefore = kind == "range" ? Old.AddDays(1) : null,
            Ids = kind == "message" ? [held] : [],
            Reason = "Case 12.",
            By = "root@here",
        });

        var refusal = await Assert.ThrowsAsync<MessageStoreException>(() => store.DeleteAsync(held));
        Assert.Equal((ErrorIds.MessageOnHold, ErrorKind.Denied), (refusal.ErrorId, refusal.Kind));
        Assert.Contains("root@here", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(ErrorIds.MessageOnHold, (await Assert.ThrowsAsync<MessageStoreException>(() => store.RemoveMailboxAsync("alice"))).ErrorId);
        await store.SetFlagsAsync(held, MessageFlags.Read, 0);
        await store.MoveAsync(held, "Elsewhere");
        await store.DeleteAsync(free);
        fixture.Digests.Remove(free);
        await fixture.AssertAllThereAsync(store);

        MessageHold lifted = await store.RemoveHoldAsync(hold.Id, "Closed.", "judge");
        Assert.Equal((false, "judge", "Closed."), (lifted.InForce, lifted.LiftedBy, lifted.LiftReason));
        await store.RemoveMailboxAsync("alice");
        Assert.Empty(await store.ListHoldsAsync().ToListAsync());
        Assert.Equal(hold.Id, Assert.Single(await store.ListHoldsAsync(includeLifted: true).ToListAsync()).Id);
    }

    [Fact]
    public async Task A_deletion_that_comes_behind_a_hold_in_the_log_deletes_nothing()
    {
        using StoreFixture fixture = await StoreFixture.CreateAsync();
        Guid held;
        await using (IMessageStore store = await fixture.OpenAsync())
        {
            held = (await fixture.AppendAsync(store, 1, received: Old)).Id;
            var group = ((EmbeddedMessageStore)store).Database.Mail.Groups[0];
            Task hold = store.AddHoldAsync(new HoldRequest { Mailbox = "*", Reason = "Case 12.", By = "root" });
            // As if the deletion had looked for holds before there was one.
            await hold;
            await group.CommitAsync(Transaction.Deleted(held, group.Identity.Salt));
            await group.CommitAsync(Transaction.MailboxRemoved(1, group.Identity.Salt));
            await fixture.AssertAllThereAsync(store);
        }
        await using IMessageStore reopened = await fixture.OpenAsync();
        await fixture.AssertAllThereAsync(reopened);
    }

    [Fact]
    public async Task Two_holds_on_a_message_are_lifted_one_by_one()
    {
        using StoreFixture fixture = await StoreFixture.CreateAsync();
        await using IMessageStore store = await fixture.OpenAsync();
        Guid id = (await fixture.AppendAsync(store, 1, received: Old)).Id;
        MessageHold first = await store.AddHoldAsync(new HoldRequest { Mailbox = "alice", Reason = "1", By = "root" });
        MessageHold second = await store.AddHoldAsync(new HoldRequest { Ids = [id, id], Reason = "2", By = "root" });
        Assert.Equal(1, second.MessageCount);
        await store.RemoveHoldAsync(first.Id, "", "root");
        Assert.Equal(ErrorIds.MessageOnHold, (await Assert.ThrowsAsync<MessageStoreException>(() => store.DeleteAsync(id))).ErrorId);
        Assert.Equal(ErrorIds.HoldNotFound, (await Assert.ThrowsAsync<MessageStoreException>(() => store.RemoveHoldAsync(first.Id, "", "root"))).ErrorId);
        await store.RemoveHoldAsync(second.Id, "", "root");
        await store.DeleteAsync(id);
    }

    [Fact]
    public async Task A_hold_of_nothing_is_refused()
    {
        using StoreFixture fixture = await StoreFixture.CreateAsync();
        await using IMessageStore store = await fixture.OpenAsync();
        await fixture.AppendAsync(store, 1);
        async Task RefusedAsync(string id, HoldRequest request) =>
            Assert.Equal(id, (await Assert.ThrowsAsync<MessageStoreException>(() => store.AddHoldAsync(request))).ErrorId);
        await RefusedAsync(ErrorIds.InvalidParameter, new HoldRequest { Reason = "1", By = "root" });
        await RefusedAsync(ErrorIds.InvalidParameter, new HoldRequest { Mailbox = "alice", ReceivedAfter = Old, ReceivedBefore = Old, Reason = "1", By = "root" });
        await RefusedAsync(ErrorIds.MailboxNotFound, new HoldRequest { Mailbox = "nobody", Reason = "1", By = "root" });
        await RefusedAsync(ErrorIds.MessageNotFound, new HoldRequest { Ids = [Guid.CreateVersion7()], Reason = "1", By = "root" });
        Assert.Empty(await store.ListHoldsAsync(includeLifted: true).ToListAsync());
    }
}
