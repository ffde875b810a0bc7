using System.Text;
using MessageStore.Tests.Support;

namespace MessageStore.Tests.Transfer;

public class MessageImporterTests
{
    private const string Line = "From joe@example.org Thu Aug 22 12:36:23 2002\n";
    private static readonly ImportOptions ToJoe = new() { Mailbox = "joe" };

    [CorpusFact]
    public async Task The_corpus_is_imported_in_order_by_a_bounded_number_of_writers()
    {
        await using var store = new FakeMessageStore { IsSlow = true };
        var order = new List<StoredMessage>();
        ImportResult result = await MessageImporter.ImportAsync(store, Corpus.MboxPath, ToJoe, order.Add);
        Assert.Equal((Corpus.Count, 0, 0), (result.Imported, result.Failed, result.Partial));
        Assert.Equal(Corpus.Digests(), order.Select(message => (message.Sha256, message.Size)));
        Assert.Equal(order.Sum(message => message.Size), result.Bytes);
        Assert.InRange(store.MostUnderWay, 16, 64);
        Assert.InRange(store.MostBytesUnderWay, 1, 32 << 20);
        Assert.All(order, message => Assert.Equal(("joe", "Inbox"), (message.Mailbox, message.Folder)));
    }

    [Fact]
    public async Task A_message_that_cannot_be_stored_is_counted_and_the_import_goes_on()
    {
        using var folder = new TemporaryFolder();
        await using var store = new FakeMessageStore { IsSlow = true };
        store.Failures[2] = new MessageStoreException(ErrorIds.MessageTooLarge, ErrorKind.InvalidArgument, "too large");
        string path = Mbox(folder, 5);
        var errors = new List<MessageStoreException>();
        var stored = new List<StoredMessage>();
        ImportResult result = await MessageImporter.ImportAsync(store, path, ToJoe, stored.Add, errors.Add);
        Assert.Equal((path, "joe", 4, 1), (result.Path, result.Mailbox, result.Imported, result.Failed));
        Assert.Equal(["1", "3", "4", "5"], stored.Select(message => message.Subject));
        Assert.Equal(path + "#2", Assert.Single(errors).Target);
        Assert.Equal(errors[0].Message, Assert.Single(result.Errors));
    }

    [Fact]
    public async Task A_file_that_is_no_mail_is_an_error_of_its_own()
    {
        using var folder = new TemporaryFolder();
        await using var store = new FakeMessageStore();
        folder.Write("a.eml", "Subject: a\n\n"u8);
        folder.Write("b.png", [0x89, 0x50, 0x4E, 0x47]);
        folder.Write("c.eml", []);
        var errors = new List<MessageStoreException>();
        ImportResult result = await MessageImporter.ImportAsync(store, folder.Path, ToJoe, null, errors.Add);
        Assert.Equal((2, 1, 1), (result.Imported, result.Failed, result.Partial));
        Assert.Equal(ErrorIds.NotMail, Assert.Single(errors).ErrorId);
    }

    [Theory]
    [InlineData(ErrorIds.GroupClosedForWriting)]
    [InlineData(ErrorIds.DiskFull)]
    [InlineData(ErrorIds.DatabaseInUse)]
    [InlineData(ErrorIds.MailboxNotFound)]
    [InlineData(ErrorIds.InvalidName)]
    public async Task A_store_that_takes_no_more_ends_the_import_and_says_how_far_it_came(string errorId)
    {
        using var folder = new TemporaryFolder();
        await using var store = new FakeMessageStore { IsSlow = true };
        for (int number = 11; number < 500; number++) store.Failures[number] = new MessageStoreException(errorId, ErrorKind.Device, "It is closed.", "SG1");
        var stored = new List<StoredMessage>();
        var error = await Assert.ThrowsAsync<MessageStoreException>(() => MessageImporter.ImportAsync(store, Mbox(folder, 400), ToJoe, stored.Add));
        Assert.Equal((errorId, ErrorKind.Device, "SG1"), (error.ErrorId, error.Kind, error.Target));
        Assert.Contains("10 of its messages were imported", error.Message, StringComparison.Ordinal);
        Assert.Equal(10, stored.Count);
    }

    [Fact]
    public async Task Cancelling_finishes_what_is_under_way_and_reports_it()
    {
        using var folder = new TemporaryFolder();
        using var cancel = new CancellationTokenSource();
        await using var store = new FakeMessageStore { IsSlow = true };
        int reported = 0;
        void Stored(StoredMessage message)
        {
            if (++reported == 20) cancel.Cancel();
        }
        await Assert.ThrowsAsync<OperationCanceledException>(() => MessageImporter.ImportAsync(store, Mbox(folder, 400), ToJoe, Stored, cancellationToken: cancel.Token));
        Assert.Equal(store.Messages.Count, reported);
        Assert.InRange(reported, 20, 20 + 64);
    }

    [Fact]
    public async Task A_callback_that_throws_ends_the_import_with_its_own_exception()
    {
        using var folder = new TemporaryFolder();
        await using var store = new FakeMessageStore { IsSlow = true };
        int calls = 0;
        void Stored(StoredMessage message)
        {
            if (++calls == 3) throw new InvalidOperationException("stop");
        }
        await Assert.ThrowsAsync<InvalidOperationException>(() => MessageImporter.ImportAsync(store, Mbox(folder, 100), ToJoe, Stored));
        Assert.Equal(3, calls);
    }

    [Fact]
    public async Task Names_and_paths_are_checked_before_anything_is_done()
    {
        await using var store = new FakeMessageStore();
        var error = await Assert.ThrowsAsync<MessageStoreException>(() => MessageImporter.ImportAsync(store, "/no/such", ToJoe));
        Assert.Equal(ErrorIds.PathNotFound, error.ErrorId);
        error = await Assert.ThrowsAsync<MessageStoreException>(() => MessageImporter.ImportAsync(store, ".", new ImportOptions { Mailbox = "../../etc" }));
        Assert.Equal(ErrorIds.InvalidName, error.ErrorId);
    }

    [Fact]
    public async Task A_Maildir_keeps_its_folders_unless_one_is_named()
    {
        using var folder = new TemporaryFolder();
        folder.Write("cur/1030000001.x", "Subject: a\n\n"u8);
        folder.Write(".Sent.2020/cur/1030000002.x", "Subject: b\n\n"u8);
        await using var kept = new FakeMessageStore();
        await MessageImporter.ImportAsync(kept, folder.Path, ToJoe);
        Assert.Equal([("a", "Inbox"), ("b", "Sent/2020")], kept.Messages.Select(message => (message.Subject, message.Folder)).Order());
        await using var named = new FakeMessageStore();
        await MessageImporter.ImportAsync(named, folder.Path, ToJoe with { Folder = "Old" });
        Assert.All(named.Messages, message => Assert.Equal("Old", message.Folder));
    }

    private static string Mbox(TemporaryFolder folder, int count) => folder.Write(
        "x.mbox", Encoding.ASCII.GetBytes(string.Concat(Enumerable.Range(1, count).Select(n => $"{Line}Subject: {n}\n\nbody\n\n"))));
}
