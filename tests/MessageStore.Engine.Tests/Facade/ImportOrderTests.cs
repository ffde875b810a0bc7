using MessageStore.Messages;

namespace MessageStore.Tests.Facade;

public class ImportOrderTests
{
    [Fact]
    public async Task Messages_of_an_mbox_are_listed_in_its_order()
    {
        using StoreFixture fixture = await StoreFixture.CreateAsync();
        string mbox = Path.Combine(fixture.Root, "mail.mbox");
        await using (FileStream file = File.Create(mbox))
        {
            var writer = new MboxWriter(file);
            for (int i = 0; i < 500; i++) writer.Write(StoreFixture.Message(i), null, DateTimeOffset.UnixEpoch);
        }
        await using IMessageStore store = await fixture.OpenAsync();
        ImportResult result = await MessageImporter.ImportAsync(store, mbox, new ImportOptions { Mailbox = "alice" });
        Assert.Equal(500, result.Imported);
        List<StoredMessage> messages = await store.ListAsync(new MessageQuery()).ToListAsync();
        Assert.Equal(Enumerable.Range(0, 500).Select(i => $"message {i}"), messages.Select(m => m.Subject));
        Assert.Equal(messages.Select(m => m.Id.ToString()).Order(StringComparer.Ordinal), messages.Select(m => m.Id.ToString()));
    }
}
