using System.Runtime.InteropServices;
using MessageStore.Messages;

namespace MessageStore.Storage;

/// <summary>Records, and the one thing that the store itself does with them: what a hold covers is not deleted.</summary>
internal sealed partial class MessageIndex
{
    private readonly Dictionary<Guid, (GroupRecord Record, HashSet<UInt128Bytes> Members)> records = [];

    /// <summary>Holds that are in force: looked through at every deletion, so usually none.</summary>
    private readonly List<(GroupRecord Record, HashSet<UInt128Bytes> Members)> holds = [];

    /// <summary>All records of a kind, in force or not, with the number of messages that they name.</summary>
    public List<(GroupRecord Record, int Members)> Records(GroupRecordKind kind) =>
        [.. records.Values.Where(r => r.Record.Kind == kind).Select(r => (r.Record, r.Members.Count))];

    /// <summary>Adds a record, or replaces the one with its Id; the messages that it names stay.</summary>
    public void PutRecord(GroupRecord record)
    {
        HashSet<UInt128Bytes> members = [];
        if (records.TryGetValue(record.Id, out (GroupRecord Record, HashSet<UInt128Bytes> Members) old))
        {
            Digest -= StateDigest.OfRecord(old.Record.Encode());
            members = old.Members;
            holds.RemoveAll(h => h.Record.Id == record.Id);
        }
        records[record.Id] = (record, members);
        if (record is { Kind: GroupRecordKind.Hold, InForce: true }) holds.Add((record, members));
        Digest += StateDigest.OfRecord(record.Encode());
    }

    /// <param name="ids">Ids, 16 bytes each.</param>
    public void AddMembers(Guid record, ReadOnlySpan<byte> ids)
    {
        if (!records.TryGetValue(record, out (GroupRecord Record, HashSet<UInt128Bytes> Members) found)) return;
        foreach (UInt128Bytes id in MemoryMarshal.Cast<byte, UInt128Bytes>(ids))
            if (found.Members.Add(id)) Digest += StateDigest.OfMember(UInt128Bytes.From(record), id);
    }

    public bool IsHeld(int slot) => holds.Count > 0 && HoldOn(slot) is not null;

    /// <summary>Whether a mailbox cannot be removed: a hold names it, or covers a message in it.</summary>
    public bool IsHeld(MailboxState mailbox) => holds.Count > 0 && HoldOn(mailbox) is not null;

    /// <summary>The first hold in force that covers a message.</summary>
    public GroupRecord? HoldOn(int slot)
    {
        ref readonly IndexEntry entry = ref pages[slot];
        return HoldOn(entry.Id, entry.ReceivedTicks, byNumber[entry.Mailbox].Name);
    }

    /// <inheritdoc cref="HoldOn(int)"/>
    /// <param name="receivedTicks">Where it is not known, any date may be meant.</param>
    public GroupRecord? HoldOn(UInt128Bytes id, long? receivedTicks, string mailbox)
    {
        foreach ((GroupRecord record, HashSet<UInt128Bytes> members) in holds)
        {
            if (members.Contains(id)) return record;
            bool isInRange = receivedTicks is not { } ticks || (ticks >= record.FromTicks && ticks < record.BeforeTicks);
            if (record.Mailboxes.Length > 0 && isInRange && Wildcard.Matches(record.Mailboxes, mailbox)) return record;
        }
        return null;
    }

    /// <summary>The first hold in force that names a mailbox or covers a message in it.</summary>
    public GroupRecord? HoldOn(MailboxState mailbox)
    {
        foreach ((GroupRecord record, _) in holds)
            if (record.Mailboxes.Length > 0 && Wildcard.Matches(record.Mailboxes, mailbox.Name)) return record;
        for (int slot = mailbox.First; slot >= 0; slot = pages[slot].Next)
            if (HoldOn(slot) is { } record) return record;
        return null;
    }

    /// <summary>The share of all records in the state digest.</summary>
    public UInt128 RecordsDigest()
    {
        UInt128 sum = 0;
        foreach ((GroupRecord record, HashSet<UInt128Bytes> members) in records.Values) sum += DigestOf(record, members);
        return sum;
    }

    public static UInt128 DigestOf(GroupRecord record, IEnumerable<UInt128Bytes> members)
    {
        UInt128 sum = StateDigest.OfRecord(record.Encode());
        foreach (UInt128Bytes id in members) sum += StateDigest.OfMember(UInt128Bytes.From(record.Id), id);
        return sum;
    }
}
