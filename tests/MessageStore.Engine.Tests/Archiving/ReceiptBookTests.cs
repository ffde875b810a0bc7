using MessageStore.Archiving;

namespace MessageStore.Tests.Archiving;

public sealed class ReceiptBookTests
{
    [Fact]
    public void A_reason_for_each_of_very_many_messages_leaves_a_receipt_that_can_be_read_and_tells_the_last()
    {
        var book = new ReceiptBook();
        book.Note("alice", "Mail here is held.");
        for (int i = 0; i < 10_000; i++) book.Fail("alice", 1, $"Message {i} is damaged.");
        book.Fail("alice", 500, "The archive is away.");
        ArchiveReceipt receipt = Assert.Single(book.Receipts());
        Assert.Equal(10_500, receipt.Failed);
        Assert.StartsWith("Mail here is held. Message 0 is damaged. Message 1 is damaged.", receipt.Reason, StringComparison.Ordinal);
        Assert.EndsWith(" more are left out here; the last: The archive is away.", receipt.Reason, StringComparison.Ordinal);
        Assert.InRange(receipt.Reason.Length, 1, (ReceiptBook.MostReasons + 2) * 64);
    }

    [Fact]
    public void A_reason_is_told_once()
    {
        var book = new ReceiptBook();
        for (int i = 0; i < 3; i++) book.Note("alice", "Again.");
        Assert.Equal("Again.", Assert.Single(book.Receipts()).Reason);
    }
}
