using MessageStore.Tests.Facade;
using MessageStore.Tests.Support;
using MessageStore.Writer;
using Xunit.Sdk;

namespace MessageStore.Tests.RealDisk;

/// <summary>A comparison that nothing ever fails proves nothing: each kind of broken promise is shown to it once.</summary>
public sealed class AckModelTests
{
    private const string Sha256 = "0000000000000000000000000000000000000000000000000000000000000000";

    [Fact]
    public Task A_lost_message_is_noticed() => NoticesAsync("is lost", (journal, _) => journal.Write('A', Guid.NewGuid(), Sha256, "alice"));

    [Fact]
    public Task Other_bytes_than_were_stored_are_noticed() => NoticesAsync("is not what was stored", (journal, id) => journal.Write('A', id, Sha256, "alice"));

    [Fact]
    public Task A_message_that_is_not_whole_is_noticed() => NoticesAsync("is not whole", (_, _) => { });

    [Fact]
    public Task A_deleted_message_that_is_there_again_is_noticed() => NoticesAsync("is there again", (journal, id) => journal.Write('D', id));

    private static async Task NoticesAsync(string complaint, Action<AckJournal, Guid> promise)
    {
        using var folder = new TemporaryFolder();
        using StoreFixture fixture = await StoreFixture.CreateAsync();
        await using IMessageStore store = await fixture.OpenAsync();
        StoredMessage stored = await fixture.AppendAsync(store, 1);
        using (var journal = new AckJournal(folder["journal"]))
        {
            promise(journal, stored.Id);
            // The lost one is looked for when all others are known.
            if (complaint == "is lost") journal.Write('A', stored.Id, stored.Sha256, stored.Mailbox);
        }
        var model = new AckModel();
        model.Learn(folder["journal"]);
        XunitException noticed = await Assert.ThrowsAnyAsync<XunitException>(() => model.VerifyAsync(store));
        Assert.Contains(complaint, noticed.Message, StringComparison.Ordinal);
    }
}
