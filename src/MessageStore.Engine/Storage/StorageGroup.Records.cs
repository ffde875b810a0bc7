namespace MessageStore.Storage;

internal sealed partial class StorageGroup
{
    /// <summary>Messages that one transaction names.</summary>
    private const int MembersAtATime = 4096;

    /// <summary>All records of a kind, in force or not, with the number of messages of this group that they name.</summary>
    public IReadOnlyList<(GroupRecord Record, int Members)> Records(GroupRecordKind kind)
    {
        lock (index.Gate) return index.Records(kind);
    }

    /// <summary>Adds or replaces a record, and then the messages that it names one by one.</summary>
    public Task PutRecordAsync(GroupRecord record, IReadOnlyCollection<Guid> members) => CommitAsync(
        [Transaction.Record(record, Identity.Salt), .. members.Chunk(MembersAtATime).Select(ids => Transaction.RecordMembers(record.Id, ids, Identity.Salt))]);

    /// <summary>The hold that keeps a message from being deleted.</summary>
    public GroupRecord? HoldOn(Guid id)
    {
        lock (index.Gate)
        {
            int slot = index.Find(UInt128Bytes.From(id));
            return slot < 0 ? null : index.HoldOn(slot);
        }
    }

    /// <summary>The hold that would keep a message from being deleted that is not, or no longer, in the index.</summary>
    /// <param name="received"><see langword="null"/> where it is not known: any date may be meant then.</param>
    public GroupRecord? HoldOn(Guid id, DateTimeOffset? received, string mailbox)
    {
        lock (index.Gate) return index.HoldOn(UInt128Bytes.From(id), received?.UtcTicks, mailbox);
    }

    /// <summary>The hold that keeps a mailbox from being removed.</summary>
    public GroupRecord? HoldOnMailbox(string name)
    {
        lock (index.Gate) return index.FindMailbox(name) is { } mailbox ? index.HoldOn(mailbox) : null;
    }
}
