using System.Text;
using MessageStore.Messages;
using MessageStore.Tests.Support;

namespace MessageStore.Tests.Transfer;

public class MessageExporterTests
{
    private static readonly MessageQuery Everything = new();

    [Fact]
    public async Task An_mbox_gives_the_messages_back_byte_for_byte()
    {
        using var folder = new TemporaryFolder();
        await using FakeMessageStore store = await FilledAsync("joe");
        foreach (string name in new[] { "all.mbox", "all.mbox.gz" })
        {
            ExportResult result = await MessageExporter.ExportAsync(store, Everything, new ExportOptions { Path = folder[name], Format = ExportFormat.Mbox });
            Assert.Equal((SampleMail.Count, 0, folder[name]), (result.Exported, result.Failed, result.Path));
            Assert.Equal(store.Messages.Sum(message => message.Size), result.Bytes);
            Assert.Equal(store.Messages.Select(message => message.Sha256), Digests(folder[name]));
        }
        Assert.Equal(2, Directory.GetFiles(folder.Path).Length);
    }

    [Fact]
    public async Task A_folder_of_files_gives_the_messages_back_byte_for_byte()
    {
        using var folder = new TemporaryFolder();
        await using FakeMessageStore store = await FilledAsync("joe");
        ExportResult result = await MessageExporter.ExportAsync(store, Everything, new ExportOptions { Path = folder["out"] });
        Assert.Equal(SampleMail.Count, result.Exported);
        foreach (StoredMessage message in store.Messages)
        {
            string path = Path.Combine(folder["out"], $"{message.ReceivedDate.UtcDateTime:yyyyMMdd-HHmmss}-{message.Id}.eml");
            Assert.Equal(store.BytesOf(message.Id), await File.ReadAllBytesAsync(path));
        }
        Assert.Equal(SampleMail.Count, Directory.GetFiles(folder["out"]).Length);
    }

    [Fact]
    public async Task Several_mailboxes_get_folders_of_their_own_and_none_gets_out_of_the_target()
    {
        using var folder = new TemporaryFolder();
        await using FakeMessageStore store = await FilledAsync("joe", 2);
        await AddAsync(store, "CON", "../../Sent", 1);
        await MessageExporter.ExportAsync(store, Everything, new ExportOptions { Path = folder["out"] });
        Assert.Equal(2, Directory.GetFiles(Path.Combine(folder["out"], "joe", "inbox")).Length);
        Assert.Single(Directory.GetFiles(Path.Combine(folder["out"], "%63on", "%2e.%2f..%2fsent")));
        await MessageExporter.ExportAsync(store, new MessageQuery { Mailbox = "joe" }, new ExportOptions { Path = folder["one"] });
        Assert.Equal(2, Directory.GetFiles(folder["one"]).Length);
    }

    [Fact]
    public async Task A_file_that_exists_is_replaced_only_by_force()
    {
        using var folder = new TemporaryFolder();
        await using FakeMessageStore store = await FilledAsync("joe", 3);
        folder.Write("x.mbox", "precious"u8);
        var mbox = new ExportOptions { Path = folder["x.mbox"], Format = ExportFormat.Mbox };
        var error = await Assert.ThrowsAsync<MessageStoreException>(() => MessageExporter.ExportAsync(store, Everything, mbox));
        Assert.Equal((ErrorIds.FileExists, folder["x.mbox"]), (error.ErrorId, error.Target));
        Assert.Equal("precious", await File.ReadAllTextAsync(folder["x.mbox"]));
        await MessageExporter.ExportAsync(store, Everything, mbox with { Force = true });
        Assert.Equal(3, Digests(folder["x.mbox"]).Length);

        var eml = new ExportOptions { Path = folder["out"] };
        Assert.Equal(3, (await MessageExporter.ExportAsync(store, Everything, eml)).Exported);
        var errors = new List<MessageStoreException>();
        ExportResult again = await MessageExporter.ExportAsync(store, Everything, eml, errors.Add);
        Assert.Equal((0, 3), (again.Exported, again.Failed));
        Assert.All(errors, e => Assert.Equal(ErrorIds.FileExists, e.ErrorId));
        Assert.Equal(3, (await MessageExporter.ExportAsync(store, Everything, eml with { Force = true })).Exported);
    }

    [Theory]
    [InlineData(ExportFormat.Eml)]
    [InlineData(ExportFormat.Mbox)]
    public async Task A_damaged_message_is_counted_named_and_not_written(ExportFormat format)
    {
        using var folder = new TemporaryFolder();
        await using FakeMessageStore store = await FilledAsync("joe", 5);
        Guid damaged = store.Messages[2].Id;
        store.Damage(damaged);
        var errors = new List<MessageStoreException>();
        ExportResult result = await MessageExporter.ExportAsync(store, Everything, new ExportOptions { Path = folder["out"], Format = format }, errors.Add);
        Assert.Equal((4, 1), (result.Exported, result.Failed));
        Assert.Equal((ErrorIds.MessageDamaged, damaged), (Assert.Single(errors).ErrorId, errors[0].Target));
        Assert.Equal(store.Messages.Where(message => message.Id != damaged).Select(message => message.Sha256).Order(), Digests(folder["out"]).Order());
    }

    [Fact]
    public async Task A_cancelled_export_leaves_no_mbox_behind()
    {
        using var folder = new TemporaryFolder();
        using var cancel = new CancellationTokenSource();
        await using FakeMessageStore store = await FilledAsync("joe", 5);
        store.Damage(store.Messages[3].Id);
        var options = new ExportOptions { Path = folder["deep/x.mbox.gz"], Format = ExportFormat.Mbox };
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => MessageExporter.ExportAsync(store, Everything, options, _ => cancel.Cancel(), null, cancel.Token));
        Assert.Empty(Directory.GetFiles(folder["deep"]));
    }

    private static string[] Digests(string path) => [.. MailFiles.Open(path).Select(item =>
    {
        using MessageBody body = item.Message!.Body;
        return Convert.ToHexStringLower(body.Sha256);
    })];

    private static async Task<FakeMessageStore> FilledAsync(string mailbox, int count = SampleMail.Count)
    {
        var store = new FakeMessageStore();
        await AddAsync(store, mailbox, StoreLimits.Inbox, count);
        return store;
    }

    private static async Task AddAsync(FakeMessageStore store, string mailbox, string folder, int count)
    {
        foreach (SourceMessage message in SampleMail.Open().Take(count))
        {
            using MessageBody body = message.Body;
            await store.AppendAsync(new MessageToAppend { Mailbox = mailbox, Folder = folder, Body = body, ReceivedDate = message.ReceivedDate });
        }
    }
}
