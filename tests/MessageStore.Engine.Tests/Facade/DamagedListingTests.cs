using MessageStore.IO;
using MessageStore.Storage;

namespace MessageStore.Tests.Facade;

public sealed class DamagedListingTests
{
    [Fact]
    public async Task A_message_whose_summary_is_damaged_is_listed_with_what_the_index_knows_and_its_flags_go_on()
    {
        using StoreFixture fixture = await StoreFixture.CreateAsync();
        await using IMessageStore store = await fixture.OpenAsync();
        for (int i = 0; i < 5; i++) await fixture.AppendAsync(store, i);
        StoredMessage before = (await store.ListAsync(new MessageQuery()).ToListAsync())[2];
        FlipInSummary(store, before.Id);

        List<StoredMessage> listed = await store.ListAsync(new MessageQuery { Mailbox = "alice" }).ToListAsync();

        Assert.Equal(5, listed.Count);
        StoredMessage damaged = Assert.Single(listed, m => m.IsDamaged);
        Assert.Equal(before with { IsDamaged = true, IsPartial = true, From = "", To = "", Subject = "", Date = null, MessageIdHeader = "", Sha256 = "" }, damaged);
        Assert.DoesNotContain(await store.ListAsync(new MessageQuery { Subject = "message" }).ToListAsync(), m => m.Id == before.Id);
        Assert.True((await store.SetFlagsAsync(before.Id, MessageFlags.Flagged, MessageFlags.None)).IsFlagged);
        Assert.Equal("Kept", (await store.MoveAsync(before.Id, "Kept")).Folder);
        Assert.Equal(DatabaseTestResult.Repaired, (await store.TestAsync(new DatabaseTestOptions { Repair = true })).Result);
        Assert.Equal(before.Subject, (await store.ListAsync(new MessageQuery { Ids = [before.Id] }).ToListAsync())[0].Subject);
    }

    private static void FlipInSummary(IMessageStore store, Guid id)
    {
        Assert.True(((EmbeddedMessageStore)store).Database.Mail.TryFind(id, out StorageGroup group, out IndexEntry entry));
        using var file = new FileStream(Path.Combine(GroupRecovery.SegmentFolder(group.StoreFolder), SegmentStore.FileName(entry.Segment)), FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
        file.Position = entry.Offset + FrameHeader.Size + ImageHeader.Size + 4;
        int value = file.ReadByte();
        file.Position--;
        file.WriteByte((byte)(value ^ 4));
    }
}
