using MessageStore.IO;
using MessageStore.Messages;
using MessageStore.Storage;

namespace MessageStore.Archiving;

/// <summary>
/// The records of a database, which lie in every group: a record speaks of mailboxes by pattern, also of those that come later, and each group must be whole without the
/// others. Where a crash left groups of different minds, what protects more counts: a record is in force as long as one group has it so.
/// </summary>
internal sealed class AdministratorRecords(MailDatabase mail)
{
    /// <summary>All records of a kind, the oldest first, with the number of messages that they name one by one.</summary>
    public List<(GroupRecord Record, RecordNote Note, int Members)> List(GroupRecordKind kind) =>
        [.. mail.Groups.SelectMany(g => g.Records(kind)).GroupBy(r => r.Record.Id)
            .Select(same => (same.MaxBy(r => r.Record.InForce).Record, Members: same.Sum(r => r.Members)))
            .Select(r => (r.Record, Note: RecordNote.Read(r.Record), r.Members))
            .OrderBy(r => r.Note.Time)];

    /// <summary>The block that bars a mailbox's archive.</summary>
    public static (GroupRecord Record, RecordNote Note)? BlockOn(StorageGroup group, string mailbox)
    {
        foreach ((GroupRecord record, _) in group.Records(GroupRecordKind.Block))
            if (record.InForce && Wildcard.Matches(record.Mailboxes, mailbox)) return (record, RecordNote.Read(record));
        return null;
    }

    /// <summary>What an administrator who reads a receipt should know of the mailbox: archiving goes on under a hold and a block, and neither ends with it.</summary>
    public static IEnumerable<string> NotesOn(StorageGroup group, string mailbox)
    {
        if (group.HoldOnMailbox(mailbox) is { } hold) yield return $"Mail here is {RecordNote.DescribeHold(hold)}";
        if (BlockOn(group, mailbox) is { } block) yield return $"The archive is barred by {block.Note.By} since {block.Note.Time:u}: {block.Note.Reason}";
    }

    /// <summary>Adds or replaces a record in every group.</summary>
    /// <param name="members">Messages that it names one by one: each goes to the group that has it.</param>
    /// <exception cref="MessageStoreException">A group is not open: the record would not hold there. GroupClosedForWriting, DiskFull.</exception>
    public async Task PutAsync(GroupRecord record, IReadOnlyCollection<Guid> members)
    {
        if (mail.FailedGroups.Count > 0)
            throw new MessageStoreException(mail.FailedGroups[0].Reason.ErrorId, ErrorKind.Device,
                $"Storage group {mail.FailedGroups[0].Settings.Name} is not open, so this would not hold for its mailboxes: {mail.FailedGroups[0].Reason.Message}",
                record.Mailboxes, mail.FailedGroups[0].Reason);
        foreach (StorageGroup group in mail.Groups)
            await group.PutRecordAsync(record, [.. members.Where(id => group.TryGet(id, out _))]).ConfigureAwait(false);
    }
}
