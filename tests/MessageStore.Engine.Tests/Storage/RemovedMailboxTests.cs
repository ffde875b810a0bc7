using MessageStore.Messages;
using MessageStore.Storage;
using MessageStore.Tests.Support;

namespace MessageStore.Tests.Storage;

/// <summary>An append that is overtaken by the removal of its mailbox.</summary>
public sealed class RemovedMailboxTests
{
    [Theory]
    [InlineData(300)]
    [InlineData((1 << 20) + 300)]
    public async Task A_message_whose_mailbox_was_removed_on_its_way_is_refused_and_not_there(int length)
    {
        var storage = new MemoryStorage();
        TestGroup.Create(storage, "/g");
        ModelMessage message;
        using (StorageGroup group = TestGroup.Open(storage, "/g"))
        {
            int number = (await group.CreateMailboxAsync("ada", default)).Number;
            var model = new StoreModel();
            model.AddMailbox(number, "ada");
            message = new Workload(1).NewMessage(model.Mailboxes[number], length);
            await group.RemoveMailboxAsync("ada", default);
            (int again, _) = await group.CreateMailboxAsync("ada", default);
            Assert.NotEqual(number, again); // or the message would come up in a mailbox that is not the one it was sent to
            using MessageBody body = MessageBody.FromMemory(message.Body);

            var refused = await Assert.ThrowsAsync<MessageStoreException>(() => group.AppendAsync(message.Header(), MessageSummary.Empty, body, default));

            Assert.Equal(ErrorIds.MailboxNotFound, refused.ErrorId);
            Assert.Equal(0, group.GetStatus().MessageCount);
        }
        using StorageGroup reopened = TestGroup.Open(storage, "/g");
        Assert.Equal(0, reopened.GetStatus().MessageCount);
    }
}
